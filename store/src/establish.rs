//! How a connection is made, and what it is told before anybody uses it: how long to wait, and for what.

use diesel::{Connection, SqliteConnection};

use crate::{DatabaseUrl, StoreError, connection::AnyConnection, error::Attempt, url::Location};

/// What every SQLite connection is told. Another process (a backup, an administrator's shell) may hold the lock for a
/// moment, which is what the timeout is for; our own writers queue at the gate.
const SQLITE_SETTINGS: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA journal_mode = WAL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -65536;
    PRAGMA wal_autocheckpoint = 16384;
    PRAGMA temp_store = MEMORY;
";

/// A server that is cut off is noticed within half a minute, not when the operating system gives up after many. What
/// the hospital's URL says of the same comes later in the URL and counts.
#[cfg(feature = "postgres")]
const POSTGRES_PARAMETERS: &str = "connect_timeout=5&keepalives_idle=10&keepalives_interval=5&keepalives_count=3\
    &tcp_user_timeout=30000";

/// What every PostgreSQL connection is told, in milliseconds. Nothing we ask takes nearly as long; what does is stuck,
/// and everybody else would wait behind it.
#[cfg(feature = "postgres")]
pub(crate) const POSTGRES_SETTINGS: &str = "SET statement_timeout = 30000; SET lock_timeout = 5000";

pub(crate) fn establish(url: &DatabaseUrl) -> Result<AnyConnection, StoreError> {
    match &url.0 {
        Location::Sqlite(path) => {
            let path = path.to_str().ok_or_else(|| {
                StoreError::down("open the database", "its path is not UTF-8; choose another path")
            })?;
            let mut connection = SqliteConnection::establish(path)
                .map(AnyConnection::Sqlite)
                .map_err(|error| StoreError::down("open the database", error))?;
            connection
                .run(SQLITE_SETTINGS)
                .attempt("set up a database connection")?;
            Ok(connection)
        }
        #[cfg(feature = "postgres")]
        Location::Postgres(address) => {
            let mut connection = diesel::PgConnection::establish(&with_parameters(address))
                .map(AnyConnection::Postgres)
                .map_err(|error| StoreError::down("connect to the database", error))?;
            connection
                .run(POSTGRES_SETTINGS)
                .attempt("set up a database connection")?;
            Ok(connection)
        }
    }
}

/// Text of pumps is in every script there is. A server that can not keep it would refuse single messages at some later time.
#[cfg(feature = "postgres")]
pub(crate) fn keeps_every_script(connection: &mut diesel::PgConnection) -> Result<(), StoreError> {
    use diesel::{RunQueryDsl as _, dsl::sql, sql_types::Text};

    let encoding: String = diesel::select(sql::<Text>("current_setting('server_encoding')"))
        .get_result(connection)
        .attempt("ask for the encoding of the database")?;
    if encoding == "UTF8" {
        Ok(())
    } else {
        Err(StoreError::Encoding { encoding })
    }
}

/// Puts our parameters before those of the URL: of two of one name the database client takes the last.
#[cfg(feature = "postgres")]
fn with_parameters(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    // As the database client reads it: the user information ends at the first `@`, if no `/` comes before it.
    let (user, place) = match rest.split_once('@') {
        Some((user, place)) if !user.contains('/') => (format!("{user}@"), place),
        _ => (String::new(), rest),
    };
    match place.split_once('?') {
        Some((place, given)) if !given.is_empty() => {
            format!("{scheme}://{user}{place}?{POSTGRES_PARAMETERS}&{given}")
        }
        Some((place, _)) => format!("{scheme}://{user}{place}?{POSTGRES_PARAMETERS}"),
        None => format!("{scheme}://{user}{place}?{POSTGRES_PARAMETERS}"),
    }
}

/// A database file is made before SQLite makes it, with nobody else's permissions; its WAL inherits them.
pub(crate) fn make_private(url: &DatabaseUrl) -> Result<(), StoreError> {
    match &url.0 {
        Location::Sqlite(path) => {
            let mut options = std::fs::OpenOptions::new();
            options.create_new(true).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            match options.open(path) {
                Ok(_) => Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
                Err(error) => Err(StoreError::down("make the database file", error)),
            }
        }
        #[cfg(feature = "postgres")]
        Location::Postgres(_) => Ok(()),
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;

    #[test]
    fn our_parameters_come_first_and_nothing_of_the_url_is_lost() {
        let check = |url: &str, before: &str, after: &str| {
            assert_eq!(
                with_parameters(url),
                format!("{before}?{POSTGRES_PARAMETERS}{after}")
            );
        };
        check("postgres://gw@db/g", "postgres://gw@db/g", "");
        check("postgres://gw@db/g?", "postgres://gw@db/g", "");
        check(
            "postgres://gw@db/g?connect_timeout=60&sslmode=require",
            "postgres://gw@db/g",
            "&connect_timeout=60&sslmode=require",
        );
        check("postgres://gw:a?b@db/g", "postgres://gw:a?b@db/g", "");
        check("postgres:///g?user=a@b", "postgres:///g", "&user=a@b");
    }
}
