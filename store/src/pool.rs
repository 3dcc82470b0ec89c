//! The store: connections to read with, and the one place where transactions begin and end.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use diesel::{
    connection::{AnsiTransactionManager, TransactionManager},
    r2d2::{ManageConnection, Pool, R2D2Connection},
};

#[cfg(feature = "postgres")]
use crate::establish::keeps_every_script;
use crate::{
    DatabaseUrl, Db, StoreError,
    connection::{AnyConnection, each_db},
    error::Attempt,
    establish::{establish, make_private},
    migrate,
    touched::Touched,
    writer::{Durability, Writer},
};

/// Connections that read at the same time. A reader of SQLite is bound by the processor, not by waiting.
const READERS: u32 = 8;
/// How long somebody waits for a free connection before the database counts as out.
const PATIENCE: Duration = Duration::from_secs(5);

const SQLITE_READER: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8192;";

/// A database. Cheap to clone; all clones share its connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    url: DatabaseUrl,
    readers: Pool<Opener>,
    writer: Writer,
    touched: Mutex<Touched>,
    listener: OnceLock<Listener>,
}

type Listener = Box<dyn Fn(&Touched) + Send + Sync>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.shared.url).finish()
    }
}

impl Store {
    /// Opens a database. A SQLite file that does not exist is made, readable by its owner only.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it can not be opened or reached, [`StoreError::Encoding`] when it can not keep every
    /// script there is.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        make_private(url)?;
        let opener = Opener { url: url.clone() };
        // The first connection is made here, so that a wrong URL fails now and with its own error.
        let mut first = establish(url)?;
        match &mut first {
            AnyConnection::Sqlite(_) => {}
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(conn) => keeps_every_script(conn)?,
        }
        let readers = Pool::builder()
            .max_size(READERS)
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(Silent))
            .build(opener)
            .map_err(|error| StoreError::down("open the database", error))?;
        Ok(Self {
            shared: Arc::new(Shared {
                url: url.clone(),
                readers,
                writer: Writer::new(url.clone(), first),
                touched: Mutex::default(),
                listener: OnceLock::new(),
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
        self.shared.writer.run(Durability::Power, migrate::up)
    }

    /// Claims the database for this process, for as long as a clone of this store lives: two gateways that serve one
    /// database would not hear of each other's revocations. Reading and writing beside a claim stays possible for tools;
    /// a gateway that serves claims first. Claiming again changes nothing. Waits up to 2 seconds for one that is just stopping.
    ///
    /// PostgreSQL keeps the claim with the session, so a connection pooler in between must pool sessions, not transactions.
    ///
    /// # Errors
    /// [`StoreError::Claimed`] when another gateway has it, or [`StoreError::Unavailable`].
    pub fn claim(&self) -> Result<(), StoreError> {
        self.shared.writer.claim()
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
        transaction(&mut connection, begin, work).0
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
        self.shared.writer.run(durability, |connection| {
            let begin = match connection {
                AnyConnection::Sqlite(_) => "BEGIN IMMEDIATE",
                #[cfg(feature = "postgres")]
                AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            };
            let (done, touched) = transaction(connection, begin, work);
            // Also where it failed: nobody knows what became of a commit that the connection did not outlive.
            if !touched.is_empty() {
                if let Some(tell) = self.shared.listener.get() {
                    tell(&touched);
                }
                self.touched().add(touched);
            }
            done
        })
    }

    /// Has somebody told what each commit of this process touched, as soon as it is there to be read. Whoever is told holds up every
    /// writer, so it may only take a note. There is one listener for the life of the store: a later one is not taken.
    pub fn listen(&self, tell: impl Fn(&Touched) + Send + Sync + 'static) {
        let _ = self.shared.listener.set(Box::new(tell));
    }

    fn touched(&self) -> std::sync::MutexGuard<'_, Touched> {
        self.shared.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was touched since this was last asked, in this process. What is read after this is at least as new; a commit that
    /// just ends may be seen by that and be told of the next time.
    #[must_use]
    pub fn touched_take(&self) -> Touched {
        std::mem::take(&mut *self.touched())
    }

    /// Whether something was touched since that was last taken. In a transaction that writes, this is the last word: nothing else
    /// is committed while it lasts.
    pub fn has_touched(&self, what: impl FnOnce(&Touched) -> bool) -> bool {
        what(&self.touched())
    }
}

/// One transaction: committed when the work succeeds, rolled back when it does not. With what it touched.
fn transaction<T>(
    connection: &mut AnyConnection,
    begin: &str,
    work: impl FnOnce(&mut Db<'_>) -> Result<T, StoreError>,
) -> (Result<T, StoreError>, Touched) {
    let started = each_db!(&mut *connection, |conn| {
        AnsiTransactionManager::begin_transaction_sql(conn, begin)
    })
    .attempt("begin a transaction");
    if let Err(error) = started {
        return (Err(error), Touched::default());
    }
    let mut db = Db::new(connection);
    let done = work(&mut db);
    let touched = std::mem::take(&mut db.touched);
    let done = match done {
        Ok(value) => each_db!(connection, |conn| AnsiTransactionManager::commit_transaction(
            conn
        ))
        .attempt("commit a transaction")
        .map(|()| value),
        Err(error) => {
            // The first error says what went wrong; a rollback that fails too breaks the connection, which is then replaced.
            drop(each_db!(connection, |conn| {
                AnsiTransactionManager::rollback_transaction(conn)
            }));
            Err(error)
        }
    };
    (done, touched)
}

pub(crate) fn is_broken(connection: &mut AnyConnection) -> bool {
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

impl ManageConnection for Opener {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        let mut connection = establish(&self.url)?;
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
