//! A fresh database of each kind for every test, and the records that tests put into it.

mod fixtures;

pub(crate) use fixtures::*;

use store::{DatabaseUrl, Store};

/// Names the PostgreSQL server that tests may make databases on, for instance `postgres://postgres@127.0.0.1:5432/postgres`.
#[cfg(feature = "postgres")]
const SERVER: &str = "TEST_POSTGRES_URL";

/// Runs a test on a migrated, empty database of each kind: always SQLite, and PostgreSQL where a server is named.
pub(crate) fn for_each_db(test: impl Fn(&Store)) {
    on_each_database(|store| {
        store.migrate().unwrap();
        test(store);
    });
}

/// The same before the migrations.
pub(crate) fn on_each_database(test: impl Fn(&Store)) {
    let directory = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(directory.path().join("test.db"));
    test(&Store::open(&url).unwrap());
    on_postgres(|url| test(&Store::open(&url.parse().unwrap()).unwrap()));
}

#[cfg(not(feature = "postgres"))]
pub(crate) fn on_postgres(_: impl Fn(&str)) {}

/// Makes a database of its own on the named server, and drops it afterwards, also when the test fails.
#[cfg(feature = "postgres")]
pub(crate) fn on_postgres(test: impl Fn(&str)) {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
        sync::atomic::{AtomicU32, Ordering},
    };

    use diesel::{Connection, PgConnection, connection::SimpleConnection};

    static NUMBER: AtomicU32 = AtomicU32::new(0);

    let Ok(server) = std::env::var(SERVER) else {
        // The harness shows this with `--nocapture`, and the first line of a skipped half must not be silent.
        std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("skipped the PostgreSQL half: {SERVER} is not set\n").as_bytes(),
        )
        .unwrap();
        return;
    };
    let name = format!(
        "store_test_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let (base, _) = server.rsplit_once('/').expect("a URL with a database name");
    let mut admin = PgConnection::establish(&server).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| test(&format!("{base}/{name}"))));
    admin
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}
