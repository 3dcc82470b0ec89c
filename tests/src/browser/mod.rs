//! People before a screen: a real browser, at the size of a phone or of a desk, in every theme; what it shows is saved as a
//! picture and checked by axe-core.
//!
//! | part | what is there |
//! |---|---|
//! | [`Browser`] | somebody at a browser: types, presses, reads |
//! | [`Size`], [`Look`] | how large the screen is, and how pages look |
//! | `axe` | whether everybody can use what is shown |
//! | [`furnish`] | care areas with pumps in every state |

mod axe;
mod driver;
mod furnish;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{Hospital, PASSWORD, eventually};
use driver::Driver;

pub use furnish::{Desk, furnish, furnish_desk};

/// How large a screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// A phone in one hand.
    Phone,
    /// A screen on a desk.
    Desk,
}

impl Size {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Phone, Self::Desk];

    /// The word in the name of a picture.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Desk => "desk",
        }
    }

    const fn pixels(self) -> (u32, u32) {
        match self {
            Self::Phone => (390, 844),
            Self::Desk => (1440, 900),
        }
    }
}

/// How pages look: as the device says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Light,
    Dark,
    Contrast,
}

impl Look {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Light, Self::Dark, Self::Contrast];

    /// The word in the name of a picture.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Contrast => "contrast",
        }
    }

    fn media(self) -> Value {
        let (scheme, contrast) = match self {
            Self::Light => ("light", "no-preference"),
            Self::Dark => ("dark", "no-preference"),
            Self::Contrast => ("dark", "more"),
        };
        json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-contrast", "value": contrast },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] })
    }
}

/// Somebody at a browser.
pub struct Browser {
    driver: Driver,
    base: String,
}

impl Browser {
    /// Opens one, with the pages of a hospital's gateway before it.
    pub async fn open(hospital: &Hospital, size: Size) -> Self {
        let browser = Self {
            driver: Driver::start().await,
            base: format!("https://{}", hospital.addresses().staff),
        };
        browser.resize(size).await;
        browser.look(Look::Light).await;
        browser
    }

    /// Another screen.
    pub async fn resize(&self, size: Size) {
        let (width, height) = size.pixels();
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == Size::Phone,
        });
        self.driver
            .devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// As the device looks.
    pub async fn look(&self, look: Look) {
        self.driver
            .devtools("Emulation.setEmulatedMedia", look.media())
            .await;
    }

    /// Goes to a page.
    ///
    /// # Panics
    /// When the browser does not get there.
    pub async fn go(&self, path: &str) {
        let url = json!({ "url": format!("{}{path}", self.base) });
        self.driver.post("/url", url).await.unwrap();
    }

    /// Where it is: path and query.
    ///
    /// # Panics
    /// When the browser is somewhere else altogether.
    pub async fn path(&self) -> String {
        let url = self.driver.get("/url").await.unwrap();
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.base)
            .unwrap_or_else(|| panic!("{url} is elsewhere"))
            .to_owned()
    }

    /// Waits until it is at a path.
    pub async fn arrives(&self, path: &str) {
        eventually(&format!("the browser is at {path}"), async || {
            (self.path().await == path).then_some(())
        })
        .await;
    }

    /// Types into a field, after what was in it was cleared.
    ///
    /// # Panics
    /// When there is none.
    pub async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        let _ = self.driver.post(&format!("{element}/clear"), json!({})).await;
        self.driver
            .post(&format!("{element}/value"), json!({ "text": text }))
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Presses a button or follows a link.
    ///
    /// # Panics
    /// When there is none, or something lies over it.
    pub async fn press(&self, selector: &str) {
        let element = self.element(selector).await;
        self.driver
            .post(&format!("{element}/click"), json!({}))
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Presses keys, wherever the focus is: no pointer is used.
    ///
    /// # Panics
    /// When the browser does not take them.
    pub async fn keys(&self, text: &str) {
        let actions: Vec<_> = text
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.driver.post("/actions", actions).await.unwrap();
    }

    async fn element(&self, selector: &str) -> String {
        eventually(&format!("{selector} is on the page"), async || {
            self.driver.element(selector).await.ok()
        })
        .await
    }

    /// Waits until the page says something.
    pub async fn reads(&self, words: &str) {
        eventually(&format!("the page says “{words}”"), async || {
            self.text().await.contains(words).then_some(())
        })
        .await;
    }

    /// Everything that the page says.
    ///
    /// # Panics
    /// When there is no page.
    pub async fn text(&self) -> String {
        let text = self
            .run("return document.body ? document.body.innerText : ''")
            .await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// What a script says. A page that is being left says nothing.
    pub async fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.driver
            .post("/execute/sync", body)
            .await
            .unwrap_or(Value::Null)
    }

    /// What the browser complained of since it was last asked: blocked files, broken scripts.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.driver.post("/se/log", json!({ "type": "browser" })).await;
        let entries = log
            .ok()
            .and_then(|log| log.as_array().cloned())
            .unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry["level"] == "SEVERE")
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            // The answer to a form that is not accepted is a page like any other.
            .filter(|message| !message.contains("the server responded with a status of"))
            .collect()
    }

    /// Cuts the line to the gateway, or mends it.
    pub async fn line(&self, is_up: bool) {
        let _ = self.driver.devtools("Network.enable", json!({})).await;
        let conditions = json!({
            "offline": !is_up, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        let _ = self
            .driver
            .devtools("Network.emulateNetworkConditions", conditions)
            .await;
    }

    /// Forgets who is signed in, as when a session runs out.
    pub async fn forget(&self) {
        let _ = self
            .driver
            .devtools("Network.clearBrowserCookies", json!({}))
            .await;
    }

    /// Signs in a person whose password is [`PASSWORD`].
    pub async fn sign_in(&self, name: &str) {
        self.go("/login").await;
        self.fill("#name", name).await;
        self.fill("#password", PASSWORD).await;
        self.press("button.main").await;
        eventually("somebody is signed in", async || {
            (!self.path().await.starts_with("/login")).then_some(())
        })
        .await;
    }

    /// Saves what is shown, all of it, as `target/screens/<name>.png`, for a person to look at.
    ///
    /// # Panics
    /// When it can not be saved.
    pub async fn picture(&self, name: &str) {
        let metrics = self.driver.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
        });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let taken = self.driver.devtools("Page.captureScreenshot", wanted).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        let dir = screens();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Looks at the page before it in every size and look: saves pictures, and has axe-core check each.
    ///
    /// # Panics
    /// When somebody could not use it, it is wider than the screen, or the browser complained.
    pub async fn inspect(&self, name: &str) {
        let mut faults = Vec::new();
        for size in Size::ALL {
            self.resize(size).await;
            for look in Look::ALL {
                self.look(look).await;
                let name = format!("{name}-{}-{}", size.as_str(), look.as_str());
                self.picture(&name).await;
                faults.extend(
                    axe::faults(self)
                        .await
                        .into_iter()
                        .map(|fault| format!("{name}: {fault}")),
                );
                let wide =
                    "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
                if self.run(wide).await == json!(true) {
                    faults.push(format!("{name}: wider than the screen"));
                }
            }
        }
        faults.extend(self.complaints().await);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Closes it.
    pub async fn close(self) {
        self.driver.end().await;
    }
}

/// Where pictures are kept.
fn screens() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")),
        PathBuf::from,
    );
    target.join("screens")
}
