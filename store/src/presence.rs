//! Who is connected, from where, and when each pump was last heard of.

use std::{collections::HashMap, net::IpAddr};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Nullable},
};
use fleet::{Timestamp, certificate::Fingerprint, id::PumpId, pump::SessionEnd};

use crate::{
    Db, StoreError,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::presence,
    sql::{Id, Octets, Utc, Val, Words},
};

/// A pump came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    /// Which pump.
    pub pump: PumpId,
    /// Number of the connection within this gateway process, from 1; later is larger.
    pub session: i64,
    /// Whether it is connected now.
    pub connected: bool,
    /// Since when.
    pub at: Timestamp,
    /// The address it connected from.
    pub peer: Option<IpAddr>,
    /// The certificate it connected with.
    pub certificate: Option<Fingerprint>,
    /// Why its connection ended, if it did.
    pub end: Option<SessionEnd>,
}

bulk_row!(PresenceChange, |row|
    Id: &row.pump,
    Bool: &row.connected,
    Utc: &row.at,
    Nullable<Words>: &row.peer,
    Nullable<Octets>: &row.certificate,
    Nullable<Words>: &row.end,
    Utc: &row.at,
    BigInt: &row.session,
);

impl PresenceChange {
    /// Later changes are larger. Connections are compared by their numbers, not by the clock, which may be set back; a
    /// connection's end comes after its beginning.
    const fn order(&self) -> (i64, bool) {
        (self.session, !self.connected)
    }
}

/// When a pump was heard of.
struct Seen(PumpId, Timestamp);

bulk_row!(Seen, |row| Id: &row.0, Utc: &row.1);

const SET: &str = "INSERT INTO presence (pump, connected, changed_at, peer, certificate, session_end, last_seen, session) VALUES ";
/// A pump that is gone keeps the address and certificate it was last seen with. News that arrives late changes nothing.
const SET_NEWER: &str = " ON CONFLICT (pump) DO UPDATE SET \
    connected = excluded.connected, changed_at = excluded.changed_at, \
    peer = COALESCE(excluded.peer, presence.peer), certificate = COALESCE(excluded.certificate, presence.certificate), \
    session_end = excluded.session_end, session = excluded.session, \
    last_seen = CASE WHEN excluded.last_seen > presence.last_seen THEN excluded.last_seen ELSE presence.last_seen END \
    WHERE excluded.session > presence.session OR (excluded.session = presence.session AND NOT excluded.connected)";
// Both databases call the columns of a VALUES list so.
const SEEN: &str = "UPDATE presence SET last_seen = seen.column2 FROM (VALUES ";
const SEEN_NEWER: &str = ") AS seen WHERE presence.pump = seen.column1 AND presence.last_seen < seen.column2";

impl Db<'_> {
    /// Keeps who came and went. Of several changes of one pump the one of its latest connection counts, in whatever
    /// order they are given.
    pub fn presence_set(&mut self, changes: &[PresenceChange]) -> Result<(), StoreError> {
        let mut latest: HashMap<PumpId, &PresenceChange> = HashMap::with_capacity(changes.len());
        for change in changes {
            let kept = latest.entry(change.pump).or_insert(change);
            if change.order() > kept.order() {
                *kept = change;
            }
        }
        self.touched.heard.extend(latest.keys());
        let done = if latest.len() == changes.len() {
            bulk(self.connection, SET, changes, SET_NEWER)
        } else {
            let changes: Vec<PresenceChange> = latest.into_values().cloned().collect();
            bulk(self.connection, SET, &changes, SET_NEWER)
        };
        done.map(drop).attempt("keep who is connected")
    }

    /// Nobody is connected: said once at the start, since a gateway that was killed could not say who went. The
    /// numbers of connections begin anew.
    pub fn presence_clear_all(&mut self, at: Timestamp) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "clear who is connected";
        self.touched.everything = true;
        diesel::update(presence::table.filter(presence::connected.eq(Val(true))))
            .set((
                presence::connected.eq(Val(false)),
                presence::changed_at.eq(Val(at)),
                presence::session_end.eq(Val(Some(SessionEnd::GatewayStopped))),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        diesel::update(presence::table.filter(presence::session.ne(0)))
            .set(presence::session.eq(0))
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }

    /// Moves forward when pumps were last heard of. Pumps that never connected are passed over.
    pub fn last_seen_set(&mut self, seen: &[(PumpId, Timestamp)]) -> Result<(), StoreError> {
        let mut latest: HashMap<PumpId, Timestamp> = HashMap::with_capacity(seen.len());
        for (pump, at) in seen {
            let kept = latest.entry(*pump).or_insert(*at);
            *kept = (*kept).max(*at);
        }
        self.touched.heard.extend(latest.keys());
        let rows: Vec<Seen> = latest.into_iter().map(|(pump, at)| Seen(pump, at)).collect();
        bulk(self.connection, SEEN, &rows, SEEN_NEWER)
            .map(drop)
            .attempt("keep when pumps were last seen")
    }
}
