//! Every dependency has a reason that a person can read: `docs/dependencies.md` names each with its version.

use std::{collections::BTreeSet, fs};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Crates of this workspace: their reasons are in `ARCHITECTURE.md`.
const OURS: [&str; 7] = [
    "fleet",
    "exposure",
    "wire",
    "store",
    "agent-sim",
    "gateway",
    "bench",
];

#[test]
fn the_page_names_what_the_workspace_uses() {
    let manifest = fs::read_to_string(format!("{ROOT}/Cargo.toml")).unwrap();
    let (_, section) = manifest.split_once("[workspace.dependencies]\n").unwrap();
    let in_manifest: BTreeSet<(&str, &str)> = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = "))
        .filter(|(name, _)| !OURS.contains(name))
        .map(|(name, rest)| {
            let rest = rest.split_once("version = ").map_or(rest, |(_, version)| version);
            (name, rest.split('"').nth(1).unwrap())
        })
        .collect();

    let page = fs::read_to_string(format!("{ROOT}/docs/dependencies.md")).unwrap();
    let on_page: BTreeSet<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| row.split_once("` | ").unwrap())
        .map(|(name, rest)| (name, rest.split(" |").next().unwrap()))
        .collect();

    assert!(in_manifest.len() > 30, "the manifest was not read");
    assert_eq!(on_page, in_manifest);
}
