//! Where the database is. The password in a URL never leaves this module but towards the database.

use std::{fmt, path::PathBuf, str::FromStr};

use thiserror::Error;

/// A database URL: `sqlite:///absolute/path` or `sqlite://relative/path`, or `postgres://user:password@host/name`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Location);

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(String),
}

/// Why a database URL was refused. The text repeats nothing of it but the scheme.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// Neither of the two schemes.
    #[error(
        "database URL has the scheme `{scheme}`; write sqlite:///path/to/file or postgres://user@host/name"
    )]
    UnknownScheme {
        /// What stands before `://`, shortened.
        scheme: String,
    },
    /// `sqlite://` without a file.
    #[error("database URL names no file; write sqlite:///path/to/file (a database in memory is not offered)")]
    NoFile,
    /// PostgreSQL is a feature of the build.
    #[error(
        "this gateway was built without PostgreSQL; build it with `--features postgres`, or use sqlite:///path"
    )]
    PostgresNotBuilt,
}

impl DatabaseUrl {
    /// A SQLite database in this file.
    #[must_use]
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self(Location::Sqlite(path.into()))
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        match scheme {
            "sqlite" if rest.is_empty() || rest.starts_with(':') => Err(DatabaseUrlError::NoFile),
            "sqlite" => Ok(Self::sqlite(rest)),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => Ok(Self(Location::Postgres(text.to_owned()))),
            #[cfg(not(feature = "postgres"))]
            "postgres" | "postgresql" => Err(DatabaseUrlError::PostgresNotBuilt),
            other => Err(DatabaseUrlError::UnknownScheme {
                scheme: other.chars().take(20).collect(),
            }),
        }
    }
}

impl<'de> serde::Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => f.write_str(&without_secrets(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Keeps scheme, user, host and name. Parameters are dropped whole, since `?password=` is one of them.
#[cfg(feature = "postgres")]
fn without_secrets(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    // The last `@` ends the user information, so that an unescaped one in a password gives nothing away.
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_where_but_never_the_password() {
        let check = |text: &str, shown: &str| {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("DatabaseUrl({shown})"));
        };
        check("sqlite:///var/lib/g.db", "sqlite:///var/lib/g.db");
        check(" sqlite://g.db\n", "sqlite://g.db");
        #[cfg(feature = "postgres")]
        {
            check("postgres://gw:s3cret@db:5432/g", "postgres://gw@db:5432/g");
            check(
                "postgresql://gw:p@ss:w@db/g?password=s3cret",
                "postgresql://gw@db/g",
            );
            check("postgres:///g?host=/run/pg", "postgres:///g");
        }
    }

    #[test]
    fn what_is_no_database_is_refused_without_repeating_it() {
        let check = |text: &str, expected: DatabaseUrlError| {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(expected));
        };
        let unknown = |scheme: &str| DatabaseUrlError::UnknownScheme {
            scheme: scheme.into(),
        };
        check("mysql://root:pw@h/d", unknown("mysql"));
        check("gateway.db", unknown(""));
        check("sqlite://", DatabaseUrlError::NoFile);
        check("sqlite://:memory:", DatabaseUrlError::NoFile);
        #[cfg(not(feature = "postgres"))]
        check("postgres://u:pw@h/d", DatabaseUrlError::PostgresNotBuilt);
    }
}
