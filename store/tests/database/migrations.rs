//! The migrations have equal names, go up, down and up again, and make the same tables on both databases.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use diesel::{prelude::*, sql_query, sql_types};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use store::{DatabaseUrl, Store};

#[cfg(feature = "postgres")]
use crate::common::on_postgres;

/// What a column holds, and whether it may be empty.
type Columns = BTreeMap<String, (String, bool)>;

#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    columns: Columns,
    /// The columns of each index, whether it is unique, and whether it covers some rows only.
    indexes: BTreeSet<(String, bool, bool)>,
}

type Schema = BTreeMap<String, Table>;

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = sql_types::Text)]
    of: String,
    #[diesel(sql_type = sql_types::Text)]
    name: String,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Bool)]
    nullable: bool,
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = sql_types::Text)]
    of: String,
    #[diesel(sql_type = sql_types::Text)]
    columns: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_unique: bool,
    #[diesel(sql_type = sql_types::Bool)]
    is_partial: bool,
}

#[derive(QueryableByName)]
struct Lax {
    #[diesel(sql_type = sql_types::Text)]
    name: String,
}

/// Only what we made: the bookkeeping of the migrations themselves is not ours.
fn schema(columns: Vec<ColumnRow>, indexes: Vec<IndexRow>) -> Schema {
    let mut schema = Schema::new();
    for row in columns {
        let table = schema.entry(row.of).or_default();
        table.columns.insert(row.name, (row.kind, row.nullable));
    }
    for row in indexes {
        let table = schema.entry(row.of).or_default();
        table.indexes.insert((row.columns, row.is_unique, row.is_partial));
    }
    schema.retain(|name, _| !name.starts_with("__") && !name.starts_with("sqlite_"));
    schema
}

fn sqlite_schema(conn: &mut SqliteConnection) -> Schema {
    let columns = sql_query(
        "SELECT t.name AS \"of\", c.name AS name, c.type AS kind, c.\"notnull\" = 0 AS nullable
         FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    );
    let indexes = sql_query(
        "SELECT t.name AS \"of\", i.\"unique\" AS is_unique, i.partial AS is_partial,
            (SELECT group_concat(x.name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x) AS columns
         FROM sqlite_schema t, pragma_index_list(t.name) i WHERE t.type = 'table'",
    );
    schema(columns.load(conn).unwrap(), indexes.load(conn).unwrap())
}

fn migrations(database: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../migrations")
        .join(database)
}

fn revert<DB: diesel::backend::Backend>(conn: &mut impl MigrationHarness<DB>, database: &str) {
    let migrations = FileBasedMigrations::from_path(migrations(database)).unwrap();
    conn.revert_all_migrations(migrations).unwrap();
}

#[test]
fn both_databases_have_migrations_of_the_same_names_each_of_which_can_be_taken_back() {
    let names = |database: &str| -> BTreeSet<String> {
        std::fs::read_dir(migrations(database))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                for file in ["up.sql", "down.sql"] {
                    assert!(
                        entry.path().join(file).is_file(),
                        "{:?} has no {file}",
                        entry.path()
                    );
                }
                entry.file_name().into_string().unwrap()
            })
            .collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}

#[test]
fn sqlite_goes_up_down_and_up_again_and_every_table_is_strict() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let store = Store::open(&DatabaseUrl::sqlite(&path)).unwrap();
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    store.migrate().unwrap();
    let made = sqlite_schema(&mut conn);
    assert!(made.len() > 20, "{made:?}");
    revert(&mut conn, "sqlite");
    assert_eq!(sqlite_schema(&mut conn), Schema::new());
    store.migrate().unwrap();
    store.migrate().unwrap();
    assert_eq!(sqlite_schema(&mut conn), made);
    let lax: Vec<Lax> = sql_query(
        "SELECT name FROM pragma_table_list WHERE NOT strict AND schema = 'main' AND type = 'table'",
    )
    .load(&mut conn)
    .unwrap();
    let lax: Vec<_> = lax.iter().map(|table| &table.name[..]).collect();
    assert!(
        lax.iter()
            .all(|name| name.starts_with("__") || name.starts_with("sqlite_")),
        "{lax:?}"
    );
}

#[cfg(feature = "postgres")]
#[test]
fn postgresql_goes_up_down_and_up_again_and_has_the_same_tables() {
    let postgres_schema = |conn: &mut PgConnection| {
        let columns = sql_query(
            "SELECT table_name::text AS of, column_name::text AS name, is_nullable = 'YES' AS nullable, CASE data_type
                WHEN 'uuid' THEN 'BLOB' WHEN 'bytea' THEN 'BLOB'
                WHEN 'bigint' THEN 'INTEGER' WHEN 'integer' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER'
                WHEN 'timestamp with time zone' THEN 'INTEGER'
                WHEN 'double precision' THEN 'REAL'
                WHEN 'text' THEN 'TEXT' WHEN 'jsonb' THEN 'TEXT'
                ELSE 'unexpected: ' || data_type END AS kind
             FROM information_schema.columns WHERE table_schema = 'public'",
        );
        let indexes = sql_query(
            "SELECT t.relname::text AS of, string_agg(a.attname::text, ',' ORDER BY k.place) AS columns,
                x.indisunique AS is_unique, x.indpred IS NOT NULL AS is_partial
             FROM pg_index x
             JOIN pg_class t ON t.oid = x.indrelid AND t.relnamespace = 'public'::regnamespace
             CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (number, place)
             JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number
             GROUP BY t.relname, x.indexrelid, x.indisunique, x.indpred IS NOT NULL",
        );
        schema(columns.load(conn).unwrap(), indexes.load(conn).unwrap())
    };
    on_postgres(|url| {
        let store = Store::open(&url.parse().unwrap()).unwrap();
        let mut conn = PgConnection::establish(url).unwrap();
        store.migrate().unwrap();
        let made = postgres_schema(&mut conn);
        revert(&mut conn, "postgres");
        assert_eq!(postgres_schema(&mut conn), Schema::new());
        store.migrate().unwrap();
        assert_eq!(postgres_schema(&mut conn), made);

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("g.db");
        Store::open(&DatabaseUrl::sqlite(&path))
            .unwrap()
            .migrate()
            .unwrap();
        let mut sqlite = sqlite_schema(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap());
        // The row id of SQLite is an index by itself and is not listed as one.
        for (table, key) in [
            ("telemetry", "id"),
            ("audit_entries", "number"),
            ("audit_checkpoints", "number"),
        ] {
            let table = sqlite.get_mut(table).unwrap();
            table.indexes.insert((key.to_owned(), true, false));
        }
        assert_eq!(sqlite.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
        for (name, table) in &made {
            assert_eq!(&sqlite[name], table, "{name}");
        }
    });
}

/// A pump that was held before holds had a history, by the migrations up to then.
fn held_before<DB: diesel::backend::Backend>(
    conn: &mut (impl MigrationHarness<DB> + diesel::connection::SimpleConnection),
    database: &str,
    id: &str,
    at: &str,
) {
    const BEFORE: usize = 11;
    for _ in 0..BEFORE {
        let migrations = FileBasedMigrations::from_path(migrations(database)).unwrap();
        conn.run_next_migration(migrations).unwrap();
    }
    let statements = format!(
        "INSERT INTO manufacturers (id, name) VALUES ({id}, 'Acme');
         INSERT INTO models (id, manufacturer, name) VALUES ({id}, {id}, 'Infusor 3');
         INSERT INTO pumps (id, row_version, serial, model, hold_kind, hold_reason, hold_since, enrolled_at, registry_change)
         VALUES ({id}, 1, 'SN-1', {id}, 'sequestered', 'found beside the bed', {at}, {at}, 1);"
    );
    conn.batch_execute(&statements).unwrap();
}

fn is_carried_over(store: &Store) {
    use fleet::pump::HoldKind;

    use crate::common::pump_id;

    store.migrate().unwrap();
    let hold = store.read(|db| db.hold_standing(pump_id(7))).unwrap().unwrap();
    let pump = store.read(|db| db.pump_fetch(pump_id(7))).unwrap();
    let on_pump = pump.hold.unwrap();
    assert_eq!(
        (hold.kind, hold.reason, hold.since),
        (HoldKind::Sequestered, on_pump.reason, on_pump.since)
    );
    assert_eq!((hold.set_by, hold.ended_at), (None, None));
}

#[test]
fn a_hold_from_before_there_was_a_history_is_carried_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("g.db");
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let id = format!("x'{:032x}'", 7);
    held_before(&mut conn, "sqlite", &id, "1800000000000000");
    is_carried_over(&Store::open(&DatabaseUrl::sqlite(&path)).unwrap());
    #[cfg(feature = "postgres")]
    on_postgres(|url| {
        let mut conn = PgConnection::establish(url).unwrap();
        let id = format!("'{}'::uuid", uuid::Uuid::from_u128(7));
        held_before(&mut conn, "postgres", &id, "'2027-01-15T08:00:00Z'::timestamptz");
        is_carried_over(&Store::open(&url.parse().unwrap()).unwrap());
    });
}
