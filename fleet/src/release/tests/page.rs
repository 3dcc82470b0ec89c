//! `docs/release-manifest.md` is what manufacturers read, so its tables are those of the code.

use super::*;
use crate::{
    check::{CheckKind, CheckUnit, Expectation, Limits, owed},
    version::VersionScheme,
};

const PAGE: &str = include_str!("../../../../docs/release-manifest.md");

/// The rows under a heading, as they stand.
fn table(heading: &str) -> Vec<&'static str> {
    let (_, after) = PAGE
        .split_once(&format!("{heading}\n|---|"))
        .unwrap_or_else(|| panic!("{heading}"));
    after
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect()
}

#[test]
fn what_a_class_owes_is_on_the_page() {
    let rows = ReleaseClass::ALL.map(|class| {
        let duties = owed(class).iter().map(|duty| {
            let by = if duty.by_instrument {
                " by a person with an instrument"
            } else {
                ""
            };
            format!("`{}`{by}", duty.kind.as_str())
        });
        format!(
            "| `{}` | {} |",
            class.as_str(),
            duties.collect::<Vec<_>>().join(", ")
        )
    });
    assert_eq!(table("| class | checks that its plan has at least |"), rows);
}

#[test]
fn how_a_check_is_read_is_on_the_page() {
    let quantities = CheckUnit::ALL.iter().map(|unit| {
        let limits = Limits {
            unit: *unit,
            low: None,
            high: None,
            guard_band: 0.0,
        };
        (unit.as_str(), Expectation::Quantity(limits))
    });
    let others = [
        ("digest", Expectation::Digest { sha256: None }),
        ("confirmation", Expectation::Confirmation {}),
    ];
    let ways: Vec<_> = quantities.chain(others).collect();
    let rows: Vec<_> = CheckKind::ALL
        .iter()
        .map(|kind| {
            let read = ways.iter().filter(|(_, expect)| kind.is_read_as(expect));
            let read: Vec<_> = read.map(|(word, _)| format!("`{word}`")).collect();
            format!("| `{}` | {} |", kind.as_str(), read.join(", "))
        })
        .collect();
    assert_eq!(table("| kind | read in |"), rows);
}

#[test]
fn every_field_and_every_scheme_is_on_the_page() {
    let fields = table("| field | what it says |").join("\n");
    for field in document().as_object().unwrap().keys() {
        assert!(
            fields.contains(&format!("`{field}`")),
            "{field} is not on the page"
        );
    }
    let schemes = table("| scheme | looks like | order |");
    assert_eq!(schemes.len(), VersionScheme::ALL.len());
    for (row, scheme) in schemes.iter().zip(VersionScheme::ALL) {
        assert!(row.starts_with(&format!("| `{scheme}` |")), "{row}");
    }
}
