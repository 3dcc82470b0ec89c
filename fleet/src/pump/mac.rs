//! Network hardware addresses (IEEE 802 EUI-48).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A unicast EUI-48 address. Printed in lower case with colons, whatever way it was written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(with = "String", extend("pattern" = "^([0-9A-Fa-f]{2}[:-]?){5}[0-9A-Fa-f]{2}$"))
)]
pub struct MacAddress([u8; 6]);

/// Why an address was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MacError {
    /// Not twelve hexadecimal digits in one of the usual groupings.
    #[error("`{given}` is not a MAC address; write it as 00:1a:2b:3c:4d:5e")]
    Malformed { given: String },
    /// All zeros, all ones or a group address: no single device has it.
    #[error("{given} is not the address of one device")]
    NotUnicast { given: String },
}

impl MacAddress {
    /// Takes six bytes.
    ///
    /// # Errors
    /// [`MacError::NotUnicast`] for zero, broadcast and group addresses.
    pub fn new(bytes: [u8; 6]) -> Result<Self, MacError> {
        let [first, ..] = bytes;
        if first & 1 == 1 || bytes == [0; 6] {
            return Err(MacError::NotUnicast {
                given: Self(bytes).to_string(),
            });
        }
        Ok(Self(bytes))
    }

    /// The six bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for MacAddress {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || MacError::Malformed {
            given: text.chars().take(40).collect(),
        };
        let text = text.trim();
        if text.len() > 17 {
            return Err(malformed());
        }
        let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        let mut bytes = [0; 6];
        hex::decode_to_slice(&digits, &mut bytes).map_err(|_| malformed())?;
        Self::new(bytes)
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MacAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MacAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_way_of_writing_reads_the_same() {
        for text in [
            "00:1A:2B:3C:4D:5E",
            "00-1a-2b-3c-4d-5e",
            "001a.2b3c.4d5e",
            "001a2b3c4d5e",
            " 00:1a:2b:3c:4d:5e ",
        ] {
            assert_eq!(
                text.parse::<MacAddress>().unwrap().to_string(),
                "00:1a:2b:3c:4d:5e"
            );
        }
    }

    #[test]
    fn what_is_no_single_device_is_refused() {
        for text in [
            "",
            "00:1a:2b:3c:4d",
            "00:1a:2b:3c:4d:5e:6f",
            "zz:1a:2b:3c:4d:5e",
            "=cmd|' /C calc'!A0",
            "💉",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
        ] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }
}
