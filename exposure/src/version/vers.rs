//! `vers:` ranges (the version range specifier that CSAF 2.0 recommends): `vers:nuget/>=1.0.0|<2.0.10`.

use std::cmp::Ordering;

use thiserror::Error;

use super::{Bound, Hint, Interval, Range, Scheme, compare};

/// A `vers:` text that does not follow the specification.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a vers range: {why}")]
pub struct VersError {
    given: String,
    why: &'static str,
}

/// The most constraints in one range.
const MAX: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Equal,
    Unequal,
    Less(bool),
    Greater(bool),
}

/// Reads a range. Constraints must be sorted by version, as the specification asks; one that is not is refused, because
/// what it means is then anybody's guess.
///
/// # Errors
/// [`VersError`] for a text that does not follow the specification.
pub fn read(text: &str) -> Result<Range, VersError> {
    let error = |why| VersError {
        given: crate::read::clip(text, 120),
        why,
    };
    let rest = text
        .trim()
        .strip_prefix("vers:")
        .ok_or_else(|| error("it does not begin with `vers:`"))?;
    let (scheme, rest) = rest.split_once('/').ok_or_else(|| error("it names no scheme"))?;
    let hint = hint(scheme);
    if rest.trim() == "*" {
        return Ok(Range {
            intervals: vec![Interval::default()],
            except: Vec::new(),
            hint,
        });
    }
    let constraints: Vec<(Sign, String)> = rest
        .split('|')
        .take(MAX + 1)
        .map(|part| constraint(part.trim()).ok_or_else(|| error("a constraint has no version")))
        .collect::<Result<_, _>>()?;
    if constraints.len() > MAX {
        return Err(error("it has more than 256 constraints"));
    }
    let pairs = constraints.iter().zip(constraints.iter().skip(1));
    for ((_, one), (_, next)) in pairs {
        if compare(one, next, hint) != Ok(Ordering::Less) {
            return Err(error(
                "its versions are not in ascending order, or can not be compared",
            ));
        }
    }
    assemble(constraints, hint).ok_or_else(|| error("its constraints do not pair up"))
}

fn assemble(constraints: Vec<(Sign, String)>, hint: Hint) -> Option<Range> {
    let mut range = Range {
        hint,
        ..Range::default()
    };
    let mut lower: Option<Bound> = None;
    let mut first = true;
    for (sign, version) in constraints {
        let bound = |inclusive| {
            Some(Bound {
                version: version.clone(),
                inclusive,
            })
        };
        match sign {
            Sign::Equal => range.intervals.push(Interval::only(&version)),
            Sign::Unequal => range.except.push(version),
            Sign::Greater(inclusive) => {
                // Two lower bounds in a row leave the first without an end.
                lower.is_none().then_some(())?;
                lower = bound(inclusive);
                first = false;
            }
            Sign::Less(inclusive) => {
                // Only the first bound may come without a lower one.
                (lower.is_some() || first).then_some(())?;
                range.intervals.push(Interval {
                    lower: lower.take(),
                    upper: bound(inclusive),
                });
                first = false;
            }
        }
    }
    if lower.is_some() {
        range.intervals.push(Interval { lower, upper: None });
    }
    if range.intervals.is_empty() {
        range.intervals.push(Interval::default());
    }
    Some(range)
}

fn constraint(part: &str) -> Option<(Sign, String)> {
    let signs = [
        (">=", Sign::Greater(true)),
        ("<=", Sign::Less(true)),
        ("!=", Sign::Unequal),
        (">", Sign::Greater(false)),
        ("<", Sign::Less(false)),
        ("=", Sign::Equal),
    ];
    let (sign, version) = signs
        .iter()
        .find_map(|(text, sign)| part.strip_prefix(text).map(|rest| (*sign, rest)))
        .unwrap_or((Sign::Equal, part));
    let version = version.trim().replace("%2B", "+").replace("%2b", "+");
    let plain = !version.is_empty() && version != "*" && !version.contains(['<', '>', '=', '!', ' ']);
    plain.then_some((sign, version))
}

/// Which comparator a scheme of the specification gets. Those that are not known here compare nothing.
fn hint(scheme: &str) -> Hint {
    match scheme.to_ascii_lowercase().as_str() {
        "deb" => Hint::Only(Scheme::Debian),
        "npm" | "semver" | "cargo" | "golang" => Hint::Only(Scheme::Semver),
        "openssl" => Hint::Only(Scheme::LetterSuffix),
        "intdot" => Hint::Only(Scheme::Dotted),
        "generic" | "all" | "nuget" | "github" | "none" => Hint::Common,
        _ => Hint::Unknown,
    }
}
