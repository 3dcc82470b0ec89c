//! The one connection that writes, and the claim of the one gateway that may.
//!
//! Writers queue here instead of failing in the database: SQLite has one writer at a time anyway, and on PostgreSQL one
//! writer means that no two of our transactions wait for each other's rows, and that no reader takes its connection.
//!
//! Who is admitted is kept in the memory of one gateway, and so are the numbers of connections: a second gateway on the
//! same database would not hear of a revocation. So a gateway that serves claims the database. On PostgreSQL the claim
//! is a lock of the session that writes: a gateway that lost that session writes nothing before it has the claim again.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection as _;

use crate::{
    DatabaseUrl, StoreError, connection::AnyConnection, error::Attempt, establish::establish,
    pool::is_broken, url::Location,
};

/// A gateway that is just stopping lets go within this time; one that runs does not.
const CLAIM_PATIENCE: Duration = Duration::from_secs(2);
const CLAIM_RETRY: Duration = Duration::from_millis(50);

/// The number is ours alone; the lock lies in the database that the session is connected to.
#[cfg(feature = "postgres")]
const CLAIM: &str = "pg_try_advisory_lock(7235418590013)";

/// What has to happen before a commit counts. PostgreSQL always writes to the disk first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Handed to the operating system.
    Process,
    /// On the disk.
    Power,
}

impl Durability {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Process => "PRAGMA synchronous = NORMAL",
            Self::Power => "PRAGMA synchronous = FULL",
        }
    }
}

/// Where writers queue.
pub(crate) struct Writer {
    url: DatabaseUrl,
    desk: Mutex<Desk>,
}

struct Desk {
    open: Option<Open>,
    claim: Option<Claim>,
}

/// The connection, and what it was last told about durability.
struct Open {
    connection: AnyConnection,
    durability: Durability,
}

impl Open {
    const fn new(connection: AnyConnection) -> Self {
        Self {
            connection,
            durability: Durability::Process,
        }
    }
}

/// How the database is claimed.
enum Claim {
    /// By a lock on a file beside it, which ends with the process.
    File { _lock: File },
    /// By a lock of the session that writes.
    #[cfg(feature = "postgres")]
    Session,
}

impl Writer {
    pub(crate) fn new(url: DatabaseUrl, connection: AnyConnection) -> Self {
        Self {
            url,
            desk: Mutex::new(Desk {
                open: Some(Open::new(connection)),
                claim: None,
            }),
        }
    }

    /// Runs work on the connection that writes.
    pub(crate) fn run<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // A closure that panicked took the connection with it and left nothing behind: no harm in going on.
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.take(&mut desk)?;
        if open.durability != durability {
            match &mut open.connection {
                AnyConnection::Sqlite(conn) => conn
                    .batch_execute(durability.pragma())
                    .attempt("set the durability of a commit")?,
                #[cfg(feature = "postgres")]
                AnyConnection::Postgres(_) => {}
            }
            open.durability = durability;
        }
        let done = work(&mut open.connection);
        if !is_broken(&mut open.connection) {
            desk.open = Some(open);
        }
        done
    }

    /// See [`crate::Store::claim`].
    pub(crate) fn claim(&self) -> Result<(), StoreError> {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        if desk.claim.is_some() {
            return Ok(());
        }
        desk.claim = Some(match &self.url.0 {
            Location::Sqlite(path) => Claim::File {
                _lock: self.lock_file(path)?,
            },
            #[cfg(feature = "postgres")]
            Location::Postgres(_) => {
                let mut open = self.take(&mut desk)?;
                self.lock_session(&mut open.connection)?;
                desk.open = Some(open);
                Claim::Session
            }
        });
        Ok(())
    }

    /// The connection, or a new one if the server hung up meanwhile; with the claim, if there is one.
    fn take(&self, desk: &mut Desk) -> Result<Open, StoreError> {
        if let Some(mut open) = desk.open.take()
            && is_alive(&mut open.connection)
        {
            return Ok(open);
        }
        #[cfg_attr(
            not(feature = "postgres"),
            expect(unused_mut, reason = "a file is locked once")
        )]
        let mut open = Open::new(establish(&self.url)?);
        match &desk.claim {
            None | Some(Claim::File { .. }) => {}
            #[cfg(feature = "postgres")]
            Some(Claim::Session) => self.lock_session(&mut open.connection)?,
        }
        Ok(open)
    }

    fn lock_file(&self, path: &Path) -> Result<File, StoreError> {
        const ATTEMPTED: &str = "claim the database";
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(name)
            .map_err(|error| StoreError::down(ATTEMPTED, error))?;
        self.patiently(|| match file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(StoreError::down(ATTEMPTED, error)),
        })?;
        Ok(file)
    }

    #[cfg(feature = "postgres")]
    fn lock_session(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        use diesel::{RunQueryDsl as _, dsl::sql, sql_types::Bool};

        self.patiently(|| {
            diesel::select(sql::<Bool>(CLAIM))
                .get_result(connection)
                .attempt("claim the database")
        })
    }

    /// Tries until it is ours, or somebody else's for longer than a stopping gateway takes.
    fn patiently(&self, mut ours: impl FnMut() -> Result<bool, StoreError>) -> Result<(), StoreError> {
        let begun = Instant::now();
        while !ours()? {
            if begun.elapsed() >= CLAIM_PATIENCE {
                return Err(StoreError::Claimed {
                    database: self.url.to_string(),
                });
            }
            std::thread::sleep(CLAIM_RETRY);
        }
        Ok(())
    }
}

fn is_alive(connection: &mut AnyConnection) -> bool {
    match connection {
        // A file can not hang up.
        AnyConnection::Sqlite(_) => true,
        #[cfg(feature = "postgres")]
        AnyConnection::Postgres(conn) => diesel::r2d2::R2D2Connection::ping(conn).is_ok(),
    }
}
