//! Unique Device Identification as GS1 writes it (GS1 General Specifications, application identifiers).
//!
//! A carrier holds a device identifier (AI 01, a GTIN-14 with check digit) and production identifiers:
//! batch (10), production date (11), expiry (17), serial (21). It arrives in two spellings: with brackets, as printed
//! for people, or with FNC1 separators (ASCII 29) after variable-length fields, as a scanner types it. A scanner may
//! prefix a symbology identifier (`]d2` for GS1 DataMatrix, `]C1` for GS1-128, `]Q3` for GS1 QR).

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate};
use thiserror::Error;

/// The FNC1 separator as scanners transmit it.
const FNC1: char = '\u{1D}';
/// Longest value of AI 10 and AI 21.
const VARIABLE_MAX: usize = 20;

/// A parsed UDI. Equality is by content, whichever way it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Udi {
    /// AI 01: the device identifier (UDI-DI), 14 digits with a valid check digit.
    pub device_identifier: String,
    /// AI 10.
    pub batch: Option<String>,
    /// AI 11. A day given as `00` means the last day of the month.
    pub produced: Option<NaiveDate>,
    /// AI 17. Likewise.
    pub expires: Option<NaiveDate>,
    /// AI 21.
    pub serial: Option<String>,
}

/// Why a UDI was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UdiError {
    /// No AI 01.
    #[error("the UDI has no device identifier; it must contain (01) and 14 digits")]
    NoDeviceIdentifier,
    /// An application identifier that is not one of 01, 10, 11, 17, 21.
    #[error("unknown application identifier at `{at}`; known are (01) (10) (11) (17) (21)")]
    UnknownIdentifier { at: String },
    /// The same identifier twice.
    #[error("application identifier ({ai}) appears twice")]
    Repeated { ai: &'static str },
    /// A value of the wrong length or with the wrong characters.
    #[error("({ai}) is `{value}`; expected {expected}")]
    Malformed {
        ai: &'static str,
        value: String,
        expected: &'static str,
    },
    /// The check digit does not fit, which is how a misread is noticed.
    #[error("the check digit of (01) `{value}` is wrong (expected {expected}); scan it again")]
    CheckDigit { value: String, expected: u32 },
    /// Longer than any carrier.
    #[error("the UDI is longer than {max} characters")]
    TooLong { max: usize },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ai {
    DeviceIdentifier,
    Batch,
    Produced,
    Expires,
    Serial,
}

impl Ai {
    const ALL: [Self; 5] = [
        Self::DeviceIdentifier,
        Self::Batch,
        Self::Produced,
        Self::Expires,
        Self::Serial,
    ];

    const fn code(self) -> &'static str {
        match self {
            Self::DeviceIdentifier => "01",
            Self::Batch => "10",
            Self::Produced => "11",
            Self::Expires => "17",
            Self::Serial => "21",
        }
    }

    /// Length of the value where the standard fixes it.
    const fn fixed_length(self) -> Option<usize> {
        match self {
            Self::DeviceIdentifier => Some(14),
            Self::Produced | Self::Expires => Some(6),
            Self::Batch | Self::Serial => None,
        }
    }

    const fn expected(self) -> &'static str {
        match self {
            Self::DeviceIdentifier => "14 digits",
            Self::Produced | Self::Expires => "a date as YYMMDD",
            Self::Batch | Self::Serial => "1 to 20 printable characters",
        }
    }
}

impl Udi {
    /// The longest text that is looked at.
    pub const MAX: usize = 128;

    /// The device identifier alone: from its 14 digits, or from a whole UDI such as a person scans off any pump of the model.
    ///
    /// # Errors
    /// [`UdiError`] when it is neither.
    pub fn read_device_identifier(text: &str) -> Result<String, UdiError> {
        let text = text.trim();
        let whole = if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) {
            format!("(01){text}").parse()
        } else {
            text.parse::<Self>()
        };
        whole.map(|udi| udi.device_identifier)
    }

    const fn empty() -> Self {
        Self {
            device_identifier: String::new(),
            batch: None,
            produced: None,
            expires: None,
            serial: None,
        }
    }

    fn set(&mut self, ai: Ai, value: &str) -> Result<(), UdiError> {
        let malformed = || UdiError::Malformed {
            ai: ai.code(),
            value: value.to_owned(),
            expected: ai.expected(),
        };
        let repeated = match ai {
            Ai::DeviceIdentifier => !self.device_identifier.is_empty(),
            Ai::Batch => self.batch.is_some(),
            Ai::Produced => self.produced.is_some(),
            Ai::Expires => self.expires.is_some(),
            Ai::Serial => self.serial.is_some(),
        };
        if repeated {
            return Err(UdiError::Repeated { ai: ai.code() });
        }
        match ai {
            Ai::DeviceIdentifier => {
                if value.len() != 14 || !value.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(malformed());
                }
                let expected = check_digit(value);
                if value.chars().next_back().and_then(|c| c.to_digit(10)) != Some(expected) {
                    return Err(UdiError::CheckDigit {
                        value: value.to_owned(),
                        expected,
                    });
                }
                value.clone_into(&mut self.device_identifier);
            }
            Ai::Produced => self.produced = Some(date(value).ok_or_else(malformed)?),
            Ai::Expires => self.expires = Some(date(value).ok_or_else(malformed)?),
            Ai::Batch | Ai::Serial => {
                let fits =
                    (1..=VARIABLE_MAX).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
                if !fits {
                    return Err(malformed());
                }
                let slot = if ai == Ai::Batch {
                    &mut self.batch
                } else {
                    &mut self.serial
                };
                *slot = Some(value.to_owned());
            }
        }
        Ok(())
    }
}

/// The GS1 mod-10 digit over the first 13 digits: weights 3 and 1 alternate from the left.
fn check_digit(gtin: &str) -> u32 {
    let sum: u32 = gtin
        .chars()
        .take(13)
        .filter_map(|c| c.to_digit(10))
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    (10 - sum % 10) % 10
}

/// `YYMMDD`; the century window of the General Specifications is sliding, and every pump alive is of this one.
fn date(value: &str) -> Option<NaiveDate> {
    if value.len() != 6 || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year = 2000 + value.get(0..2)?.parse::<i32>().ok()?;
    let month = value.get(2..4)?.parse().ok()?;
    let day = value.get(4..6)?.parse().ok()?;
    if day == 0 {
        NaiveDate::from_ymd_opt(year, month, 1)?
            .checked_add_months(chrono::Months::new(1))?
            .pred_opt()
    } else {
        NaiveDate::from_ymd_opt(year, month, day)
    }
}

impl FromStr for Udi {
    type Err = UdiError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_matches([' ', '\t', '\r', '\n', FNC1]);
        if text.len() > Self::MAX {
            return Err(UdiError::TooLong { max: Self::MAX });
        }
        let text = ["]d2", "]C1", "]Q3", "]e0"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(text)
            .trim_start_matches(FNC1);
        let bracketed = text.starts_with('(');
        let mut udi = Self::empty();
        let mut rest = text;
        while !rest.is_empty() {
            let (ai, value, after) = if bracketed {
                next_bracketed(rest)?
            } else {
                next_scanned(rest)?
            };
            udi.set(ai, value)?;
            rest = after;
        }
        if udi.device_identifier.is_empty() {
            return Err(UdiError::NoDeviceIdentifier);
        }
        Ok(udi)
    }
}

fn unknown(at: &str) -> UdiError {
    UdiError::UnknownIdentifier {
        at: at.chars().take(12).collect(),
    }
}

/// `(01)…(21)…`: a value ends where the next known identifier in brackets begins.
fn next_bracketed(rest: &str) -> Result<(Ai, &str, &str), UdiError> {
    let (ai, body) = Ai::ALL
        .into_iter()
        .find_map(|ai| {
            let body = rest
                .strip_prefix('(')?
                .strip_prefix(ai.code())?
                .strip_prefix(')')?;
            Some((ai, body))
        })
        .ok_or_else(|| unknown(rest))?;
    let end = ai
        .fixed_length()
        .filter(|length| {
            body.get(*length..)
                .is_some_and(|after| after.is_empty() || after.starts_with('('))
        })
        .or_else(|| body.find('('))
        .unwrap_or(body.len());
    let (value, after) = body.split_at(end);
    Ok((ai, value.trim_end(), after))
}

/// `01…21…<FNC1>`: fixed-length values end by count, variable ones at FNC1 or the end.
fn next_scanned(rest: &str) -> Result<(Ai, &str, &str), UdiError> {
    let (ai, body) = Ai::ALL
        .into_iter()
        .find_map(|ai| Some((ai, rest.strip_prefix(ai.code())?)))
        .ok_or_else(|| unknown(rest))?;
    let (value, after) = match ai.fixed_length() {
        Some(length) => body.split_at_checked(length).ok_or_else(|| UdiError::Malformed {
            ai: ai.code(),
            value: body.to_owned(),
            expected: ai.expected(),
        })?,
        None => body.split_once(FNC1).unwrap_or((body, "")),
    };
    Ok((ai, value, after.trim_start_matches(FNC1)))
}

impl fmt::Display for Udi {
    /// The form printed for people, with brackets, in the order of the identifiers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yymmdd =
            |date: NaiveDate| format!("{:02}{:02}{:02}", date.year() % 100, date.month(), date.day());
        write!(f, "(01){}", self.device_identifier)?;
        if let Some(date) = self.produced {
            write!(f, "(11){}", yymmdd(date))?;
        }
        if let Some(date) = self.expires {
            write!(f, "(17){}", yymmdd(date))?;
        }
        if let Some(batch) = &self.batch {
            write!(f, "(10){batch}")?;
        }
        if let Some(serial) = &self.serial {
            write!(f, "(21){serial}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_spellings_and_every_scanner_prefix_read_the_same() {
        let printed: Udi = "(01)09504000059118(11)141231(17)150707(10)A213B1(21)1234"
            .parse()
            .unwrap();
        assert_eq!(printed.device_identifier, "09504000059118");
        assert_eq!(printed.serial.as_deref(), Some("1234"));
        assert_eq!(printed.produced, NaiveDate::from_ymd_opt(2014, 12, 31));
        for text in [
            "01095040000591181114123117150707\u{31}\u{30}A213B1\u{1D}211234",
            "]d201095040000591181114123117150707\u{31}\u{30}A213B1\u{1D}211234",
            "\u{1D}010950400005911821123\u{34}\u{1D}10A213B1\u{1D}1114123117150707",
            "(21)1234(01)09504000059118(10)A213B1(17)150707(11)141231",
        ] {
            assert_eq!(text.parse::<Udi>().as_ref(), Ok(&printed), "{text:?}");
        }
    }

    #[test]
    fn day_zero_is_the_last_day_of_the_month() {
        let udi: Udi = "(01)09504000059118(17)280200".parse().unwrap();
        assert_eq!(udi.expires, NaiveDate::from_ymd_opt(2028, 2, 29));
    }

    #[test]
    fn a_device_identifier_is_read_from_its_digits_or_from_a_whole_label() {
        for text in [
            "09504000059118",
            " 09504000059118\n",
            "(01)09504000059118(21)1234",
            "]d2010950400005911821123",
        ] {
            assert_eq!(
                Udi::read_device_identifier(text).as_deref(),
                Ok("09504000059118"),
                "{text:?}"
            );
        }
        for text in [
            "",
            "0950400005911",
            "09504000059117",
            "(21)1234",
            "0950400005911٨",
        ] {
            assert!(Udi::read_device_identifier(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_misread_is_named() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Udi>().unwrap_err().to_string(), expected);
        };
        check(
            "",
            "the UDI has no device identifier; it must contain (01) and 14 digits",
        );
        check(
            "(21)1",
            "the UDI has no device identifier; it must contain (01) and 14 digits",
        );
        check(
            "(01)09504000059117",
            "the check digit of (01) `09504000059117` is wrong (expected 8); scan it again",
        );
        check("(01)0950400005911", "(01) is `0950400005911`; expected 14 digits");
        check(
            "(01)09504000059118(99)X",
            "unknown application identifier at `(99)X`; known are (01) (10) (11) (17) (21)",
        );
        check(
            "(01)09504000059118(01)09504000059118",
            "application identifier (01) appears twice",
        );
        check(
            "(01)09504000059118(17)281332",
            "(17) is `281332`; expected a date as YYMMDD",
        );
        check(&"9".repeat(129), "the UDI is longer than 128 characters");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,140}") {
            let _ = text.parse::<Udi>();
        }

        #[test]
        fn what_is_printed_reads_back(body in "[0-9]{13}", batch in proptest::option::of("[A-Za-z0-9/._-]{1,20}"), serial in proptest::option::of("[A-Za-z0-9/._-]{1,20}")) {
            let device_identifier = format!("{body}{}", check_digit(&body));
            let udi = Udi { device_identifier, batch, serial, produced: None, expires: NaiveDate::from_ymd_opt(2031, 4, 30) };
            prop_assert_eq!(udi.to_string().parse::<Udi>(), Ok(udi));
        }
    }
}
