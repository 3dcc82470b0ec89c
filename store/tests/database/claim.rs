//! One gateway on a database, and what a PostgreSQL server must be and is told.

use store::{DatabaseUrl, Store, StoreError};

use crate::common::*;

/// Two stores stand for two processes: what one opens, the other knows nothing of.
fn check(url: &DatabaseUrl) {
    let first = Store::open(url).unwrap();
    first.claim().unwrap();
    first.claim().unwrap();
    first.migrate().unwrap();
    let second = Store::open(url).unwrap();
    let refused = second.claim();
    let Err(ref error @ StoreError::Claimed { .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        error.to_string().contains("another gateway is running"),
        "{error}"
    );
    assert!(error.is_of_all());
    // A tool may look and write beside it.
    second.write(|db| db.setting_set("a", "1")).unwrap();
    assert_eq!(
        second.read(|db| db.setting_get("a")).unwrap().as_deref(),
        Some("1")
    );
    // A clone is the same gateway.
    let clone = first.clone();
    drop(first);
    assert!(matches!(second.claim(), Err(StoreError::Claimed { .. })));
    drop(clone);
    second.claim().unwrap();
}

#[test]
fn a_second_gateway_on_a_database_is_refused_until_the_first_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    check(&DatabaseUrl::sqlite(directory.path().join("g.db")));
    on_postgres(|url| check(&url.parse().unwrap()));
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::{
        Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
        sql_types::Integer,
    };
    use store::Outage;

    use super::*;

    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }

    /// Ends every other session of the database, as a restart of the server does.
    fn cut_off(admin: &mut PgConnection) {
        let cut: Vec<Backend> = sql_query(
            // A planner may ask conditions in any order; a CASE it may not turn round.
            "SELECT pid FROM pg_stat_activity WHERE CASE
                WHEN datname = current_database() AND pid <> pg_backend_pid() THEN pg_terminate_backend(pid, 5000)
                ELSE false END",
        )
        .load(admin)
        .unwrap();
        assert!(cut.iter().all(|backend| backend.pid > 0) && !cut.is_empty());
    }

    #[test]
    fn a_gateway_that_lost_its_session_writes_again_only_with_the_claim() {
        on_postgres(|url| {
            let first = Store::open(&url.parse().unwrap()).unwrap();
            first.claim().unwrap();
            first.migrate().unwrap();
            let mut admin = PgConnection::establish(url).unwrap();
            cut_off(&mut admin);
            first.write(|db| db.setting_set("a", "1")).unwrap();
            let second = Store::open(&url.parse().unwrap()).unwrap();
            assert!(matches!(second.claim(), Err(StoreError::Claimed { .. })));
            drop(second);
            // This time another gateway is quicker.
            cut_off(&mut admin);
            let second = Store::open(&url.parse().unwrap()).unwrap();
            second.claim().unwrap();
            let written = first.write(|db| db.setting_set("a", "2"));
            assert!(matches!(written, Err(StoreError::Claimed { .. })), "{written:?}");
            assert_eq!(
                second.read(|db| db.setting_get("a")).unwrap().as_deref(),
                Some("1")
            );
        });
    }

    #[test]
    fn a_database_without_every_script_is_not_opened() {
        on_postgres(|url| {
            let (base, name) = url.rsplit_once('/').unwrap();
            let mut admin = PgConnection::establish(url).unwrap();
            let latin = format!("{name}_latin");
            admin
                .batch_execute(&format!(
                    "CREATE DATABASE {latin} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
                ))
                .unwrap();
            let opened = Store::open(&format!("{base}/{latin}").parse().unwrap());
            admin
                .batch_execute(&format!("DROP DATABASE {latin} WITH (FORCE)"))
                .unwrap();
            let Err(StoreError::Encoding { ref encoding }) = opened else {
                panic!("{opened:?}")
            };
            assert_eq!(encoding, "LATIN1");
        });
    }

    #[test]
    fn a_row_that_somebody_else_holds_is_not_waited_for_without_end() {
        on_postgres(|url| {
            let store = Store::open(&url.parse().unwrap()).unwrap();
            store.migrate().unwrap();
            store.write(|db| db.setting_set("a", "1")).unwrap();
            let mut other = PgConnection::establish(url).unwrap();
            other.batch_execute("BEGIN; LOCK TABLE settings").unwrap();
            let written = store.write(|db| db.setting_set("a", "2"));
            assert!(
                matches!(
                    written,
                    Err(StoreError::Unavailable {
                        outage: Outage::Locked,
                        ..
                    })
                ),
                "{written:?}"
            );
            other.batch_execute("ROLLBACK").unwrap();
            store.write(|db| db.setting_set("a", "2")).unwrap();
        });
    }

    /// So many readers at one time, each inside the one before, and a writer inside them all.
    fn within(store: &Store, readers: usize) {
        store
            .read(|_| match readers {
                1 => store.write(|db| db.setting_set("a", "1")),
                more => {
                    within(store, more - 1);
                    Ok(())
                }
            })
            .unwrap();
    }

    #[test]
    fn readers_that_take_every_connection_do_not_keep_a_writer_out() {
        on_postgres(|url| {
            let store = Store::open(&url.parse().unwrap()).unwrap();
            store.migrate().unwrap();
            // As many as there are connections to read with.
            within(&store, 8);
        });
    }
}
