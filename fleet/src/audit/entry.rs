//! One entry, its bytes, and the link to the one before.

use core::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::Word;
use crate::{
    Timestamp,
    id::{AccountId, DeviceId, PumpId, ServiceTokenId},
    signature::{
        Digest, Named,
        canonical::{self, Object},
    },
    text::{Name, Reason},
};

/// Who did it. Names are those of the time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// A person, signed in.
    Person { account: AccountId, name: Name },
    /// A program, by a service token of somebody's.
    Program {
        token: ServiceTokenId,
        name: Name,
        owner: AccountId,
    },
    /// A pump: an enrolment, a report.
    Pump { pump: PumpId },
    /// The gateway of its own accord: a timer, a rule.
    Gateway,
    /// Somebody who could not prove to be anybody: a wrong password, an expired session.
    Unknown,
}

impl Actor {
    /// The word in the canonical bytes and in the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Program { .. } => "program",
            Self::Pump { .. } => "pump",
            Self::Gateway => "gateway",
            Self::Unknown => "unknown",
        }
    }

    fn canonical(&self) -> Object {
        let object = Object::new().text("kind", self.as_str());
        match self {
            Self::Person { account, name } => object
                .text("account", &account.to_string())
                .text("name", name.as_str()),
            Self::Program { token, name, owner } => object
                .text("name", name.as_str())
                .text("owner", &owner.to_string())
                .text("token", &token.to_string()),
            Self::Pump { pump } => object.text("pump", &pump.to_string()),
            Self::Gateway | Self::Unknown => object,
        }
    }
}

/// From where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The network address, if it came over the network.
    pub address: Option<IpAddr>,
    /// The registered device, if it was one.
    pub device: Option<Named<DeviceId>>,
}

/// To what.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The kind of thing: `pump`, `account`, `setting`.
    pub kind: Word,
    /// Which one, as the API names it: a UUID, a fingerprint, the name of a setting.
    pub id: String,
}

/// One change, or one refusal, on record.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 1, without a gap.
    pub number: i64,
    /// When, by our clock; whole microseconds are kept.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
    /// What was done: `pump_hold`, `sign_in_refused`.
    pub action: Word,
    /// To what.
    pub subject: Subject,
    /// What was there before. Nothing and `null` are the same.
    pub before: Option<Value>,
    /// What is there now. Nothing and `null` are the same.
    pub after: Option<Value>,
    /// Why, in words.
    pub reason: Option<Reason>,
}

impl Entry {
    /// What the first line of the canonical bytes names.
    pub const FORMAT: &'static str = "audit-entry";
    /// The version of the canonical bytes.
    pub const VERSION: u32 = 1;

    /// The entry as one object of [canonical JSON](canonical), with these members, each always present:
    ///
    /// | member | value |
    /// |---|---|
    /// | `action` | word |
    /// | `actor` | an object of `kind`, and with it of a `person` `account` and `name`; of a `program` `name`, `owner` and `token`; of a `pump` `pump`; of `gateway` and `unknown` nothing more |
    /// | `after`, `before` | any JSON, or `null` |
    /// | `at` | RFC 3339 in UTC, six digits of a second |
    /// | `number` | whole number from 1 |
    /// | `origin` | an object of `address` (text or `null`) and `device` (`null`, or an object of `id` and `name`) |
    /// | `reason` | text or `null` |
    /// | `subject` | an object of `id` and `kind` |
    #[must_use]
    pub fn canonical(&self) -> Object {
        let address = self.origin.address.map(|address| address.to_string());
        let device = self.origin.device.as_ref();
        let origin = Object::new()
            .maybe_text("address", address.as_deref())
            .object("device", device.map(Named::canonical));
        let subject = Object::new()
            .text("id", &self.subject.id)
            .text("kind", self.subject.kind.as_str());
        Object::new()
            .text("action", self.action.as_str())
            .object("actor", Some(self.actor.canonical()))
            .json("after", self.after.as_ref())
            .text("at", &canonical::utc(self.at))
            .json("before", self.before.as_ref())
            .number("number", self.number)
            .object("origin", Some(origin))
            .maybe_text("reason", self.reason.as_ref().map(Reason::as_str))
            .object("subject", Some(subject))
    }

    /// The bytes that are hashed: the line `infusion-pump-gateway audit-entry v1`, a line feed, and [`Entry::canonical`].
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        self.canonical().to_bytes(Self::FORMAT, Self::VERSION)
    }
}

/// The hash of an entry: SHA-256 over the 32 bytes of the hash before it ([`Digest::ZERO`] before the first) and the
/// entry's canonical bytes.
#[must_use]
pub fn chain(previous: Digest, entry: &Entry) -> Digest {
    Digest::of_pieces(&[previous.bytes(), &entry.canonical_bytes()])
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    /// A full entry of this number.
    pub(in crate::audit) fn entry(number: i64) -> Entry {
        Entry {
            number,
            at: DateTime::from_timestamp(1_800_000_000 + number, 1_000).unwrap(),
            actor: Actor::Person {
                account: AccountId::from_uuid(Uuid::from_u128(1)),
                name: Name::new("Ana O'Brien").unwrap(),
            },
            origin: Origin {
                address: Some("10.4.0.7".parse().unwrap()),
                device: Some(Named {
                    id: DeviceId::from_uuid(Uuid::from_u128(2)),
                    name: Name::new("Tablet 4 West").unwrap(),
                }),
            },
            action: Word::literal("pump_hold"),
            subject: Subject {
                kind: Word::literal("pump"),
                id: Uuid::from_u128(3).to_string(),
            },
            before: Some(json!({ "hold": null })),
            after: Some(json!({ "hold": "clinical", "rate": 0.1 })),
            reason: Some(Reason::new("door latch \"loose\"").unwrap()),
        }
    }

    /// The hash was also computed by another program, over 32 zero bytes and the snapshot.
    #[test]
    fn the_bytes_and_the_first_hash_are_these() {
        let bytes = String::from_utf8(entry(1).canonical_bytes()).unwrap();
        insta::assert_snapshot!(bytes);
        insta::assert_snapshot!(chain(Digest::ZERO, &entry(1)), @"96bb718108de5755a2ff5cac0cb55c57201bd87ec0ea72c5b04e329aed535667");
    }

    #[test]
    fn what_a_database_cuts_is_not_in_the_hash() {
        let mut stored = entry(1);
        stored.at += chrono::TimeDelta::nanoseconds(999);
        assert_eq!(chain(Digest::ZERO, &stored), chain(Digest::ZERO, &entry(1)));
        stored.at += chrono::TimeDelta::microseconds(1);
        assert_ne!(chain(Digest::ZERO, &stored), chain(Digest::ZERO, &entry(1)));
    }
}
