//! What can go wrong between us and a database, in terms a caller can act on.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use thiserror::Error;

use crate::url::DatabaseUrlError;

/// Why the data layer could not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was named is not on record.
    #[error("{what} {id} is not on record")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// What it was looked for by.
        id: String,
    },
    /// Somebody else was first, or it would exist twice: read again, then decide again.
    #[error("{what}: {detail}")]
    Conflict {
        /// What was attempted.
        what: &'static str,
        /// What stood in the way.
        detail: String,
    },
    /// The marker of a page was not made by this list; start again without it.
    #[error("the page marker `{marker}` is not one of this list; ask for the first page")]
    InvalidPage {
        /// What was given, shortened.
        marker: String,
    },
    /// The database can not be used right now. Nothing of the transaction is kept; try again later.
    #[error("could not {attempted}: {outage}")]
    Unavailable {
        /// What was attempted.
        attempted: &'static str,
        /// In which way the database is out.
        outage: Outage,
        /// What the database said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What the database holds, or was given, does not fit the rules. Restore a backup or repair the row; trying again will not help.
    #[error("could not {attempted}: the data does not fit the rules: {detail}")]
    Corrupt {
        /// What was attempted.
        attempted: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// The tables could not be brought to the shape that this version needs.
    #[error("could not bring the database to the schema of this version: {detail}")]
    Migration {
        /// What the migration said.
        detail: String,
    },
    /// Another gateway serves this database; two would not hear of each other's revocations.
    #[error(
        "another gateway is running on {database}; stop it first, or give this one a database of its own"
    )]
    Claimed {
        /// The database, without secrets.
        database: String,
    },
    /// A PostgreSQL database that can not keep every script there is.
    #[error(
        "the database keeps its text as {encoding}, which has no room for every name a pump may send; make one with \
         CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// What the server calls it.
        encoding: String,
    },
    /// The URL names no database that can be opened.
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
}

/// In which way a database is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Outage {
    /// It does not answer, or the connection broke.
    #[error("the database can not be reached")]
    Down,
    /// There is no room left to write.
    #[error("the disk of the database is full")]
    DiskFull,
    /// Another process holds what is needed for longer than we wait.
    #[error("the database is locked by another process")]
    Locked,
    /// It may be read, but not written.
    #[error("the database may not be written")]
    ReadOnly,
    /// Its disk, its memory or its file fails.
    #[error("the database fails; look at its disk, its memory and its log")]
    Failing,
    /// Anything else; the source says what.
    #[error("the database refused")]
    Refused,
}

impl Outage {
    /// Whether the database as a whole is out. Otherwise it refused this one thing, and may take the next.
    #[must_use]
    pub const fn is_of_all(self) -> bool {
        match self {
            Self::Down | Self::DiskFull | Self::Locked | Self::ReadOnly | Self::Failing => true,
            Self::Refused => false,
        }
    }

    /// Both databases name these states in words only; the texts are part of their stable interface.
    fn of(message: &str) -> Self {
        const SIGNS: &[(&str, Outage)] = &[
            ("database is locked", Outage::Locked),
            ("database table is locked", Outage::Locked),
            ("could not obtain lock", Outage::Locked),
            ("deadlock detected", Outage::Locked),
            ("lock timeout", Outage::Locked),
            // What we ask takes this long only when something else is in its way.
            ("statement timeout", Outage::Locked),
            ("disk is full", Outage::DiskFull),
            ("No space left on device", Outage::DiskFull),
            ("readonly database", Outage::ReadOnly),
            ("read-only transaction", Outage::ReadOnly),
            ("unable to open database file", Outage::Down),
            ("terminating connection", Outage::Down),
            ("server closed the connection", Outage::Down),
            ("database system is", Outage::Down),
            ("too many clients", Outage::Down),
            ("disk I/O error", Outage::Failing),
            ("disk image is malformed", Outage::Failing),
            ("not a database", Outage::Failing),
            ("out of memory", Outage::Failing),
            ("out of shared memory", Outage::Failing),
            ("could not extend file", Outage::Failing),
            ("could not read block", Outage::Failing),
            ("could not write", Outage::Failing),
            ("invalid page in block", Outage::Failing),
        ];
        SIGNS
            .iter()
            .find(|(sign, _)| message.contains(sign))
            .map_or(Self::Refused, |(_, outage)| *outage)
    }
}

impl StoreError {
    /// Whether nothing can be written now, whatever it is. Otherwise only what was given is at fault, as far as is known.
    #[must_use]
    pub const fn is_of_all(&self) -> bool {
        match self {
            Self::Unavailable { outage, .. } => outage.is_of_all(),
            Self::Claimed { .. } | Self::Encoding { .. } | Self::Migration { .. } | Self::Url(_) => true,
            Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::InvalidPage { .. }
            | Self::Corrupt { .. } => false,
        }
    }

    pub(crate) fn not_found(what: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound {
            what,
            id: id.to_string(),
        }
    }

    pub(crate) fn conflict(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict {
            what,
            detail: detail.into(),
        }
    }

    pub(crate) fn down(
        attempted: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable {
            attempted,
            outage: Outage::Down,
            source: source.into(),
        }
    }

    fn of(attempted: &'static str, error: DieselError) -> Self {
        let corrupt = |detail: String| Self::Corrupt { attempted, detail };
        match error {
            DieselError::DatabaseError(kind, ref information) => match kind {
                DatabaseErrorKind::UniqueViolation => Self::conflict(
                    attempted,
                    format!("it exists already ({})", information.message()),
                ),
                DatabaseErrorKind::ForeignKeyViolation => Self::conflict(
                    attempted,
                    "something it refers to is not on record, or something refers to it",
                ),
                DatabaseErrorKind::SerializationFailure => {
                    Self::conflict(attempted, "another transaction changed the same rows")
                }
                DatabaseErrorKind::CheckViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::ExclusionViolation
                | DatabaseErrorKind::RestrictViolation => corrupt(information.message().to_owned()),
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                    Self::down(attempted, error)
                }
                DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable {
                    attempted,
                    outage: Outage::ReadOnly,
                    source: error.into(),
                },
                _ => Self::Unavailable {
                    attempted,
                    outage: Outage::of(information.message()),
                    source: error.into(),
                },
            },
            DieselError::DeserializationError(source) | DieselError::SerializationError(source) => {
                corrupt(source.to_string())
            }
            DieselError::BrokenTransactionManager => Self::down(attempted, error),
            other => Self::Unavailable {
                attempted,
                outage: Outage::Refused,
                source: other.into(),
            },
        }
    }
}

/// Names what was attempted when a query fails.
pub(crate) trait Attempt<T> {
    /// `attempted` completes the sentence “could not …”.
    fn attempt(self, attempted: &'static str) -> Result<T, StoreError>;
}

impl<T> Attempt<T> for Result<T, DieselError> {
    fn attempt(self, attempted: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::of(attempted, error))
    }
}
