//! The people of the story. The administrator lets them in; each replaces a one-time password at the first sign-in.

use std::error::Error;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    desk::{Desk, DeskError, text},
    narrator::Narrator,
};
use crate::{cli::client::Call, fresh};

/// The PIN by which people sign here.
pub(super) const PIN: &str = "640917";

/// Somebody who signs: a line to the gateway, and what the person knows.
pub(super) struct Signer {
    pub(super) desk: Desk,
    password: SecretString,
}

/// What is signed.
pub(super) struct ToSign<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) meaning: &'a str,
    /// For which care area, where there are several.
    pub(super) care_area: Option<&'a str>,
}

impl Signer {
    /// Looks at something, and signs exactly what was shown.
    pub(super) async fn sign(&self, wanted: &ToSign<'_>) -> Result<Value, DeskError> {
        let look =
            Call::get(["signatures", "subjects", wanted.kind, wanted.id]).query("meaning", wanted.meaning);
        let shown = self.desk.ask(look).await?;
        let body = json!({
            "kind": wanted.kind,
            "id": wanted.id,
            "version": shown.get("version"),
            "content_hash": shown.get("content_hash"),
            "meaning": wanted.meaning,
            "care_area": wanted.care_area,
            "factors": { "password": self.password.expose_secret(), "pin": PIN },
        });
        self.desk.ask(Call::post(["signatures"]).json(body)).await
    }
}

/// Who sits where.
pub(super) struct People {
    /// Answers for the fleet.
    pub(super) biomed: Desk,
    /// Approves what others wrote.
    pub(super) approver: Signer,
    /// Answers for identities and keys.
    pub(super) security: Signer,
    /// Uses the pumps of one care area.
    pub(super) nurse: Signer,
    /// Answers for the nurses of every care area.
    pub(super) charge_nurse: Signer,
    /// Reads everything.
    pub(super) auditor: Desk,
}

/// Where everybody signs in.
pub(super) struct Door<'a> {
    pub(super) url: Url,
    pub(super) root_pem: &'a [u8],
}

impl Door<'_> {
    pub(super) async fn sign_in(
        &self,
        name: &str,
        one_time_password: &str,
        password: &SecretString,
    ) -> Result<Desk, Box<dyn Error + Send + Sync>> {
        Ok(Desk::sign_in(self.url.clone(), self.root_pem, name, one_time_password, password).await?)
    }
}

/// Lets everybody in: the nurse for one care area, the others for all.
pub(super) async fn let_in(
    administrator: &Desk,
    door: &Door<'_>,
    care_areas: &[&str],
    nurse_of: &str,
    narrator: &mut Narrator,
) -> Result<People, Box<dyn Error + Send + Sync>> {
    narrator.step("The administrator lets people in; an administrator decides nothing about pumps")?;
    let mut area_of_nurse = Value::Null;
    for name in care_areas {
        let area = administrator
            .ask(Call::post(["care-areas"]).json(json!({ "name": name })))
            .await?;
        if *name == nurse_of {
            area_of_nurse = area.get("id").cloned().unwrap_or_default();
        }
    }
    let everywhere = |role: &str| json!([{ "role": role, "everywhere": true }]);
    let cast = [
        ("lena", "Lena Park", "biomed lead", everywhere("biomed_lead")),
        ("omar", "Omar Diallo", "biomed lead", everywhere("biomed_lead")),
        ("samir", "Samir Haddad", "security", everywhere("security")),
        (
            "nora",
            "Nora Lind, RN",
            "nurse",
            json!([{ "role": "nurse", "care_areas": [area_of_nurse] }]),
        ),
        ("chen", "Chen Wei, RN", "charge nurse", everywhere("charge_nurse")),
        ("aud", "Aud Bergen", "auditor", everywhere("auditor")),
    ];
    let mut cast_in = Vec::new();
    for (name, printed_name, role, roles) in cast {
        let body = json!({ "name": name, "printed_name": printed_name, "roles": roles });
        let made = administrator.ask(Call::post(["people"]).json(body)).await?;
        let one_time = text(&made, "one_time_password")?;
        let place = if role == "nurse" {
            format!(" in {nurse_of}")
        } else {
            String::new()
        };
        narrator.say(&format!(
            "{name:<6} {printed_name:<14} {role}{place:<12} one-time password {one_time}"
        ))?;
        let password = fresh::secret::<32>();
        let desk = door.sign_in(name, &one_time, &password).await?;
        let body = json!({ "password": password.expose_secret(), "pin": PIN });
        desk.ask(Call::post(["me", "pin"]).json(body)).await?;
        cast_in.push(Signer { desk, password });
    }
    narrator.say("Each has replaced the one-time password; it opens nothing any more.")?;
    let mut cast_in = cast_in.into_iter();
    let mut next = || cast_in.next().ok_or("the cast is not complete");
    Ok(People {
        biomed: next()?.desk,
        approver: next()?,
        security: next()?,
        nurse: next()?,
        charge_nurse: next()?,
        auditor: next()?.desk,
    })
}
