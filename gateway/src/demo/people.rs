//! The people of the story. The administrator lets them in; each replaces a one-time password at the first sign-in.

use std::error::Error;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    desk::{Desk, text},
    narrator::Narrator,
};
use crate::{cli::client::Call, fresh};

/// The PIN by which the nurse signs.
pub(super) const PIN: &str = "640917";

/// Who sits where.
pub(super) struct People {
    /// Answers for the fleet.
    pub(super) biomed: Desk,
    /// Answers for identities and keys.
    pub(super) security: Desk,
    /// Uses the pumps of one care area.
    pub(super) nurse: Desk,
    /// What the nurse knows.
    pub(super) nurse_password: SecretString,
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
        ("samir", "Samir Haddad", "security", everywhere("security")),
        (
            "nora",
            "Nora Lind, RN",
            "nurse",
            json!([{ "role": "nurse", "care_areas": [area_of_nurse] }]),
        ),
        ("aud", "Aud Bergen", "auditor", everywhere("auditor")),
    ];
    let mut desks = Vec::new();
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
        desks.push((desk, password));
    }
    narrator.say("Each has replaced the one-time password; it opens nothing any more.")?;
    let mut desks = desks.into_iter();
    let (Some((biomed, _)), Some((security, _)), Some((nurse, nurse_password)), Some((auditor, _))) =
        (desks.next(), desks.next(), desks.next(), desks.next())
    else {
        return Err("the cast is not complete".into());
    };
    let body = json!({ "password": nurse_password.expose_secret(), "pin": PIN });
    nurse.ask(Call::post(["me", "pin"]).json(body)).await?;
    Ok(People {
        biomed,
        security,
        nurse,
        nurse_password,
        auditor,
    })
}
