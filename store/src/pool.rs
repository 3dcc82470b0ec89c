//! The store: connections to read with, and the one place where transactions begin and end.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use diesel::{
    Connection, SqliteConnection,
    connection::{AnsiTransactionManager, TransactionManager},
    r2d2::{ManageConnection, Pool, R2D2Connection},
};

use crate::{
    DatabaseUrl, Db, StoreError,
    connection::{AnyConnection, each_db},
    error::Attempt,
    migrate,
    url::Location,
};

/// Connections that read at the same time. A reader of SQLite is bound by the processor, not by waiting.
const READERS: u32 = 8;
/// How long somebody waits for a free connection before the database counts as out.
const PATIENCE: Duration = Duration::from_secs(5);

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
const SQLITE_READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8192;";

/// A database. Cheap to clone; all clones share its connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    url: DatabaseUrl,
    readers: Pool<Opener>,
    /// SQLite has one writer at a time, so ours queue here instead of failing there. PostgreSQL writes from the pool.
    writer: Mutex<Option<Writer>>,
}

/// The connection that writes to SQLite, and what it was last told about durability.
struct Writer {
    connection: AnyConnection,
    durability: Durability,
}

/// What has to happen before a commit counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
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

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.shared.url).finish()
    }
}

impl Store {
    /// Opens a database. A SQLite file that does not exist is made, readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it can not be opened or reached.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        make_private(url)?;
        let opener = Opener { url: url.clone() };
        // The first connection is made here, so that a wrong URL fails now and with its own error.
        let first = opener.establish()?;
        let readers = Pool::builder()
            .max_size(READERS)
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(Silent))
            .build(opener)
            .map_err(|error| StoreError::down("open the database", error))?;
        let writer = match first {
            AnyConnection::Sqlite(_) => Some(Writer {
                connection: first,
                durability: Durability::Process,
            }),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => None,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                url: url.clone(),
                readers,
                writer: Mutex::new(writer),
            }),
        })
    }

    /// Where the database is, fit to be shown.
    pub fn url(&self) -> &DatabaseUrl {
        &self.shared.url
    }

    /// Brings the tables to the shape that this version needs.
    ///
    /// # Errors
    /// [`StoreError::Migration`] when a migration fails; those before it stay.
    pub fn migrate(&self) -> Result<(), StoreError> {
        self.on_writer(Durability::Power, migrate::up)
    }

    /// Reads. Everything the closure sees is of one instant, however many queries it makes.
    ///
    /// # Errors
    /// What the closure returns, or [`StoreError::Unavailable`].
    pub fn read<T>(&self, work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self
            .shared
            .readers
            .get()
            .map_err(|error| StoreError::down("reach the database", error))?;
        let begin = match &*connection {
            AnyConnection::Sqlite(_) => "BEGIN",
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        transaction(&mut connection, begin, work)
    }

    /// Writes, in one transaction: all of it is kept, or nothing.
    ///
    /// When this returns, the commit outlives the death of this process. On PostgreSQL it also outlives a loss of power; on
    /// SQLite (WAL with `synchronous = NORMAL`) a loss of power may take the last commits with it, the database staying whole.
    /// What must not be lost even then goes through [`Store::write_durable`].
    ///
    /// # Errors
    /// What the closure returns, or [`StoreError::Unavailable`]; nothing is kept then.
    pub fn write<T>(&self, work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.commit(Durability::Process, work)
    }

    /// Writes what was signed, issued, revoked or ordered: when this returns, it is on the disk (`synchronous = FULL`).
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_durable<T>(
        &self,
        work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.commit(Durability::Power, work)
    }

    fn commit<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.on_writer(durability, |connection| {
            let begin = match connection {
                AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
                #[cfg(feature = "postgres")]
                AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            };
            transaction(connection, begin, work)
        })
    }

    /// Runs work on a connection that may write.
    fn on_writer<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &self.shared.url.0 {
            Location::Sqlite(_) => self.on_single_writer(durability, work),
            #[cfg(feature = "postgres")]
            Location::Postgres(_) => {
                let mut connection = self
                    .shared
                    .readers
                    .get()
                    .map_err(|error| StoreError::down("reach the database", error))?;
                work(&mut connection)
            }
        }
    }

    fn on_single_writer<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        // A closure that panicked took the connection with it and left nothing behind: no harm in going on.
        let mut gate = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match gate.take() {
            Some(writer) => writer,
            None => Writer {
                connection: establish(&self.shared.url)?,
                durability: Durability::Process,
            },
        };
        if writer.durability != durability {
            writer
                .connection
                .run(durability.pragma())
                .attempt("set the durability of a commit")?;
            writer.durability = durability;
        }
        let done = work(&mut writer.connection);
        if !is_broken(&mut writer.connection) {
            *gate = Some(writer);
        }
        done
    }
}

/// One transaction: committed when the work succeeds, rolled back when it does not.
fn transaction<T>(
    connection: &mut AnyConnection,
    begin: &str,
    work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    each_db!(&mut *connection, |conn| {
        AnsiTransactionManager::begin_transaction_sql(conn, begin)
    })
    .attempt("begin a transaction")?;
    match work(&mut Db::new(connection)) {
        Ok(value) => {
            each_db!(connection, |conn| AnsiTransactionManager::commit_transaction(
                conn
            ))
            .attempt("commit a transaction")?;
            Ok(value)
        }
        Err(error) => {
            // The first error says what went wrong; a rollback that fails too breaks the connection, which is then replaced.
            drop(each_db!(connection, |conn| {
                AnsiTransactionManager::rollback_transaction(conn)
            }));
            Err(error)
        }
    }
}

fn is_broken(connection: &mut AnyConnection) -> bool {
    each_db!(connection, |conn| {
        AnsiTransactionManager::is_broken_transaction_manager(conn)
            || !matches!(
                AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth(),
                Ok(None)
            )
    })
}

/// Makes connections for the pool. The derived `establish` would try SQLite with any URL, so it is not used.
struct Opener {
    url: DatabaseUrl,
}

impl Opener {
    fn establish(&self) -> Result<AnyConnection, StoreError> {
        establish(&self.url)
    }
}

fn establish(url: &DatabaseUrl) -> Result<AnyConnection, StoreError> {
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
        Location::Postgres(address) => diesel::PgConnection::establish(address)
            .map(AnyConnection::Postgres)
            .map_err(|error| StoreError::down("connect to the database", error)),
    }
}

/// A database file is made before SQLite makes it, with nobody else's permissions; its WAL inherits them.
fn make_private(url: &DatabaseUrl) -> Result<(), StoreError> {
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

impl ManageConnection for Opener {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = self.establish()?;
        match connection {
            AnyConnection::Sqlite(_) => {
                connection
                    .run(SQLITE_READER)
                    .attempt("set up a database connection")?;
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => {}
        }
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        match connection {
            // A file can not hang up.
            AnyConnection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(conn) => conn.ping().attempt("reach the database"),
        }
    }

    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || is_broken(connection) || R2D2Connection::is_broken(connection)
    }
}

/// The pool would log each failed attempt to connect, with the address; whoever waits gets the error anyway.
#[derive(Debug)]
struct Silent;

impl diesel::r2d2::HandleError<StoreError> for Silent {
    fn handle_error(&self, _: StoreError) {}
}
