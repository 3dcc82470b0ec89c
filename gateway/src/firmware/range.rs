//! Which part of a file a request wants (RFC 9110, section 14), so that a download goes on where it broke off.
//!
//! One range of bytes is served. Several at once, other units and what can not be read are ignored, as the standard allows:
//! the answer is then the whole file.

/// What to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// 200, all of it.
    Whole,
    /// 206: the first byte and how many, at least one.
    Part { first: u64, length: u64 },
    /// 416: no byte of the file is in the range.
    Nothing,
}

/// Reads `Range` and `If-Range`. `etag` is the file's own, strong and with its quotes; `length` is in bytes.
pub(super) fn wanted(range: Option<&str>, if_range: Option<&str>, etag: &str, length: u64) -> Wanted {
    // Section 13.1.5: a weak tag or a date never matches here, and then the range is not meant.
    if if_range.is_some_and(|tag| tag.trim() != etag) {
        return Wanted::Whole;
    }
    range
        .and_then(one_range)
        .map_or(Wanted::Whole, |range| match range {
            Spec::From(first) if first < length => Wanted::Part {
                first,
                length: length - first,
            },
            Spec::Between(first, last) if first < length => Wanted::Part {
                first,
                length: last.min(length - 1) - first + 1,
            },
            Spec::Last(count) if count > 0 && length > 0 => {
                let count = count.min(length);
                Wanted::Part {
                    first: length - count,
                    length: count,
                }
            }
            Spec::From(_) | Spec::Between(..) | Spec::Last(_) => Wanted::Nothing,
        })
}

enum Spec {
    From(u64),
    /// Both included; the last is not below the first.
    Between(u64, u64),
    Last(u64),
}

fn one_range(header: &str) -> Option<Spec> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || set.contains(',') {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    match (first, last) {
        ("", last) => number(last).map(Spec::Last),
        (first, "") => number(first).map(Spec::From),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Digits and nothing else. A number too large to count is larger than any file.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_says() {
        let part = |first, length| Wanted::Part { first, length };
        let check = |range: &str, expected: Wanted| {
            assert_eq!(wanted(Some(range), None, "\"x\"", 100), expected, "{range}");
        };
        check("bytes=0-", part(0, 100));
        check("bytes=0-0", part(0, 1));
        check("bytes=99-", part(99, 1));
        check("bytes=10-19", part(10, 10));
        check("Bytes = 10-19", part(10, 10));
        check("bytes=10-1000", part(10, 90));
        check("bytes=-1", part(99, 1));
        check("bytes=-100", part(0, 100));
        check("bytes=-101", part(0, 100));
        check("bytes=100-", Wanted::Nothing);
        check("bytes=100-200", Wanted::Nothing);
        check("bytes=-0", Wanted::Nothing);
        check("bytes=99999999999999999999-", Wanted::Nothing);
        check("bytes=5-99999999999999999999", part(5, 95));
        for ignored in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-",
            "bytes=1-0",
            "bytes=1-2,3-4",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=1 - 2",
            "bytes=1-2 3",
        ] {
            check(ignored, Wanted::Whole);
        }
        assert_eq!(wanted(None, None, "\"x\"", 100), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), None, "\"x\"", 0), Wanted::Nothing);
        assert_eq!(wanted(Some("bytes=-5"), None, "\"x\"", 0), Wanted::Nothing);
    }

    #[test]
    fn a_range_of_another_file_is_not_meant() {
        let check = |if_range: &str, expected: Wanted| {
            assert_eq!(
                wanted(Some("bytes=1-1"), Some(if_range), "\"x\"", 9),
                expected,
                "{if_range}"
            );
        };
        check("\"x\"", Wanted::Part { first: 1, length: 1 });
        check("\"y\"", Wanted::Whole);
        check("W/\"x\"", Wanted::Whole);
        check("x", Wanted::Whole);
        check("Wed, 21 Oct 2026 07:28:00 GMT", Wanted::Whole);
    }

    #[test]
    fn no_range_leads_out_of_the_file() {
        let bound = || {
            prop_oneof![
                Just(String::new()),
                any::<u64>().prop_map(|n| n.to_string()),
                (0_u64..200).prop_map(|n| n.to_string()),
                "\\PC{0,4}"
            ]
        };
        proptest!(|(first in bound(), last in bound(), length in prop_oneof![0_u64..200, any::<u64>()])| {
            let range = format!("bytes={first}-{last}");
            if let Wanted::Part { first, length: part } = wanted(Some(&range), None, "\"x\"", length) {
                prop_assert!(part > 0);
                prop_assert!(first.checked_add(part).is_some_and(|end| end <= length));
            }
        });
    }
}
