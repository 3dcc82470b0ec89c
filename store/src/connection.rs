//! One connection type for both databases, chosen at run time.

// The derive writes arms for every database, some of which can not be reached when only one is built.
#![allow(unreachable_patterns, unreachable_pub)]

use diesel::{SqliteConnection, connection::SimpleConnection};

#[cfg(feature = "postgres")]
use diesel::PgConnection;

/// A connection to either database. What both understand is written once, against [`MultiBackend`].
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}

/// Writes a query once and compiles it for each database: for what their common form lacks, which is ON CONFLICT,
/// multi-row INSERT and row locks.
macro_rules! each_db {
    ($connection:expr, |$conn:ident| $body:expr) => {
        match $connection {
            $crate::connection::AnyConnection::Sqlite($conn) => $body,
            #[cfg(feature = "postgres")]
            $crate::connection::AnyConnection::Postgres($conn) => $body,
        }
    };
}
pub(crate) use each_db;

impl AnyConnection {
    /// Runs statements that return nothing.
    pub(crate) fn run(&mut self, statements: &str) -> diesel::QueryResult<()> {
        self.batch_execute(statements)
    }
}
