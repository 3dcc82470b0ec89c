//! Remedies, and what can be read out of their sentences.
//!
//! Publishers rarely use the fields for fixed products; the fix stands in a sentence, beside telephone numbers and good
//! advice. A sentence is read only when it names a version and says in plain words what that version does; it can confirm that
//! a version *outside* everything affected is a fix, and it can raise a doubt. It never clears an affected version.

use serde::{Deserialize, Serialize};

use crate::{name::VulnerabilityId, version};

/// What kind of remedy its publisher calls it (CSAF 2.0, section 3.2.3.12.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemedyKind {
    VendorFix,
    Mitigation,
    Workaround,
    NoFixPlanned,
    NoneAvailable,
    /// A category that a later version of the standard may have brought.
    #[serde(other)]
    Other,
}

/// What to do about a vulnerability, as the document says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    pub kind: RemedyKind,
    pub text: String,
    pub url: Option<String>,
    /// The products that it is for; empty for all.
    pub products: Vec<String>,
    /// What was read out of the text.
    pub readings: Vec<Reading>,
}

/// What a sentence says of a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// The version fixes the vulnerability.
    Fixes { version: String },
    /// The version fixes a part of it.
    PartlyFixes { version: String },
    /// The vulnerability is still in the version.
    StillIn { version: String },
    /// Which version fixes it depends on the pump's serial number.
    DependsOnSerial { version: String },
    /// The version is named, and what it does is promised or not clear.
    Mentions { version: String },
}

impl Reading {
    /// The version that the sentence names.
    #[must_use]
    pub fn version(&self) -> &str {
        match self {
            Self::Fixes { version }
            | Self::PartlyFixes { version }
            | Self::StillIn { version }
            | Self::DependsOnSerial { version }
            | Self::Mentions { version } => version,
        }
    }
}

impl Remedy {
    /// Whether it is for a product; a remedy that names none is for all.
    #[must_use]
    pub fn is_for(&self, product: &str) -> bool {
        self.products.is_empty() || self.products.iter().any(|id| id == product)
    }

    /// Whether it says anything about a fix: not a telephone number, not good advice.
    #[must_use]
    pub fn names_a_fix(&self) -> bool {
        self.readings.iter().any(|reading| {
            matches!(
                reading,
                Reading::Fixes { .. } | Reading::PartlyFixes { .. } | Reading::DependsOnSerial { .. }
            )
        })
    }
}

/// Words that announce and do not state.
const PROMISES: [&str; 6] = [
    "plans to",
    "planned",
    "upcoming",
    "will address",
    "will be",
    "future",
];
/// Words that say that something is mended.
const MENDS: [&str; 8] = [
    "remediat",
    "fixes",
    "fixed in",
    "has released",
    "resolves",
    "addresses",
    "mitigates",
    "to mitigate",
];
/// Words after which a version stands.
const VERSION_WORDS: [&str; 5] = ["version", "versions", "software", "release", "firmware"];

/// Reads every clause of a text for what it says of `vulnerability`.
#[must_use]
pub(super) fn read(text: &str, vulnerability: &VulnerabilityId) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Vec::new();
    let mut carried: Vec<String> = Vec::new();
    // `… has released updates. In Canada: pack, software 1; station, software 2`: what a sentence says holds for the list
    // that it opens with a colon, and for the list that the next one opens.
    let (mut above, mut here, mut in_list) = (false, false, false);
    for (clause, ends_sentence) in clauses(text) {
        let lower = clause.to_lowercase();
        let own = versions(clause);
        // `…; partially remediates CVE-…` speaks of the version in the clause before.
        let named = if own.is_empty() { carried } else { own };
        here |= MENDS.iter().any(|word| lower.contains(word));
        in_list |= clause.contains(':');
        if is_about(&lower, vulnerability) {
            for version in &named {
                let reading = judge(&lower, version.clone(), here || (above && in_list));
                if !readings.contains(&reading) {
                    readings.push(reading);
                }
            }
        }
        carried = named;
        if ends_sentence {
            (above, here, in_list) = (here, false, false);
        }
    }
    // What is still in a version outweighs every other sentence about that version.
    let still: Vec<String> = readings
        .iter()
        .filter(|reading| matches!(reading, Reading::StillIn { .. }))
        .map(|reading| reading.version().to_owned())
        .collect();
    readings.retain(|reading| {
        matches!(reading, Reading::StillIn { .. })
            || !still.iter().any(|version| version == reading.version())
    });
    readings
}

fn judge(clause: &str, version: String, mends: bool) -> Reading {
    let says = |words: &[&str]| words.iter().any(|word| clause.contains(word));
    if says(&[
        "still present",
        "still affected",
        "remains affected",
        "remain vulnerable",
    ]) {
        Reading::StillIn { version }
    } else if says(&["(sn ", "below sn", "serial number", "serial no"]) {
        Reading::DependsOnSerial { version }
    } else if says(&PROMISES) {
        Reading::Mentions { version }
    } else if says(&["partial", "partly"]) {
        Reading::PartlyFixes { version }
    } else if mends {
        Reading::Fixes { version }
    } else {
        Reading::Mentions { version }
    }
}

/// A clause that lists CVE ids speaks of those and of no other.
fn is_about(clause: &str, vulnerability: &VulnerabilityId) -> bool {
    let ours = vulnerability.as_str().to_lowercase();
    let mut listed = clause
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.starts_with("cve-"))
        .peekable();
    listed.peek().is_none() || listed.any(|id| id == ours)
}

/// Splits at semicolons, and at full stops that end a sentence and not an initial (`B. Braun`). Each clause says whether it
/// ends its sentence.
fn clauses(text: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = rest
        .get(from..)
        .and_then(|tail| tail.find([';', '.']).map(|at| at + from))
    {
        let (clause, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let tail = tail.get(1..).unwrap_or_default();
        let last = clause
            .rsplit(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default();
        let is_semicolon = rest.get(at..).is_some_and(|tail| tail.starts_with(';'));
        if is_semicolon || (tail.starts_with(' ') && last.chars().count() > 1) {
            found.push((clause.trim(), !is_semicolon));
            rest = tail;
            from = 0;
        } else {
            from = at + 1;
        }
    }
    found.push((rest.trim(), true));
    found.retain(|(clause, _)| !clause.is_empty());
    found
}

/// The words with a digit in them that stand behind *version*, *software* and the like, or go on such a list.
fn versions(clause: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut listing = false;
    for raw in clause.split_whitespace() {
        let word = raw.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = word.to_lowercase();
        if VERSION_WORDS.contains(&lower.as_str()) {
            listing = true;
        } else if listing && is_version(word) {
            found.push(word.to_owned());
            // `12.0.1, 12.0.2, and 12.1.2` goes on; `1.6.1 to mitigate` does not.
            listing = raw.ends_with([',', '/']);
        } else {
            listing = listing && matches!(lower.as_str(), "and" | "or" | "");
        }
    }
    found
}

fn is_version(word: &str) -> bool {
    word.len() <= version::MAX
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && !word.starts_with("CVE-")
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, cve: &str, expected: &[&str]) {
        let readings = read(text, &VulnerabilityId::new(cve).unwrap());
        let words: Vec<String> = readings
            .iter()
            .map(|reading| {
                let name = format!("{reading:?}");
                format!("{} {}", name.split(' ').next().unwrap(), reading.version())
            })
            .collect();
        assert_eq!(words, expected, "{text}");
    }

    #[test]
    fn a_sentence_is_read_when_it_is_plain() {
        let cve = "CVE-2023-30562";
        check(
            "Acme has released update Version 1.6.1 to mitigate the vulnerabilities in the pump.",
            cve,
            &["Fixes 1.6.1"],
        );
        let listed = "Manager Software version 12.5.1 - Remediates CVE-2018-1285, and CVE-2023-30565; partially remediates CVE-2023-30562";
        check(listed, cve, &["PartlyFixes 12.5.1"]);
        check(listed, "CVE-2018-1285", &["Fixes 12.5.1"]);
        check(listed, "CVE-2023-30563", &[]);
        check(
            "The unit was updated to version 12.3.1 when System 12.3 came. These are still present in version 12.3.1: CVE-2023-30562.",
            cve,
            &["StillIn 12.3.1"],
        );
        check(
            "Versions 12.0.1, 12.0.2, and 12.1.2 of the Manager will address this.",
            cve,
            &["Mentions 12.0.1", "Mentions 12.0.2", "Mentions 12.1.2"],
        );
    }

    #[test]
    fn a_fix_that_depends_on_the_serial_number_says_so() {
        check(
            "Updates exist. In Canada: Battery pack, software 028U00093 (SN 138852 and lower); Battery pack, \
             software 027L000093 (below SN 138853); Station, software Version 012U000093. See the B. Braun page.",
            "CVE-2021-33886",
            &[
                "DependsOnSerial 028U00093",
                "DependsOnSerial 027L000093",
                "Mentions 012U000093",
            ],
        );
        check(
            "B. Braun has released updates to mitigate this. In Canada: Battery pack, software 028U00093 (SN 138852 and lower); \
             Station, software Version 012U000093. For details on this software, see the page of software Version 7.",
            "CVE-2021-33886",
            &["DependsOnSerial 028U00093", "Fixes 012U000093", "Mentions 7"],
        );
        check(
            "B. Braun has released updates in Canada: Battery pack, software 028U00093 (SN 138852 and lower); Station, software Version 012U000093",
            "CVE-2021-33886",
            &["DependsOnSerial 028U00093", "Fixes 012U000093"],
        );
    }

    #[test]
    fn telephone_numbers_and_good_advice_are_no_fix() {
        for text in [
            "Tel: +1 (800) 258 5361 or +01 614 210 7300",
            "Email: info@example.com",
            "Use Section 6.2.10 of the manual to find software versions.",
            "Acme recommends applying the following update:",
            "",
            ";;..;",
            "version",
            "version .",
            "…. é; version é1.",
        ] {
            check(text, "CVE-2017-12725", &[]);
        }
    }
}
