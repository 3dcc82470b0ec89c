//! The migrations of both databases, compiled in. Their names are equal, and a test compares what they make.

use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

#[cfg(feature = "postgres")]
use crate::establish::POSTGRES_SETTINGS;
use crate::{StoreError, connection::AnyConnection};

const SQLITE: EmbeddedMigrations = embed_migrations!("../migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("../migrations/postgres");

/// Gateways that start together on one PostgreSQL migrate one after the other. The number is ours alone. A migration of a
/// large table takes as long as it takes.
#[cfg(feature = "postgres")]
const MIGRATION_LOCK: &str =
    "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock(7235418590012)";
#[cfg(feature = "postgres")]
const MIGRATION_UNLOCK: &str = "SELECT pg_advisory_unlock(7235418590012)";

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Migration {
        detail: error.to_string(),
    }
}

/// Runs the migrations that are missing.
pub(crate) fn up(connection: &mut AnyConnection) -> Result<(), StoreError> {
    match connection {
        AnyConnection::Sqlite(conn) => conn.run_pending_migrations(SQLITE).map(drop).map_err(failed),
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(conn) => {
            use diesel::connection::SimpleConnection;

            conn.batch_execute(MIGRATION_LOCK).map_err(failed)?;
            let done = conn.run_pending_migrations(POSTGRES).map(drop).map_err(failed);
            conn.batch_execute(MIGRATION_UNLOCK).map_err(failed)?;
            conn.batch_execute(POSTGRES_SETTINGS).map_err(failed)?;
            done
        }
    }
}
