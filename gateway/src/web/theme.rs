//! How pages look on a device: as its system says, or as somebody chose. The choice is a cookie, so that the page comes in
//! the right colours at once and no script is needed for it.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::header,
    web::Form,
};
use serde::Deserialize;

use super::{Answer, form};

/// The cookie. It says nothing about anybody.
const COOKIE: &str = "__Host-gateway-theme";

/// How pages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Theme {
    /// As the system says.
    #[default]
    System,
    Light,
    /// For the night shift: dim, no pure white.
    Dark,
    /// The greatest contrast there is.
    Contrast,
}

impl Theme {
    /// Every one, in the order of the choice.
    pub(super) const ALL: [Self; 4] = [Self::System, Self::Light, Self::Dark, Self::Contrast];

    /// The word in the cookie and in the page.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Contrast => "contrast",
        }
    }

    /// The word on the button.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::System => "As the device",
            Self::Light => "Light",
            Self::Dark => "Dark",
            Self::Contrast => "High contrast",
        }
    }

    /// What was chosen on this device.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let chosen = request.cookie(COOKIE);
        let fits = |theme: &Self| {
            chosen
                .as_ref()
                .is_some_and(|cookie| cookie.value() == theme.as_str())
        };
        Self::ALL.into_iter().find(fits).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    theme: Theme,
    /// The page that it was chosen on.
    #[serde(default)]
    back: String,
}

/// Remembers a choice for a year.
pub(super) async fn choose(choice: Form<Choice>) -> Answer {
    let Choice { theme, back } = choice.into_inner();
    let cookie = Cookie::build(COOKIE, theme.as_str())
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish();
    let back = form::here(&back).unwrap_or("/");
    Ok(HttpResponse::SeeOther()
        .cookie(cookie)
        .insert_header((header::LOCATION, back.to_owned()))
        .finish())
}
