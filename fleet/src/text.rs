//! Text that people or pumps gave us, bounded and cleaned at the door.
//!
//! Each type trims outer white space, refuses control and bidirectional-override characters (they forge
//! what a person reads), and has a length limit in characters. Everything else survives as it came:
//! quotes, commas, emoji, and a name that looks like a spreadsheet formula. Making such text harmless is
//! the duty of the place that writes it out (see [`crate::inventory::csv_cell`]).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Why a text was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing is left after trimming.
    #[error("{what} is empty; give 1 to {max} characters")]
    Empty { what: &'static str, max: usize },
    /// Longer than the limit.
    #[error("{what} has {length} characters; at most {max} are kept")]
    TooLong {
        what: &'static str,
        length: usize,
        max: usize,
    },
    /// A control character or a character that changes the direction of reading.
    #[error("{what} contains the unprintable character U+{code:04X}; remove it")]
    Unprintable { what: &'static str, code: u32 },
}

/// Characters that a person can not see, or that make the text around them read in another order.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn clean(what: &'static str, max: usize, raw: &str) -> Result<String, TextError> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(TextError::Empty { what, max });
    }
    let length = text.chars().count();
    if length > max {
        return Err(TextError::TooLong { what, length, max });
    }
    match text.chars().find(|c| is_unprintable(*c)) {
        Some(c) => Err(TextError::Unprintable {
            what,
            code: u32::from(c),
        }),
        None => Ok(text.to_owned()),
    }
}

macro_rules! text_type {
    ($($(#[$meta:meta])* $name:ident($what:literal, $max:tt)),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = String, min_length = 1, max_length = $max))]
        pub struct $name(
            #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = $max)))]
            String
        );

        impl $name {
            /// The most characters that are kept.
            pub const MAX: usize = $max;

            /// Trims, checks and keeps a text.
            ///
            /// # Errors
            /// [`TextError`] when it is empty, too long, or holds a character that can not be printed.
            pub fn new(raw: &str) -> Result<Self, TextError> {
                clean($what, Self::MAX, raw).map(Self)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;

            fn from_str(raw: &str) -> Result<Self, Self::Err> {
                Self::new(raw)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = String::deserialize(deserializer)?;
                Self::new(&raw).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_type! {
    /// The serial number a manufacturer gave a pump. Unique within a model, not across models.
    SerialNumber("serial number", 64),
    /// The hospital's own asset tag, the name by which people know a pump.
    AssetTag("asset tag", 64),
    /// The name of a manufacturer, model, care area, location or person.
    Name("name", 120),
    /// The hardware revision a firmware must fit.
    HardwareId("hardware id", 64),
    /// The name of a firmware component (`main`, `wireless`, `drug-library`).
    ComponentName("component name", 64),
    /// A component's version, in whatever scheme its maker uses.
    ComponentVersion("component version", 64),
    /// How to reach somebody: an e-mail address, a telephone number, a web page.
    Contact("contact", 240),
    /// A label that the hospital puts on pumps to find them by.
    Tag("tag", 40),
    /// The name of a functional check within a release (`occlusion-high`).
    CheckId("check id", 64),
    /// What a person is asked to do, in one or two sentences.
    Prompt("prompt", 280),
    /// One line of what a nurse reads before an update.
    BedsideLine("bedside line", 160),
    /// The number on a measuring instrument's label.
    InstrumentId("instrument id", 64),
    /// A vulnerability or an advisory, as its publisher names it (`CVE-2026-12345`).
    AdvisoryId("advisory id", 64),
    /// Why somebody did something, or what a machine said about it.
    Reason("reason", 500),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_but_honest_text_survives() {
        for text in [
            "=cmd|' /C calc'!A0",
            "O\"Brien, \"4 West\"",
            "Ünit 💉 4",
            "a;b\\c",
            "+1 555 0100",
        ] {
            assert_eq!(Name::new(text).unwrap().as_str(), text);
        }
        assert_eq!(Name::new("  4 West \r\n").unwrap().as_str(), "4 West");
    }

    #[test]
    fn text_that_can_not_be_read_is_refused() {
        let check = |raw: &str, expected: &str| {
            assert_eq!(SerialNumber::new(raw).unwrap_err().to_string(), expected);
        };
        check(" \t", "serial number is empty; give 1 to 64 characters");
        check(
            &"9".repeat(65),
            "serial number has 65 characters; at most 64 are kept",
        );
        check(
            "A\u{0}B",
            "serial number contains the unprintable character U+0000; remove it",
        );
        check(
            "A\u{202E}B",
            "serial number contains the unprintable character U+202E; remove it",
        );
    }

    #[test]
    fn reading_from_json_applies_the_same_rules() {
        assert!(serde_json::from_str::<AssetTag>("\"BM-10442\"").is_ok());
        assert!(serde_json::from_str::<AssetTag>("\"\\u0007\"").is_err());
    }
}
