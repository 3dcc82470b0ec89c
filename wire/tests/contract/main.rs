//! `docs/pump-contract.md` is all that a pump maker has. What it says of messages, topics and limits must be what the
//! code does, so each example is read and written back, each table is compared, and what is signed is signed anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking; helpers outside of test functions too"
)]

mod examples;
mod limits;
mod tables;
mod worked;

use std::fs;

pub(crate) fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pump-contract.md")).unwrap()
}

/// The arguments of each `<!-- name: … -->` with the lines that follow it.
pub(crate) fn marked<'a>(page: &'a str, name: &str) -> Vec<(&'a str, &'a str)> {
    let opening = format!("<!-- {name}: ");
    page.split(opening.as_str())
        .skip(1)
        .map(|part| part.split_once(" -->\n").unwrap())
        .collect()
}

/// The JSON block that follows a marker at once.
pub(crate) fn example(after: &str) -> &str {
    let body = after
        .strip_prefix("```json\n")
        .expect("a json block right after the marker");
    body.split_once("\n```").unwrap().0
}

/// The cells of the table that follows a marker at once, without its head.
pub(crate) fn table(after: &str) -> Vec<Vec<&str>> {
    after
        .lines()
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}
