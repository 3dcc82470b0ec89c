//! What the gate keeps in memory: every certificate that may be presented, and what changed since.

use diesel::{dsl::sql, prelude::*, sql_types::BigInt};
use fleet::{Timestamp, certificate::CertificateRecord, pump::HoldKind};

use super::CertificateRow;
use crate::{
    Db, StoreError,
    connection::AnyConnection,
    error::Attempt,
    schema::{certificates, pumps},
    sql::Val,
};

/// Certificates that expired longer ago than this are not loaded: nobody renews with one.
const EXPIRED_KEPT: chrono::TimeDelta = chrono::TimeDelta::days(30);

/// SQLite has one writer at a time, so the next number is one more than the highest.
const NEXT_SQLITE: &str = "1 + MAX(COALESCE((SELECT MAX(registry_change) FROM certificates), 0), \
    COALESCE((SELECT MAX(registry_change) FROM pumps), 0))";
/// Transactions of PostgreSQL do not commit in the order of any counter. A row therefore bears the number of its transaction, and
/// the marker is the oldest transaction that was still running: what it has not committed yet is read again the next time.
#[cfg(feature = "postgres")]
const NEXT_POSTGRES: &str = "pg_current_xact_id()::text::bigint";
#[cfg(feature = "postgres")]
const MARKER_POSTGRES: &str = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

/// A certificate, and what the gate must know of its pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryRow {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// What holds the pump.
    pub hold: Option<HoldKind>,
    /// Whether the pump was retired.
    pub retired: bool,
}

/// What changed since a marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryChanges {
    /// The certificates that changed, or whose pump did. A row may come twice, or again the next time; it is always the present one.
    pub rows: Vec<RegistryRow>,
    /// Where to go on from.
    pub marker: i64,
}

type Row = (CertificateRow, Option<HoldKind>, Option<Timestamp>);

fn registry_rows(rows: Vec<Row>) -> impl Iterator<Item = RegistryRow> {
    rows.into_iter()
        .map(|(certificate, hold, retired_at)| RegistryRow {
            certificate: certificate.into(),
            hold,
            retired: retired_at.is_some(),
        })
}

impl Db<'_> {
    /// All certificates but those that expired more than 30 days ago, in one query.
    pub fn registry_load(&mut self, now: Timestamp) -> Result<Vec<RegistryRow>, StoreError> {
        certificates::table
            .inner_join(pumps::table)
            .filter(certificates::not_after.ge(Val(now - EXPIRED_KEPT)))
            .select((CertificateRow::as_select(), pumps::hold_kind, pumps::retired_at))
            .load::<Row>(self.connection)
            .map(|rows| registry_rows(rows).collect())
            .attempt("load the registry")
    }

    /// Where [`Db::registry_changes_since`] begins: read it together with, and not after, [`Db::registry_load`].
    pub fn registry_marker(&mut self) -> Result<i64, StoreError> {
        match &mut *self.connection {
            AnyConnection::Sqlite(conn) => diesel::select(sql::<BigInt>(NEXT_SQLITE)).get_result(conn),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(conn) => diesel::select(sql::<BigInt>(MARKER_POSTGRES)).get_result(conn),
        }
        .attempt("read how far the registry has changed")
    }

    /// What was issued, revoked, held, released or retired since a marker, also by another gateway on the same database.
    pub fn registry_changes_since(&mut self, marker: i64) -> Result<RegistryChanges, StoreError> {
        const ATTEMPTED: &str = "read changes of the registry";
        let next = self.registry_marker()?;
        // Two queries, each by its own index; one with OR would read everything.
        let of_certificates: Vec<Row> = certificates::table
            .inner_join(pumps::table)
            .filter(certificates::registry_change.ge(marker))
            .select((CertificateRow::as_select(), pumps::hold_kind, pumps::retired_at))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let of_pumps: Vec<Row> = certificates::table
            .inner_join(pumps::table)
            .filter(pumps::registry_change.ge(marker))
            .select((CertificateRow::as_select(), pumps::hold_kind, pumps::retired_at))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        Ok(RegistryChanges {
            rows: registry_rows(of_certificates)
                .chain(registry_rows(of_pumps))
                .collect(),
            marker: next,
        })
    }

    /// The number that a change of the registry bears.
    pub(crate) fn registry_next_change(&mut self) -> Result<i64, StoreError> {
        match &mut *self.connection {
            AnyConnection::Sqlite(conn) => diesel::select(sql::<BigInt>(NEXT_SQLITE)).get_result(conn),
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(conn) => diesel::select(sql::<BigInt>(NEXT_POSTGRES)).get_result(conn),
        }
        .attempt("number a change of the registry")
    }
}
