//! Where a person of the story sits: every step is asked for here, over the staff API, in a session.

use std::time::{Duration, Instant};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use thiserror::Error;

use crate::cli::{
    client::{Call, Client},
    error::Cause,
};

/// What the story can stumble over.
#[derive(Debug, Error)]
pub(super) enum DeskError {
    #[error("the gateway refused: {0}")]
    Refused(#[from] Cause),
    #[error("the answer has no `{0}`")]
    Missing(&'static str),
    #[error("it did not come to pass in {0:?}: {1}")]
    Never(Duration, &'static str),
}

/// How long the story waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A line to the staff API, as a person who is signed in.
pub(super) struct Desk {
    client: Client,
}

impl Desk {
    /// Signs in for the first time, with the one-time password, which is changed by that.
    pub(super) async fn sign_in(
        url: Url,
        root_pem: &[u8],
        name: &str,
        one_time_password: &str,
        new_password: &SecretString,
    ) -> Result<Self, DeskError> {
        let visitor = Client::new(url.clone(), Some(root_pem), None)?;
        let body = json!({
            "name": name,
            "password": one_time_password,
            "new_password": new_password.expose_secret(),
        });
        let begun = visitor
            .json(&Call::post(["sessions"]).by_anybody().json(body))
            .await?;
        let session = SecretString::from(text(&begun, "token")?);
        Ok(Self {
            client: Client::new(url, Some(root_pem), Some(session))?,
        })
    }

    pub(super) async fn ask(&self, call: Call) -> Result<Value, DeskError> {
        Ok(self.client.json(&call).await?)
    }

    /// An answer that is no JSON document, whole.
    pub(super) async fn bytes(&self, call: Call) -> Result<Vec<u8>, DeskError> {
        let mut whole = Vec::new();
        self.client
            .bytes(&call, |piece| {
                whole.extend_from_slice(piece);
                Ok(())
            })
            .await?;
        Ok(whole)
    }

    /// The items of a list, up to a thousand.
    pub(super) async fn list(&self, call: Call) -> Result<Vec<Value>, DeskError> {
        self.page(call.query("limit", 1000)).await
    }

    /// The items of a list, as many as it gives at once.
    pub(super) async fn page(&self, call: Call) -> Result<Vec<Value>, DeskError> {
        let mut answer = self.ask(call).await?;
        match answer.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(DeskError::Missing("items")),
        }
    }

    /// The pump with a serial number or an asset tag.
    pub(super) async fn pump(&self, name: &str) -> Result<Value, DeskError> {
        let found = self.ask(Call::get(["pumps", "find"]).query("q", name)).await?;
        found
            .get("items")
            .and_then(|items| items.get(0))
            .cloned()
            .ok_or(DeskError::Missing("pump"))
    }

    /// Asks for a pump again and again until it is as wanted; returns it and how long that took.
    pub(super) async fn until(
        &self,
        name: &str,
        what: &'static str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<(Value, Duration), DeskError> {
        let began = Instant::now();
        let pump = within(what, async || {
            let pump = self.pump(name).await?;
            Ok(wanted(&pump).then_some(pump))
        })
        .await?;
        Ok((pump, began.elapsed()))
    }

    /// Asks for a list again and again until it is as wanted.
    pub(super) async fn until_list(
        &self,
        what: &'static str,
        call: impl Fn() -> Call,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Result<Vec<Value>, DeskError> {
        within(what, async || {
            let items = self.list(call()).await?;
            Ok(wanted(&items).then_some(items))
        })
        .await
    }
}

/// Asks until there is an answer, or patience is at its end.
async fn within<T>(
    what: &'static str,
    ask: impl AsyncFn() -> Result<Option<T>, DeskError>,
) -> Result<T, DeskError> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if began.elapsed() > PATIENCE {
            return Err(DeskError::Never(PATIENCE, what));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A text member of an answer.
pub(super) fn text(value: &Value, member: &'static str) -> Result<String, DeskError> {
    value
        .get(member)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or(DeskError::Missing(member))
}

/// A number member of an answer; 0 where there is none.
pub(super) fn number(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}
