//! Vendors and products by their names alone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Words of a vendor's name that tell nobody apart.
const LEGAL: [&str; 31] = [
    "the",
    "and",
    "of",
    "inc",
    "incorporated",
    "corp",
    "corporation",
    "co",
    "company",
    "ltd",
    "limited",
    "llc",
    "gmbh",
    "ag",
    "se",
    "sa",
    "bv",
    "plc",
    "kg",
    "foundation",
    "software",
    "project",
    "community",
    "team",
    "group",
    "medical",
    "health",
    "healthcare",
    "systems",
    "technologies",
    "technology",
];

/// Words of a product's name that say what kind of thing it is and not which one.
const KIND: [&str; 35] = [
    "the",
    "and",
    "of",
    "for",
    "with",
    "pump",
    "pumps",
    "infusion",
    "syringe",
    "volumetric",
    "wireless",
    "system",
    "systems",
    "software",
    "firmware",
    "module",
    "modules",
    "unit",
    "model",
    "series",
    "device",
    "medical",
    "version",
    "data",
    "control",
    "point",
    "care",
    "core",
    "sdk",
    "library",
    "server",
    "client",
    "service",
    "common",
    "app",
];

/// Whether two names mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alike {
    /// They do not.
    No,
    /// They may; a person decides.
    Perhaps,
    /// They do.
    Yes,
}

/// The words of a text in lower case: letters and digits, split at everything else.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// A vendor's name without its legal form. Empty when nothing is known (`n/a`, `unknown`, `-`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct VendorName(Vec<String>);

impl VendorName {
    /// Folds a vendor's name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if matches!(
            text.trim().to_lowercase().as_str(),
            "n/a" | "na" | "unknown" | "none" | "-" | "*" | "redacted" | "noassertion"
        ) {
            return Self::default();
        }
        let mut all: Vec<String> = words(text).collect();
        all.sort();
        all.dedup();
        let telling: Vec<String> = all
            .iter()
            .filter(|word| !LEGAL.contains(&word.as_str()))
            .cloned()
            .collect();
        Self(if telling.is_empty() { all } else { telling })
    }

    /// Whether nothing is known of the vendor.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// The telling words, sorted.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// `Yes` when the words of one are among those of the other, `Perhaps` when one is unknown.
    #[must_use]
    pub fn alike(&self, other: &Self) -> Alike {
        if self.is_unknown() || other.is_unknown() {
            return Alike::Perhaps;
        }
        // `B. Braun` and `bbraun` are one: the words joined are compared as well.
        let joined = |name: &Self| name.0.iter().map(String::as_str).collect::<String>();
        let within = |one: &Self, other: &Self| one.0.iter().all(|word| other.0.contains(word));
        if within(self, other) || within(other, self) || joined(self) == joined(other) {
            Alike::Yes
        } else {
            Alike::No
        }
    }
}

/// A product's name in its words, without its vendor's name in front and without the word *firmware*.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProductName {
    words: Vec<String>,
    key: String,
}

impl ProductName {
    /// Folds a product's name; `None` when nothing is left of it.
    #[must_use]
    pub fn new(text: &str, vendor: &VendorName) -> Option<Self> {
        let all: Vec<String> = words(text).collect();
        let without_vendor: Vec<String> = all
            .iter()
            .skip_while(|word| vendor.0.contains(*word))
            .cloned()
            .collect();
        // `Castle.Core` without its vendor would be any vendor's core.
        let tells = without_vendor.iter().any(|word| !KIND.contains(&word.as_str()));
        let mut words = if tells { without_vendor } else { all };
        if words.len() > 1 {
            words.retain(|word| word != "firmware");
        }
        let key = words.concat();
        (!key.is_empty()).then_some(Self { words, key })
    }

    /// What two equal names share: the words joined.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Words that tell this product from others of its vendor.
    pub fn telling(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .map(String::as_str)
            .filter(|word| !KIND.contains(word))
    }

    /// `Yes` for the same words; `Perhaps` when the telling words of one are among those of the other, or when they share a
    /// number of three or more digits, as models have.
    #[must_use]
    pub fn alike(&self, other: &Self) -> Alike {
        if self.key == other.key {
            return Alike::Yes;
        }
        let (ours, theirs): (BTreeSet<&str>, BTreeSet<&str>) =
            (self.telling().collect(), other.telling().collect());
        let (fewer, more) = if ours.len() <= theirs.len() {
            (&ours, &theirs)
        } else {
            (&theirs, &ours)
        };
        let shares_number = fewer.intersection(more).any(|word| is_model_number(word));
        if shares_number || (!fewer.is_empty() && fewer.is_subset(more)) {
            Alike::Perhaps
        } else {
            Alike::No
        }
    }
}

fn is_model_number(word: &str) -> bool {
    word.bytes().filter(u8::is_ascii_digit).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_are_the_same_without_their_legal_form() {
        let check = |one: &str, other: &str, expected: Alike| {
            assert_eq!(
                VendorName::new(one).alike(&VendorName::new(other)),
                expected,
                "{one} / {other}"
            );
        };
        check("The Apache Software Foundation", "apache", Alike::Yes);
        check("the_jquery_foundation", "JQuery", Alike::Yes);
        check("Becton, Dickinson and Company (BD)", "BD", Alike::Yes);
        check("smiths-medical", "Smiths Medical", Alike::Yes);
        check("B. Braun Medical", "bbraun", Alike::Yes);
        check("n/a", "BD", Alike::Perhaps);
        check("james_newton-king", "newtonsoft", Alike::No);
        check("The Software Group", "software", Alike::Yes);
    }

    #[test]
    fn products_are_the_same_only_word_by_word() {
        let check = |one: &str, other: &str, expected: Alike| {
            let vendor = VendorName::new("Becton, Dickinson and Company (BD)");
            let [one, other] = [one, other].map(|name| ProductName::new(name, &vendor).unwrap());
            assert_eq!(one.alike(&other), expected, "{one:?} / {other:?}");
            assert_eq!(other.alike(&one), expected);
        };
        check("BD Alaris Systems Manager", "Alaris Systems Manager", Alike::Yes);
        check("Newtonsoft.Json", "newtonsoftjson", Alike::Yes);
        check("alaris_8015_pcu_firmware", "Alaris 8015 PCU", Alike::Yes);
        check(
            "BD Alaris Point-of-Care Unit (PCU) Model 8015",
            "Alaris PC Unit Model 8015",
            Alike::Perhaps,
        );
        check(
            "Medfusion 4000",
            "Medfusion 4000 Wireless Syringe Infusion Pump",
            Alike::Perhaps,
        );
        check("Alaris Pump Module 8100", "Alaris PC Unit Model 8015", Alike::No);
        check("Infusion Pump", "Infusion System", Alike::No);
        assert_eq!(ProductName::new("--", &VendorName::default()), None);
    }

    #[test]
    fn a_product_named_like_its_vendor_keeps_its_name() {
        let castle = VendorName::new("Castle Project");
        assert_eq!(
            ProductName::new("Castle.Core", &castle).unwrap().key(),
            "castlecore"
        );
        let jquery = VendorName::new("JQuery");
        assert_eq!(ProductName::new("JQuery", &jquery).unwrap().key(), "jquery");
    }
}
