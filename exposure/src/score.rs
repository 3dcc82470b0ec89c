//! CVSS scores as they were given. CISA, the manufacturer and the NVD score the same vulnerability differently: a score is
//! shown with its source, beside the others, and never recomputed or averaged.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A CVSS base score in tenths, 0 to 100, so that it compares and hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BaseScore(u8);

/// How one source scores a vulnerability.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Score {
    /// Who scored: `nvd@nist.gov`, `CISA`.
    pub by: String,
    /// The CVSS version: `2.0`, `3.0`, `3.1`, `4.0`.
    pub cvss: String,
    pub base: BaseScore,
    pub vector: String,
    /// The products that it holds for (CSAF product ids); empty for all.
    pub products: Vec<String>,
}

/// From where the vulnerability can be reached, by the vector's `AV`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Only with the pump in one's hands.
    Physical,
    /// Only by somebody who already runs something on it.
    Local,
    /// No source says.
    Unknown,
    /// From the same network or radio cell.
    Adjacent,
    /// From anywhere that has a route.
    Network,
}

impl BaseScore {
    /// Rounds to a tenth; `None` outside 0 to 10.
    #[must_use]
    pub fn new(score: f64) -> Option<Self> {
        // Formatting rounds as people expect, and needs no cast from a float.
        let tenths = (0.0..=10.0)
            .contains(&score)
            .then(|| format!("{:.0}", score * 10.0))?;
        tenths.parse().ok().map(Self)
    }

    /// Tenths of a point, 0 to 100.
    #[must_use]
    pub const fn tenths(self) -> u8 {
        self.0
    }

    /// The severity of CVSS 3 and 4 (section 5, qualitative severity rating scale).
    #[must_use]
    pub const fn severity(self) -> &'static str {
        match self.0 {
            0 => "none",
            1..40 => "low",
            40..70 => "medium",
            70..90 => "high",
            _ => "critical",
        }
    }
}

impl Score {
    /// From where this source thinks it can be reached.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let metric = self
            .vector
            .split(['/', '(', ')'])
            .find_map(|metric| metric.strip_prefix("AV:"));
        match metric {
            Some("N") => Reach::Network,
            Some("A") => Reach::Adjacent,
            Some("L") => Reach::Local,
            Some("P") => Reach::Physical,
            _ => Reach::Unknown,
        }
    }
}

impl Reach {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Physical => "only with the pump in one's hands",
            Self::Local => "only from the pump itself",
            Self::Unknown => "nobody says from where",
            Self::Adjacent => "from the same network",
            Self::Network => "over any network",
        }
    }
}

impl fmt::Display for BaseScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, CVSS {}, {})",
            self.base,
            self.base.severity(),
            self.cvss,
            self.by
        )
    }
}

impl Serialize for BaseScore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 10.0)
    }
}

impl<'de> Deserialize<'de> for BaseScore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let score = f64::deserialize(deserializer)?;
        Self::new(score).ok_or_else(|| {
            serde::de::Error::custom(format_args!("a base score is 0 to 10, and this is {score}"))
        })
    }
}

/// The part of a CVSS object that CSAF and the NVD share.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawCvss {
    pub(crate) version: String,
    pub(crate) base_score: BaseScore,
    pub(crate) vector_string: String,
}

impl RawCvss {
    pub(crate) fn into_score(self, by: &str, products: Vec<String>) -> Score {
        Score {
            by: crate::read::clip(by, 120),
            cvss: crate::read::clip(&self.version, 8),
            base: self.base_score,
            vector: crate::read::clip(&self.vector_string, 300),
            products,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_taken_as_given() {
        let check = |score: f64, expected: Option<&str>| {
            assert_eq!(
                BaseScore::new(score)
                    .map(|score| format!("{score} {}", score.severity()))
                    .as_deref(),
                expected
            );
        };
        check(9.8, Some("9.8 critical"));
        check(3.7, Some("3.7 low"));
        check(0.0, Some("0.0 none"));
        check(10.0, Some("10.0 critical"));
        check(10.1, None);
        check(-0.1, None);
        check(f64::NAN, None);
        assert_eq!(serde_json::to_string(&BaseScore(56)).unwrap(), "5.6");
        assert!(serde_json::from_str::<BaseScore>("\"5.6\"").is_err());
    }

    #[test]
    fn the_vector_says_from_where() {
        let check = |vector: &str, expected: Reach| {
            let score = Score {
                by: "x".to_owned(),
                cvss: "3.1".to_owned(),
                base: BaseScore(1),
                vector: vector.to_owned(),
                products: Vec::new(),
            };
            assert_eq!(score.reach(), expected);
        };
        check("CVSS:3.0/AV:A/AC:L/PR:L", Reach::Adjacent);
        check("(AV:N/AC:L/Au:N)", Reach::Network);
        check("CVSS:4.0/AV:P", Reach::Physical);
        check("MAV:N", Reach::Unknown);
    }
}
