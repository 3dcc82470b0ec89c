//! Who is signed in. The secret of a session is not kept, only the SHA-256 of it.

use std::net::IpAddr;

use chrono::TimeDelta;
use diesel::prelude::*;
use fleet::{
    Timestamp,
    access::{SessionTimes, SignedOut},
    id::{AccountId, DeviceId, GlassUseId, SessionId},
    text::Name,
};

use crate::{
    AccountRecord, Db, StoreError,
    account::found,
    error::Attempt,
    schema::{accounts, sessions},
    sql::{Val, row},
};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRecord {
    /// Ours, for life.
    pub id: SessionId,
    /// Who signed in.
    pub account: AccountId,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// The registered device, if it was one.
    pub device: Option<DeviceId>,
    /// From which address the person signed in.
    pub address: Option<IpAddr>,
    /// What the browser or program calls itself.
    pub agent: Option<Name>,
    /// What was shown to come in: words of factors, with spaces between.
    pub factors: String,
    /// When the person came in, or last proved to be there at a change of privilege.
    pub authenticated_at: Timestamp,
    /// The last sign of life that was kept.
    pub last_seen_at: Timestamp,
    /// Seconds without a sign of life that end it.
    pub idle_seconds: i64,
    /// It ends then, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Why it was ended.
    pub end_reason: Option<SignedOut>,
    /// When a signature with every factor was given in it.
    pub signed_at: Option<Timestamp>,
    /// The use of break-glass that it is in.
    pub glass: Option<GlassUseId>,
}

impl SessionRecord {
    /// The times by which the rules judge it.
    #[must_use]
    pub fn times(&self) -> SessionTimes {
        SessionTimes {
            last_seen_at: self.last_seen_at,
            idle: TimeDelta::try_seconds(self.idle_seconds).unwrap_or_default(),
            expires_at: self.expires_at,
            ended: self.end_reason,
        }
    }
}

impl Db<'_> {
    /// Begins a session.
    pub fn session_create(&mut self, session: &SessionRecord) -> Result<(), StoreError> {
        diesel::insert_into(sessions::table)
            .values((
                row!(sessions, session;
                    id, account, secret_hash, device, address, agent, factors, authenticated_at, last_seen_at,
                    expires_at, ended_at, end_reason, signed_at, glass),
                sessions::idle_seconds.eq(session.idle_seconds),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("begin a session")
    }

    /// The session whose secret has this SHA-256, and whose it is. Whether it still stands is the caller's to judge.
    pub fn session_fetch_by_hash(
        &mut self,
        secret_hash: &[u8; 32],
    ) -> Result<Option<(SessionRecord, AccountRecord)>, StoreError> {
        sessions::table
            .inner_join(accounts::table)
            .filter(sessions::secret_hash.eq(Val(secret_hash)))
            .select((SessionRecord::as_select(), AccountRecord::as_select()))
            .first(self.connection)
            .optional()
            .attempt("look up a session")
    }

    /// A session; [`StoreError::NotFound`] when there is none.
    pub fn session_fetch(&mut self, id: SessionId) -> Result<SessionRecord, StoreError> {
        sessions::table
            .find(Val(id))
            .select(SessionRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a session")?
            .ok_or_else(|| StoreError::not_found("session", id))
    }

    /// The sessions of a person that were not ended, the newest first. Some may have run out by themselves.
    pub fn session_list(&mut self, account: AccountId) -> Result<Vec<SessionRecord>, StoreError> {
        sessions::table
            .filter(sessions::account.eq(Val(account)))
            .filter(sessions::ended_at.is_null())
            .order((sessions::authenticated_at.desc(), sessions::id.desc()))
            .select(SessionRecord::as_select())
            .load(self.connection)
            .attempt("list sessions")
    }

    /// Keeps a sign of life.
    pub fn session_touch(&mut self, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let changed = diesel::update(sessions::table.find(Val(id)))
            .set(sessions::last_seen_at.eq(Val(at)))
            .execute(self.connection)
            .attempt("keep a sign of life")?;
        found("session", id, changed)
    }

    /// Gives a session another secret at a change of privilege: the old one opens nothing, and the next signature takes
    /// every factor again.
    pub fn session_rotate(
        &mut self,
        id: SessionId,
        secret_hash: &[u8; 32],
        glass: Option<GlassUseId>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = diesel::update(sessions::table.find(Val(id)))
            .set((
                sessions::secret_hash.eq(Val(secret_hash)),
                sessions::glass.eq(Val(glass)),
                sessions::signed_at.eq(Val(None::<Timestamp>)),
                sessions::last_seen_at.eq(Val(at)),
            ))
            .execute(self.connection)
            .attempt("give a session another secret")?;
        found("session", id, changed)
    }

    /// A signature with every factor was given in it.
    pub fn session_signed(&mut self, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let changed = diesel::update(sessions::table.find(Val(id)))
            .set(sessions::signed_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("keep that a session signed")?;
        found("session", id, changed)
    }

    /// Ends a session. One that was ended before keeps its reason.
    pub fn session_end(&mut self, id: SessionId, at: Timestamp, why: SignedOut) -> Result<(), StoreError> {
        diesel::update(sessions::table.find(Val(id)))
            .filter(sessions::ended_at.is_null())
            .set((
                sessions::ended_at.eq(Val(Some(at))),
                sessions::end_reason.eq(Val(Some(why))),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("end a session")
    }

    /// Ends every session of a person but one, and says how many.
    pub fn session_end_of(
        &mut self,
        account: AccountId,
        but: Option<SessionId>,
        at: Timestamp,
        why: SignedOut,
    ) -> Result<usize, StoreError> {
        let sessions = self.session_list(account)?;
        let ended = sessions.iter().filter(|session| Some(session.id) != but);
        let mut count = 0;
        for session in ended {
            self.session_end(session.id, at, why)?;
            count += 1;
        }
        Ok(count)
    }

    /// Ends every session on a device.
    pub fn session_end_on(&mut self, device: DeviceId, at: Timestamp) -> Result<usize, StoreError> {
        diesel::update(sessions::table.filter(sessions::device.eq(Val(Some(device)))))
            .filter(sessions::ended_at.is_null())
            .set((
                sessions::ended_at.eq(Val(Some(at))),
                sessions::end_reason.eq(Val(Some(SignedOut::DeviceRemoved))),
            ))
            .execute(self.connection)
            .attempt("end the sessions on a device")
    }
}
