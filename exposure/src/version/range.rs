//! Ranges: a union of intervals, in one scheme.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

use super::{Hint, Incomparable, compare};

/// One end of an interval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bound {
    pub version: String,
    /// Whether the version itself belongs to the interval.
    pub inclusive: bool,
}

/// Versions between two bounds, of which either may be missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Interval {
    pub lower: Option<Bound>,
    pub upper: Option<Bound>,
}

/// Versions in any of the intervals and among none of the exceptions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Range {
    pub intervals: Vec<Interval>,
    pub except: Vec<String>,
    pub hint: Hint,
}

/// Where a version lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    Inside,
    Outside,
}

impl Interval {
    /// One version alone.
    #[must_use]
    pub fn only(version: &str) -> Self {
        let bound = Bound {
            version: version.to_owned(),
            inclusive: true,
        };
        Self {
            lower: Some(bound.clone()),
            upper: Some(bound),
        }
    }

    fn holds(&self, version: &str, hint: Hint) -> Result<bool, Incomparable> {
        let beyond = |bound: &Option<Bound>, side: Ordering| match bound {
            None => Ok(false),
            Some(bound) => {
                let order = compare(version, &bound.version, hint)?;
                Ok(order == side || (order == Ordering::Equal && !bound.inclusive))
            }
        };
        Ok(!beyond(&self.lower, Ordering::Less)? && !beyond(&self.upper, Ordering::Greater)?)
    }
}

impl Range {
    /// A single interval in the common schemes.
    #[must_use]
    pub fn one(interval: Interval) -> Self {
        Self {
            intervals: vec![interval],
            ..Self::default()
        }
    }

    /// Where a version lies. Being inside one interval settles it, even if another can not be compared.
    ///
    /// # Errors
    /// [`Incomparable`] when it is in no interval that can be compared, and some can not.
    pub fn place(&self, version: &str) -> Result<Within, Incomparable> {
        for except in &self.except {
            if compare(version, except, self.hint)? == Ordering::Equal {
                return Ok(Within::Outside);
            }
        }
        let mut unknown = None;
        for interval in &self.intervals {
            match interval.holds(version, self.hint) {
                Ok(true) => return Ok(Within::Inside),
                Ok(false) => {}
                Err(error) => unknown = Some(error),
            }
        }
        unknown.map_or(Ok(Within::Outside), Err)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |bound: &Bound, sign: &str| {
            format!(
                "{sign}{} {}",
                if bound.inclusive { "=" } else { "" },
                bound.version
            )
        };
        match (&self.lower, &self.upper) {
            (None, None) => f.write_str("all versions"),
            (Some(lower), Some(upper)) if lower == upper => f.write_str(&lower.version),
            (Some(lower), Some(upper)) => write!(f, "{} and {}", sign(lower, ">"), sign(upper, "<")),
            (Some(lower), None) => f.write_str(&sign(lower, ">")),
            (None, Some(upper)) => f.write_str(&sign(upper, "<")),
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, interval) in self.intervals.iter().enumerate() {
            write!(f, "{}{interval}", if index == 0 { "" } else { ", or " })?;
        }
        for except in &self.except {
            write!(f, ", but not {except}")?;
        }
        Ok(())
    }
}
