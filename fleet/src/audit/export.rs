//! The export: one line of JSON per entry, so that a record can be verified far from its gateway.
//!
//! A line has exactly one form, the canonical one. A line that says the same in other bytes (a member twice, spaces, another
//! order) is refused, so that what a person or `grep` reads in a file is what was verified.

use serde::Deserialize;
use thiserror::Error;

use super::Entry;
use crate::signature::{Digest, canonical::Object};

/// No line is longer, in bytes.
pub const LINE_MAX: usize = 1024 * 1024;

/// An entry with its hash, as it is exported.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    /// The entry.
    pub entry: Entry,
    /// Its hash as it was stored: [`chain`](super::chain).
    pub hash: Digest,
}

/// A line that is no entry.
#[derive(Debug, Error)]
pub enum LineError {
    /// Far more than an entry ever is.
    #[error("the line has {length} bytes; an entry has at most {LINE_MAX}")]
    TooLong { length: usize },
    /// Not JSON, or not an entry.
    #[error("the line is not an audit entry: {0}")]
    NotAnEntry(#[from] serde_json::Error),
    /// It says the same in other bytes than we export.
    #[error("the line of entry {number} was rewritten: it is not in the form that is exported")]
    NotCanonical { number: i64 },
}

impl ExportLine {
    /// The line, without its line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        Object::new()
            .object("entry", Some(self.entry.canonical()))
            .text("hash", &self.hash.to_string())
            .to_json()
    }

    /// Reads a line, without its line feed.
    ///
    /// # Errors
    /// [`LineError`] when it is not exactly what [`ExportLine::to_line`] writes.
    pub fn from_line(line: &[u8]) -> Result<Self, LineError> {
        if line.len() > LINE_MAX {
            return Err(LineError::TooLong { length: line.len() });
        }
        let read: Self = serde_json::from_slice(line)?;
        if read.to_line().as_bytes() == line {
            Ok(read)
        } else {
            let number = read.entry.number;
            Err(LineError::NotCanonical { number })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Actor, Origin, Subject, Word, chain, entry::tests::entry},
        *,
    };
    use crate::{
        id::{AccountId, PumpId, ServiceTokenId},
        signature::canonical::tests::any_json,
        text::{Name, Reason},
    };

    fn line() -> ExportLine {
        let entry = entry(1);
        let hash = chain(Digest::ZERO, &entry);
        ExportLine { entry, hash }
    }

    #[test]
    fn every_actor_reads_back() {
        let id = uuid::Uuid::from_u128(7);
        let name = Name::new("SIEM").unwrap();
        for actor in [
            Actor::Person {
                account: AccountId::from_uuid(id),
                name: name.clone(),
            },
            Actor::Program {
                token: ServiceTokenId::from_uuid(id),
                name,
                owner: AccountId::from_uuid(id),
            },
            Actor::Pump {
                pump: PumpId::from_uuid(id),
            },
            Actor::Gateway,
            Actor::Unknown,
        ] {
            let mut line = line();
            line.entry.actor = actor;
            line.entry.origin = Origin::default();
            assert_eq!(ExportLine::from_line(line.to_line().as_bytes()).unwrap(), line);
        }
    }

    #[test]
    fn a_line_in_other_bytes_is_refused() {
        let good = line().to_line();
        assert!(ExportLine::from_line(good.as_bytes()).is_ok());
        let check = |from: &str, to: &str, expected: &str| {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from} is not in the line");
            let error = ExportLine::from_line(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "\"hold\":\"clinical\"",
            "\"hold\":\"\",\"hold\":\"clinical\"",
            "rewritten",
        );
        check("{\"entry\"", "{ \"entry\"", "rewritten");
        check("\"rate\":0.1", "\"rate\":1e-1", "rewritten");
        check(".000001Z", ".0000010Z", "rewritten");
        check("\"number\":1", "\"number\":1,\"note\":2", "not an audit entry");
        check("\"number\":1", "\"number\":1,\"number\":1", "not an audit entry");
        check(
            "\"number\":1",
            "\"number\":9223372036854775808",
            "not an audit entry",
        );
        check("\"kind\":\"person\"", "\"kind\":\"nobody\"", "not an audit entry");
        check(
            "\"kind\":\"person\"",
            "\"kind\":\"person\",\"more\":1",
            "not an audit entry",
        );
        check("\"pump_hold\"", "\"Pump hold\"", "not an audit entry");
        check("\"hash\":\"", "\"hash\":\"0", "not an audit entry");
        check(
            "\"clinical\"",
            &format!("\"{}\"", "x".repeat(LINE_MAX)),
            "at most",
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let line = line()
            .to_line()
            .replacen("\"rate\":0.1", &format!("\"rate\":{deep}"), 1);
        assert!(ExportLine::from_line(line.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_entry_reads_back_and_keeps_its_hash(
            number in any::<i64>(), before in any_json(), after in any_json(), id in any::<String>(), why in "[ -~]{0,40}",
        ) {
            let mut line = line();
            line.entry.number = number;
            line.entry.before = Some(before);
            line.entry.after = Some(after);
            line.entry.subject = Subject { kind: Word::literal("setting"), id };
            line.entry.reason = Reason::new(&why).ok();
            line.hash = chain(Digest::ZERO, &line.entry);
            let read = ExportLine::from_line(line.to_line().as_bytes()).unwrap();
            prop_assert_eq!(chain(Digest::ZERO, &read.entry), line.hash);
            prop_assert_eq!(read.to_line(), line.to_line());
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(ExportLine::from_line(&bytes).is_err());
        }

        #[test]
        fn no_flipped_bit_goes_unnoticed(at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
            let mut bytes = line().to_line().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(read) = ExportLine::from_line(&bytes) {
                prop_assert_ne!(chain(Digest::ZERO, &read.entry), read.hash);
            }
        }
    }
}
