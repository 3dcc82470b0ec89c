//! The statement: exactly what a person signs, as bytes.

use serde::{Deserialize, Serialize};

use super::{Answer, Subject, ZonedTime, canonical::Object};
use crate::{
    access::{Permission, Role},
    id::{AccountId, CareAreaId, DeviceId, SignatureId},
    text::Name,
};

/// Something by its id, with the name it had at the time: print shows the name, though it may change later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named<Id> {
    /// Which one.
    pub id: Id,
    /// What people called it then.
    pub name: Name,
}

impl<Id: ToString> Named<Id> {
    /// As a member of something canonical: an object of `id` and `name`.
    #[must_use]
    pub fn canonical(&self) -> Object {
        Object::new()
            .text("id", &self.id.to_string())
            .text("name", self.name.as_str())
    }
}

/// What a person signs, whole. Nothing of a signature lies outside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureStatement {
    /// Its own id: the same words signed twice are two statements.
    pub id: SignatureId,
    /// What it is about, in the state that was shown.
    pub subject: Subject,
    /// What it says.
    pub answer: Answer,
    /// The signer's name as it is printed (21 CFR 11.50(a)(1)).
    pub printed_name: Name,
    /// The signer.
    pub account: AccountId,
    /// The role in which they signed.
    pub role: Role,
    /// The care area for which they signed, if for one.
    pub care_area: Option<Named<CareAreaId>>,
    /// The registered device on which they signed, if on one.
    pub device: Option<Named<DeviceId>>,
    /// When, with the zone (21 CFR 11.50(a)(2)).
    pub signed_at: ZonedTime,
}

impl SignatureStatement {
    /// What the first line of the canonical bytes names.
    pub const FORMAT: &'static str = "signature";
    /// The version of the canonical bytes.
    pub const VERSION: u32 = 1;

    /// What the signer must be allowed to, in the care area of the statement.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.answer.permission()
    }

    /// Whether the meaning can be said of this kind of subject at all.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.answer.meaning().subject() == self.subject.kind
    }

    /// The bytes that are signed: the line `infusion-pump-gateway signature v1`, a line feed, and one object of
    /// [canonical JSON](super::canonical) with these members, each always present:
    ///
    /// | member | value |
    /// |---|---|
    /// | `account` | UUID |
    /// | `answer` | `signed` or `refused_for_now` |
    /// | `care_area`, `device` | `null`, or an object of `id` (UUID) and `name` |
    /// | `comment` | the remark or the reason, or `null` |
    /// | `id` | UUID of the signature |
    /// | `meaning` | the word of the [meaning](super::Meaning) |
    /// | `printed_name`, `role` | name; word of the role |
    /// | `signed_at` | RFC 3339, six digits of a second, numeric offset |
    /// | `subject` | an object of `content_hash` (64 hexadecimal digits), `id` (UUID), `kind`, `version` (whole number) |
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let subject = Object::new()
            .text("content_hash", &self.subject.content_hash.to_string())
            .text("id", &self.subject.id.hyphenated().to_string())
            .text("kind", self.subject.kind.as_str())
            .number("version", self.subject.version);
        let care_area = self.care_area.as_ref();
        let device = self.device.as_ref();
        Object::new()
            .text("account", &self.account.to_string())
            .text("answer", self.answer.as_str())
            .object("care_area", care_area.map(Named::canonical))
            .maybe_text("comment", self.answer.comment().map(|comment| comment.as_str()))
            .object("device", device.map(Named::canonical))
            .text("id", &self.id.to_string())
            .text("meaning", self.answer.meaning().as_str())
            .text("printed_name", self.printed_name.as_str())
            .text("role", self.role.as_str())
            .text("signed_at", &self.signed_at.to_string())
            .object("subject", Some(subject))
            .to_bytes(Self::FORMAT, Self::VERSION)
    }
}

#[cfg(test)]
mod tests;
