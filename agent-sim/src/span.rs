//! Spans of time as people write them: `500ms`, `30s`, `10m`, `1h30m`, `2d`.

use std::time::Duration;

use thiserror::Error;

/// A text that is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a span of time; write it as 500ms, 30s, 10m, 1h30m or 2d")]
pub struct BadSpan {
    /// The text, shortened.
    pub given: String,
}

/// The longest span that is accepted: a year.
pub const LONGEST: Duration = Duration::from_hours(366 * 24);

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a span.
///
/// # Errors
/// [`BadSpan`] when there is no number, no unit, or it is longer than [`LONGEST`].
pub fn parse(text: &str) -> Result<Duration, BadSpan> {
    let bad = || BadSpan {
        given: text.chars().take(40).collect(),
    };
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let part = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(*milliseconds));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(bad)?;
        rest = after;
    }
    let span = Duration::from_millis(total);
    if span > LONGEST { Err(bad()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_ways_are_read() {
        let check = |text: &str, milliseconds: u64| {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        };
        check("0s", 0);
        check("500ms", 500);
        check(" 30s ", 30_000);
        check("1h30m", 5_400_000);
        check("2d", 172_800_000);
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5x",
            "1.5h",
            "99999999999999999999s",
            "400d",
            "💉",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
