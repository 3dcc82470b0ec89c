//! The messages, as JSON objects. Each names its schema version in `v`.
//!
//! Reading is strict about what is there and silent about what is not asked for: an unexpected field is dropped before
//! anything is logged, so a pump that sends more than it should (a patient's name, say) leaves no trace here.

mod ack;
mod order;
mod presence;
mod report;
mod telemetry;
mod update;

pub use ack::{Ack, RefusedReport};
pub use order::{AskedCheck, Order, OrderBody};
pub use presence::{Presence, PresenceState};
pub use report::{
    DrugLibrary, InventoryReport, Module, OrderOutcome, OrderResult, Report, ReportBody, ReportHead,
    SoftwareSlot, SoftwareState,
};
pub use telemetry::Telemetry;
pub use update::{Refusal, UpdateReport, UpdateStage};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use thiserror::Error;

use crate::topic::Channel;

/// The schema version of this contract. It is written as the number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "schema version {other} is not known; use 1"
            ))),
        }
    }
}

impl JsonSchema for V1 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": 1, "description": "Schema version of this contract." })
    }
}

/// Reads a list that holds no more than the schema says.
pub(crate) fn at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let list = Vec::deserialize(deserializer)?;
    if list.len() <= MAX {
        Ok(list)
    } else {
        Err(serde::de::Error::custom(format_args!(
            "{} items; at most {MAX}",
            list.len()
        )))
    }
}

/// A payload that could not be read. The text never repeats the payload.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Larger than the channel allows.
    #[error("{} payload of {length} bytes is larger than {max}", .channel.as_str())]
    TooLarge {
        channel: Channel,
        length: usize,
        max: usize,
    },
    /// Not JSON, not this schema, or another version of it.
    #[error("{} payload does not fit the schema at line {line}, column {column}: {problem}", .channel.as_str())]
    Malformed {
        channel: Channel,
        line: usize,
        column: usize,
        problem: &'static str,
    },
}

/// A message that travels on one channel.
pub trait Message: Serialize + DeserializeOwned {
    /// Its channel.
    const CHANNEL: Channel;

    /// Reads a payload.
    ///
    /// # Errors
    /// [`ReadError`] when it is too large, not JSON, or does not fit the schema.
    fn read(payload: &[u8]) -> Result<Self, ReadError> {
        read_json(Self::CHANNEL, payload)
    }

    /// Writes the payload.
    fn write(&self) -> Vec<u8> {
        // Serialising these types can not fail: no maps with odd keys, no fallible serialisers.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn read_json<T: DeserializeOwned>(channel: Channel, payload: &[u8]) -> Result<T, ReadError> {
    let max = channel.max_payload();
    if payload.len() > max {
        return Err(ReadError::TooLarge {
            channel,
            length: payload.len(),
            max,
        });
    }
    serde_json::from_slice(payload).map_err(|error| ReadError::Malformed {
        channel,
        line: error.line(),
        column: error.column(),
        problem: match error.classify() {
            serde_json::error::Category::Io => "could not be read",
            serde_json::error::Category::Syntax => "not JSON",
            serde_json::error::Category::Data => {
                "wrong version, field missing, of the wrong type, or out of range"
            }
            serde_json::error::Category::Eof => "ends too early",
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_payload_panics(payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Telemetry::read(&payload);
            let _ = Report::read(&payload);
            let _ = Presence::read(&payload);
        }
    }

    #[test]
    fn another_version_is_refused_and_nothing_of_the_payload_is_repeated() {
        let error = Presence::read(br#"{"v":2,"state":"online","patient":"Jane Roe"}"#).unwrap_err();
        assert!(matches!(error, ReadError::Malformed { .. }));
        assert!(!error.to_string().contains("Jane"));
        let deep = "[".repeat(500);
        assert!(Presence::read(deep.as_bytes()).is_err());
        assert!(matches!(
            Presence::read(&[b' '; 513]),
            Err(ReadError::TooLarge { .. })
        ));
    }

    #[test]
    fn unexpected_fields_are_dropped() {
        let read = Presence::read(br#"{"v":1,"state":"online","patient":"Jane Roe"}"#).unwrap();
        assert_eq!(
            String::from_utf8(read.write()).unwrap(),
            r#"{"v":1,"state":"online"}"#
        );
    }
}
