//! The people of a rollout, and how they sign: they look at what is there, and sign exactly that.

use serde_json::json;

use crate::{Answer, Api, PASSWORD};

/// The PIN by which people sign here.
pub const PIN: &str = "640917";

impl Api {
    /// The same person, with a PIN: a signature needs one.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn with_pin(self) -> Self {
        let body = json!({ "password": PASSWORD, "pin": PIN });
        let taken = self.post("/me/pin", &body).await;
        assert!((200..300).contains(&taken.status), "{}", taken.text);
        self
    }

    /// Looks at something, and signs what was shown. `care_area` is an id.
    ///
    /// # Panics
    /// When there is nothing to look at.
    pub async fn sign(&self, kind: &str, id: &str, meaning: &str, care_area: Option<&str>) -> Answer {
        let look = format!("/signatures/subjects/{kind}/{id}?meaning={meaning}");
        let shown = self.get(&look).await.ok(200);
        let body = json!({
            "kind": kind,
            "id": id,
            "version": shown["version"],
            "content_hash": shown["content_hash"],
            "meaning": meaning,
            "care_area": care_area,
            "factors": { "password": PASSWORD, "pin": PIN },
        });
        self.post("/signatures", &body).await
    }
}

/// Who sits where.
#[derive(Clone)]
pub struct Cast {
    /// Writes rollouts, imports releases.
    pub engineer: Api,
    /// Approves what others wrote.
    pub approver: Api,
    /// Answers for identities and keys.
    pub security: Api,
    /// Answers for the nurses of every care area, and is all of them.
    pub charge_nurse: Api,
}

impl Cast {
    /// Lets everybody in.
    ///
    /// # Panics
    /// When that fails.
    pub async fn let_in(administrator: &Api) -> Self {
        let person = async |name: &str, printed_name: &str, role: &str| {
            administrator
                .add_person(name, printed_name, &[role])
                .await
                .with_pin()
                .await
        };
        Self {
            engineer: person("lena", "Lena Park", "biomed_lead").await,
            approver: person("omar", "Omar Diallo", "biomed_lead").await,
            security: person("samir", "Samir Haddad", "security").await,
            charge_nurse: person("chen", "Chen Wei, RN", "charge_nurse").await,
        }
    }
}
