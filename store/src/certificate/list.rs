//! Certificates as people list and look for them.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    certificate::{CertificateRecord, CertificateStatus, Fingerprint, SerialHex},
    id::{AuthorityId, PumpId},
    text::{AssetTag, SerialNumber},
};

use super::{CertificateRow, records};
use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::{certificates, pumps},
    sql::Val,
};

/// The fewest digits that a person may give of a serial number or fingerprint.
const PREFIX_MIN: usize = 8;
/// The most certificates that one prefix finds.
const FOUND_MAX: i64 = 50;

/// Which certificates to list; nothing set lists all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CertificateFilter {
    /// Of this pump.
    pub pump: Option<PumpId>,
    /// Signed by this authority.
    pub authority: Option<AuthorityId>,
    /// With this status at this instant.
    pub status: Option<(CertificateStatus, Timestamp)>,
}

/// A certificate, with the names of its pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateListing {
    /// The certificate.
    pub record: CertificateRecord,
    /// The pump's serial number.
    pub serial: SerialNumber,
    /// The pump's asset tag, if it has one.
    pub asset_tag: Option<AssetTag>,
}

impl Db<'_> {
    /// Certificates, the newest first.
    pub fn certificate_list(
        &mut self,
        filter: &CertificateFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<CertificateListing>, StoreError> {
        let mut query = certificates::table
            .inner_join(pumps::table)
            .select((CertificateRow::as_select(), pumps::serial, pumps::asset_tag))
            .into_boxed();
        if let Some(pump) = filter.pump {
            query = query.filter(certificates::pump.eq(Val(pump)));
        }
        if let Some(authority) = filter.authority {
            query = query.filter(certificates::authority.eq(Val(authority)));
        }
        // The lines of `CertificateRecord::status`, as conditions.
        if let Some((status, now)) = filter.status {
            query = match status {
                CertificateStatus::Revoked => query.filter(certificates::revoked_at.is_not_null()),
                CertificateStatus::NotYetValid => query
                    .filter(certificates::revoked_at.is_null())
                    .filter(certificates::not_before.gt(Val(now))),
                CertificateStatus::Expired => query
                    .filter(certificates::revoked_at.is_null())
                    .filter(certificates::not_before.le(Val(now)))
                    .filter(certificates::not_after.lt(Val(now))),
                CertificateStatus::Valid => query
                    .filter(certificates::revoked_at.is_null())
                    .filter(certificates::not_before.le(Val(now)))
                    .filter(certificates::not_after.ge(Val(now))),
            };
        }
        if let Some(marker) = after {
            let (at, fingerprint) = read_time_marker::<Fingerprint>(marker)?;
            query = query.filter(
                certificates::issued_at.lt(Val(at)).or(certificates::issued_at
                    .eq(Val(at))
                    .and(certificates::fingerprint.lt(Val(fingerprint)))),
            );
        }
        let rows = query
            .order((certificates::issued_at.desc(), certificates::fingerprint.desc()))
            .limit(rows_for(limit))
            .load::<(CertificateRow, SerialNumber, Option<AssetTag>)>(self.connection)
            .attempt("list certificates")?;
        let page = cut(rows, limit, |(row, ..)| {
            time_marker(row.issued_at, row.fingerprint)
        });
        Ok(page.map(|(row, serial, asset_tag)| CertificateListing {
            record: row.into(),
            serial,
            asset_tag,
        }))
    }

    /// Certificates by the beginning of their serial number or fingerprint, at least 8 hexadecimal digits, or by a whole serial number,
    /// however short. Colons, blanks and case do not matter. At most 50.
    pub fn certificate_find(&mut self, text: &str) -> Result<Vec<CertificateRecord>, StoreError> {
        let digits: String = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Vec::new());
        }
        let serial = SerialHex::from_digits(&digits);
        let mut query = certificates::table
            .select(CertificateRow::as_select())
            .filter(certificates::serial.eq(Val(serial.clone())))
            .into_boxed();
        if digits.len() >= PREFIX_MIN {
            // Zeros in front are no part of a serial number: what is left without them must be long enough by itself.
            if serial.as_str().len() >= PREFIX_MIN {
                // `g` follows the last digit.
                let end = format!("{serial}g");
                query = query.or_filter(
                    certificates::serial
                        .ge(Val(serial))
                        .and(certificates::serial.lt(Val(end))),
                );
            }
            if let (Some(low), Some(high)) = (filled(&digits, '0'), filled(&digits, 'f')) {
                query = query.or_filter(
                    certificates::fingerprint
                        .ge(Val(low))
                        .and(certificates::fingerprint.le(Val(high))),
                );
            }
        }
        query
            .order((certificates::issued_at.desc(), certificates::fingerprint.desc()))
            .limit(FOUND_MAX)
            .load(self.connection)
            .map(records)
            .attempt("find a certificate")
    }
}

/// The lowest or highest fingerprint that begins so.
fn filled(digits: &str, with: char) -> Option<Fingerprint> {
    let rest = 64_usize.checked_sub(digits.len())?;
    let digits: String = digits.chars().chain(std::iter::repeat_n(with, rest)).collect();
    digits.parse().ok()
}
