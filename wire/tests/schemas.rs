//! `docs/schemas/` is what pump makers validate against, so it must be what the code reads and writes.
//!
//! After a change of a message or of the release manifest: `UPDATE_SCHEMAS=1 cargo test -p wire --test schemas`, and read
//! the difference.

use std::{collections::BTreeSet, env, ffi::OsString, fs, path::PathBuf};

use wire::schema;

#[test]
fn the_published_schemas_are_those_of_the_code() {
    let published = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas");
    let rewrite = env::var_os("UPDATE_SCHEMAS").is_some();
    let mut expected = BTreeSet::new();
    for (document, schema) in schema::published() {
        let name = format!("{document}.json");
        let path = published.join(&name);
        let current = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if rewrite {
            fs::write(&path, &current).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == current,
            "{} is not the schema of the code; run again with UPDATE_SCHEMAS=1 and read the difference",
            path.display()
        );
        assert!(
            !current.contains("crate::"),
            "{name}: a description speaks of our code"
        );
        expected.insert(OsString::from(name));
    }

    let found: BTreeSet<OsString> = fs::read_dir(&published)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(found, expected, "a schema of something that is gone");
}
