//! The registry of certificates that pumps were issued.

mod list;
mod registry;

pub use list::{CertificateFilter, CertificateListing};
pub use registry::{RegistryChanges, RegistryRow};

use std::collections::HashMap;

use diesel::{dsl::count_star, prelude::*};
use fleet::{
    Timestamp,
    certificate::{CertificateRecord, Fingerprint, RevocationReason, SerialHex},
    id::{AuthorityId, PumpId},
};

use crate::{
    Db, StoreError,
    bulk::{bulk, bulk_row},
    connection::each_db,
    error::Attempt,
    schema::{certificates, pumps},
    sql::{Octets, Utc, Val, row},
};

/// A certificate with its DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// What the registry knows of it.
    pub record: CertificateRecord,
    /// The certificate itself.
    pub der: Vec<u8>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = certificates)]
pub(crate) struct CertificateRow {
    fingerprint: Fingerprint,
    serial: SerialHex,
    pump: PumpId,
    authority: AuthorityId,
    public_key: Fingerprint,
    not_before: Timestamp,
    not_after: Timestamp,
    issued_at: Timestamp,
    first_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    revocation_reason: Option<RevocationReason>,
}

impl From<CertificateRow> for CertificateRecord {
    fn from(row: CertificateRow) -> Self {
        Self {
            fingerprint: row.fingerprint,
            serial: row.serial,
            pump: row.pump,
            authority: row.authority,
            key: row.public_key,
            not_before: row.not_before,
            not_after: row.not_after,
            issued_at: row.issued_at,
            first_used_at: row.first_used_at,
            revoked: row.revoked_at.zip(row.revocation_reason),
        }
    }
}

fn records(rows: Vec<CertificateRow>) -> Vec<CertificateRecord> {
    rows.into_iter().map(CertificateRecord::from).collect()
}

/// A certificate's first use.
struct Used(Fingerprint, Timestamp);

bulk_row!(Used, |row| Octets: &row.0, Utc: &row.1);

impl Db<'_> {
    /// Puts an issued certificate on record; [`StoreError::Conflict`] when it, or its serial number of that authority, is there already.
    pub fn certificate_insert(
        &mut self,
        certificate: &CertificateRecord,
        der: &[u8],
    ) -> Result<(), StoreError> {
        let change = self.registry_next_change()?;
        let (revoked_at, reason) = certificate.revoked.unzip();
        diesel::insert_into(certificates::table)
            .values((
                row!(certificates, certificate;
                    fingerprint, serial, pump, authority, not_before, not_after, issued_at, first_used_at),
                certificates::public_key.eq(Val(certificate.key)),
                certificates::revoked_at.eq(revoked_at),
                certificates::revocation_reason.eq(reason),
                certificates::registry_change.eq(change),
                certificates::der.eq(der),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("put a certificate on record")
    }

    /// The certificate with this fingerprint.
    pub fn certificate_fetch(
        &mut self,
        fingerprint: Fingerprint,
    ) -> Result<Option<StoredCertificate>, StoreError> {
        certificates::table
            .find(Val(fingerprint))
            .select((CertificateRow::as_select(), certificates::der))
            .first::<(CertificateRow, Vec<u8>)>(self.connection)
            .optional()
            .map(|found| {
                found.map(|(row, der)| StoredCertificate {
                    record: row.into(),
                    der,
                })
            })
            .attempt("read a certificate")
    }

    /// The newest certificate over a public key, given as the SHA-256 of its `SubjectPublicKeyInfo`.
    pub fn certificate_newest_for_key(
        &mut self,
        key: Fingerprint,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        certificates::table
            .filter(certificates::public_key.eq(Val(key)))
            .order((certificates::issued_at.desc(), certificates::fingerprint.desc()))
            .select(CertificateRow::as_select())
            .first(self.connection)
            .optional()
            .map(|row| row.map(CertificateRecord::from))
            .attempt("find the certificate of a key")
    }

    /// Every certificate of a pump, the newest first.
    pub fn certificate_of_pump(&mut self, pump: PumpId) -> Result<Vec<CertificateRecord>, StoreError> {
        certificates::table
            .filter(certificates::pump.eq(Val(pump)))
            .order((certificates::issued_at.desc(), certificates::fingerprint.desc()))
            .select(CertificateRow::as_select())
            .load(self.connection)
            .map(records)
            .attempt("list the certificates of a pump")
    }

    /// Revokes certificates, and says which of them were not revoked before. Use [`crate::Store::write_durable`].
    pub fn certificate_revoke(
        &mut self,
        fingerprints: &[Fingerprint],
        reason: RevocationReason,
        at: Timestamp,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        let change = self.registry_next_change()?;
        let mut revoked = Vec::new();
        for some in fingerprints.chunks(500) {
            let rows: Vec<CertificateRow> = each_db!(self.connection, |conn| {
                diesel::update(certificates::table)
                    .filter(certificates::fingerprint.eq_any(some.iter().map(Val)))
                    .filter(certificates::revoked_at.is_null())
                    .set((
                        certificates::revoked_at.eq(Some(at)),
                        certificates::revocation_reason.eq(Some(reason)),
                        certificates::registry_change.eq(change),
                    ))
                    .returning(CertificateRow::as_returning())
                    .get_results(conn)
            })
            .attempt("revoke certificates")?;
            revoked.extend(records(rows));
        }
        Ok(revoked)
    }

    /// Keeps when certificates first opened a connection; later uses change nothing.
    pub fn certificate_mark_used(&mut self, uses: &[(Fingerprint, Timestamp)]) -> Result<(), StoreError> {
        let mut first: HashMap<Fingerprint, Timestamp> = HashMap::with_capacity(uses.len());
        for (fingerprint, at) in uses {
            let kept = first.entry(*fingerprint).or_insert(*at);
            *kept = (*kept).min(*at);
        }
        let rows: Vec<Used> = first
            .into_iter()
            .map(|(fingerprint, at)| Used(fingerprint, at))
            .collect();
        // Both databases call the columns of a VALUES list so.
        bulk(
            self.connection,
            "UPDATE certificates SET first_used_at = used.column2 FROM (VALUES ",
            &rows,
            ") AS used WHERE certificates.fingerprint = used.column1 AND certificates.first_used_at IS NULL",
        )
        .map(drop)
        .attempt("keep the first use of certificates")
    }

    /// The revoked certificates of an authority that had not expired at an instant: what its revocation list names.
    pub fn certificate_revoked_of(
        &mut self,
        authority: AuthorityId,
        not_expired_at: Timestamp,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        certificates::table
            .filter(certificates::authority.eq(Val(authority)))
            .filter(certificates::not_after.ge(Val(not_expired_at)))
            .filter(certificates::revoked_at.is_not_null())
            .order((certificates::revoked_at, certificates::fingerprint))
            .select(CertificateRow::as_select())
            .load(self.connection)
            .map(records)
            .attempt("list revoked certificates")
    }

    /// The certificates of an authority that are neither expired nor revoked.
    pub fn certificate_live_of(
        &mut self,
        authority: AuthorityId,
        now: Timestamp,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        certificates::table
            .filter(certificates::authority.eq(Val(authority)))
            .filter(certificates::not_after.ge(Val(now)))
            .filter(certificates::revoked_at.is_null())
            .order(certificates::fingerprint)
            .select(CertificateRow::as_select())
            .load(self.connection)
            .map(records)
            .attempt("list live certificates")
    }

    /// How many certificates of an authority are neither expired nor revoked.
    pub fn certificate_live_count(
        &mut self,
        authority: AuthorityId,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        certificates::table
            .filter(certificates::authority.eq(Val(authority)))
            .filter(certificates::not_after.ge(Val(now)))
            .filter(certificates::revoked_at.is_null())
            .select(count_star())
            .first(self.connection)
            .attempt("count live certificates")
    }

    /// Start and end of the newest certificate of each pump that is not retired, revoked certificates left out.
    pub fn certificate_expiries(&mut self) -> Result<Vec<(PumpId, Timestamp, Timestamp)>, StoreError> {
        let rows: Vec<(PumpId, Timestamp, Timestamp)> = certificates::table
            .inner_join(pumps::table)
            .filter(pumps::retired_at.is_null())
            .filter(certificates::revoked_at.is_null())
            .order((
                certificates::pump,
                certificates::issued_at.desc(),
                certificates::fingerprint.desc(),
            ))
            .select((
                certificates::pump,
                certificates::not_before,
                certificates::not_after,
            ))
            .load(self.connection)
            .attempt("read when certificates expire")?;
        let mut newest: Vec<(PumpId, Timestamp, Timestamp)> = Vec::new();
        for row in rows {
            if newest.last().is_none_or(|last| last.0 != row.0) {
                newest.push(row);
            }
        }
        Ok(newest)
    }

    /// When the newest certificate of each of these pumps ends, revoked certificates left out.
    pub(crate) fn certificate_ends(
        &mut self,
        of: &[PumpId],
    ) -> Result<HashMap<PumpId, Timestamp>, StoreError> {
        let mut ends = HashMap::with_capacity(of.len());
        for some in of.chunks(500) {
            let rows: Vec<(PumpId, Timestamp)> = certificates::table
                .filter(certificates::pump.eq_any(some.iter().map(Val)))
                .filter(certificates::revoked_at.is_null())
                .order((certificates::issued_at, certificates::fingerprint))
                .select((certificates::pump, certificates::not_after))
                .load(self.connection)
                .attempt("read when certificates expire")?;
            ends.extend(rows);
        }
        Ok(ends)
    }
}
