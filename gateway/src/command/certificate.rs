//! Certificates: finding one, and taking it back.

use std::collections::BTreeSet;

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    certificate::{CertificateRecord, Fingerprint, RevocationReason, SerialHex},
    event::EventKind,
    id::{AuthorityId, PumpId},
    pump::SessionEnd,
};
use serde_json::json;
use store::{Db, StoreError, StoredCertificate};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
};

/// So many are named when several fit.
const CANDIDATES: usize = 10;

fn find(db: &mut Db<'_>, given: &str) -> Result<StoredCertificate, CommandError> {
    let shown = || given.chars().take(64).collect::<String>();
    let mut found = db.certificate_find(given)?;
    found.retain(|certificate| is_named(certificate, given));
    match found.as_slice() {
        [] => Err(StoreError::NotFound {
            what: "certificate",
            id: shown(),
        }
        .into()),
        [only] => fetch(db, only.fingerprint),
        several => Err(CommandError::AmbiguousCertificate {
            given: shown(),
            count: several.len(),
            candidates: several
                .iter()
                .take(CANDIDATES)
                .map(|one| one.fingerprint.to_string())
                .collect(),
        }),
    }
}

/// Whether the digits are really the first of its fingerprint or serial number. Zeros that stand before a serial number name
/// nothing by themselves: what is found is about to be revoked, so it must be what was meant.
fn is_named(certificate: &CertificateRecord, given: &str) -> bool {
    let digits: String = given
        .chars()
        .filter(|c| !matches!(c, ':' | ' '))
        .collect::<String>()
        .to_lowercase();
    let serial = SerialHex::from_digits(&digits);
    let of_serial = !serial.as_str().is_empty() && certificate.serial.as_str().starts_with(serial.as_str());
    of_serial || certificate.fingerprint.to_string().starts_with(&digits)
}

fn fetch(db: &mut Db<'_>, fingerprint: Fingerprint) -> Result<StoredCertificate, CommandError> {
    let stored = db.certificate_fetch(fingerprint)?;
    Ok(stored.ok_or_else(|| StoreError::NotFound {
        what: "certificate",
        id: fingerprint.to_string(),
    })?)
}

/// The one certificate whose serial number or fingerprint begins with what was given, at least 8 digits of it.
///
/// # Errors
/// [`StoreError::NotFound`] when none fits, [`CommandError::AmbiguousCertificate`] when several do.
pub fn show(app: &App, given: &str) -> Result<StoredCertificate, CommandError> {
    app.store.read(|db| Ok(find(db, given)))?
}

/// Revokes a certificate. Before this returns it is on record, the gate denies it, and the pump's live connection is told to
/// close; a pump that has another good certificate comes back with that one. Doing it again changes nothing: the first
/// reason stands.
///
/// # Errors
/// As [`show`], or the database's.
pub fn revoke(
    app: &App,
    actor: &Actor,
    given: &str,
    reason: RevocationReason,
) -> Result<StoredCertificate, CommandError> {
    let change = Change::by(actor, app, Permission::CertificateRevoke);
    let revoked = change.commit(|db| {
        let fingerprint = find(db, given)?.record.fingerprint;
        for certificate in db.certificate_revoke(&[fingerprint], reason, change.now)? {
            let what = format_args!("certificate {} revoked: {}", certificate.serial, reason.as_str());
            change.tell(db, EventKind::CertificateRevoked, Some(certificate.pump), what)?;
            change.record(db, revoked_deed(&certificate, reason))?;
        }
        fetch(db, fingerprint)
    })?;
    // Also when it was revoked before: a gate that missed it learns of it now.
    app.gate.revoke(&[revoked.record.fingerprint], reason, change.now);
    app.link.close(revoked.record.pump, SessionEnd::Denied);
    publish(app, [revoked.record.authority], change.now);
    Ok(revoked)
}

/// Revokes every certificate of a pump that is not revoked yet. Part of the transaction; the gate learns it by [`deny`].
pub(super) fn revoke_all(
    change: &Change<'_>,
    db: &mut Db<'_>,
    pump: PumpId,
    why: RevocationReason,
    words: &str,
) -> Result<Vec<CertificateRecord>, CommandError> {
    let all: Vec<_> = db
        .certificate_of_pump(pump)?
        .into_iter()
        .map(|certificate| certificate.fingerprint)
        .collect();
    let revoked = db.certificate_revoke(&all, why, change.now)?;
    for certificate in &revoked {
        let what = format_args!("certificate {} revoked, {words}", certificate.serial);
        change.tell(db, EventKind::CertificateRevoked, Some(pump), what)?;
        change.record(db, revoked_deed(certificate, why))?;
    }
    Ok(revoked)
}

/// The gate denies what was revoked.
pub(super) fn deny(app: &App, revoked: &[CertificateRecord], why: RevocationReason, at: Timestamp) {
    let fingerprints: Vec<_> = revoked
        .iter()
        .map(|certificate| certificate.fingerprint)
        .collect();
    app.gate.revoke(&fingerprints, why, at);
}

/// A revocation, as the audit trail keeps it.
fn revoked_deed(certificate: &CertificateRecord, reason: RevocationReason) -> Deed {
    Deed::of(Action::CertificateRevoked, "certificate", certificate.fingerprint).after(json!({
        "pump": certificate.pump,
        "serial": certificate.serial.as_str(),
        "why": reason.as_str(),
    }))
}

/// Tells outsiders, by the revocation lists of these authorities. The gate does not need them: where one can not be signed
/// now, it is at its next turn.
pub(super) fn publish(app: &App, authorities: impl IntoIterator<Item = AuthorityId>, now: Timestamp) {
    for authority in authorities.into_iter().collect::<BTreeSet<_>>() {
        if let Err(error) = app.authorities.publish_revocations(authority, now) {
            tracing::error!(%authority, %error, "a revocation list could not be signed; it will be at its next turn");
        }
    }
}
