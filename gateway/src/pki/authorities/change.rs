//! Changes of the authorities: the next generation, and the end of an old one.
//!
//! The record comes first. What is in the database is in force from then on, whatever fails afterwards: trust follows at
//! once and from memory, the caller closes the gate, and what needs the database or a key again comes last and is made
//! up for by housekeeping.

use std::sync::{Arc, PoisonError};

use fleet::{
    Timestamp,
    audit::Action,
    certificate::{AuthorityKind, CertificateRecord, PruneDecision, RevocationReason, prune},
    event::{Event, EventKind},
    id::{AuthorityId, EventId},
};
use serde_json::json;
use store::{AuthorityRecord, Db, StoreError};

use super::{
    Authorities, AuthorityProblem, establish,
    live::{self, Live, Signing},
};
use crate::{
    app::Actor,
    deed::Deed,
    fresh,
    pki::{
        issue::{self, Generation, Issuer, Subordinate},
        key::CaKey as _,
    },
};

/// A retirement that is on record.
#[derive(Debug)]
#[must_use = "the gate and the pumps' connections do not know of it yet"]
pub struct Retirement {
    /// What was revoked by it.
    pub cut_off: Vec<CertificateRecord>,
    /// It was on record before this call.
    pub was_retired: bool,
}

impl Authorities {
    /// Makes the next generation of an issuing authority. It issues from now on; the one before stays trusted.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then everything is as it was.
    pub fn rotate(
        &self,
        kind: AuthorityKind,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<AuthorityRecord, AuthorityProblem> {
        let which = match kind {
            AuthorityKind::Device => Subordinate::Device,
            AuthorityKind::Server => Subordinate::Server,
            AuthorityKind::Root => return Err(AuthorityProblem::RootIsNotRotated),
        };
        let one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let root = self.live.load().root(&self.keys, &self.passphrase)?;
        // By the record: a rotation whose answer was lost counts.
        let number = live::next_generation(&self.list()?, kind);
        let key_name = establish::key_name(kind, number);
        let key = self.keys.generate(&key_name, &self.passphrase)?;
        let generation = Generation {
            installation: &self.installation,
            number,
        };
        let issued = issue::make_ca(
            &self.profiles,
            which,
            generation,
            &root,
            key.public_key(),
            now,
            fresh::bytes(),
        )?;
        let record = establish::record(kind, number, key_name, &issued, now)?;
        let signing = Signing {
            record: record.clone(),
            issuer: Arc::new(Issuer::new(&issued.der, key)?),
        };
        let event = event(
            now,
            EventKind::AuthorityRotated,
            format!("{}, by {}", record.subject, actor.name()),
        );
        let records = self.store.write_durable(|db| {
            db.authority_rotate(&record)?;
            db.event_record(std::slice::from_ref(&event))?;
            let deed = Deed::of(Action::AuthorityRotated, "authority", record.id)
                .after(json!({ "kind": kind.as_str(), "generation": number, "subject": record.subject }));
            db.audit_append(deed.entry(actor, now))?;
            db.authority_list()
        })?;
        self.put_in_force(records, Some(signing));
        drop(one_at_a_time);
        self.follow_up(now);
        Ok(record)
    }

    /// Ends the trust in an old generation. Once this returns, the retirement is on record and nothing chains to it any more;
    /// the gate, the pumps' connections, and after those [`Authorities::follow_up`] are the caller's. Retiring again
    /// says what was cut off the first time, so that a call that broke off can be made up for.
    ///
    /// # Errors
    /// [`AuthorityProblem::WouldCutOff`] with the number of live certificates, unless a person said `cut_off`. Then
    /// nothing was changed, unless the database lost its answer.
    pub fn retire(
        &self,
        id: AuthorityId,
        cut_off: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Retirement, AuthorityProblem> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (retirement, records) = self
            .store
            .write_durable(|db| record_retirement(db, id, cut_off, actor, now))??;
        self.owe_list(id);
        self.put_in_force(records, None);
        Ok(retirement)
    }

    /// What comes after a change: our own certificate, and the revocation lists. What fails is logged, and tried again by
    /// housekeeping.
    pub fn follow_up(&self, now: Timestamp) {
        if let Err(error) = self.renew_server_certificate(now) {
            tracing::error!(%error, "the server certificate could not be renewed after a change of the authorities");
        }
        if let Err(error) = self.refresh_crls(now) {
            tracing::error!(%error, "revocation lists could not be signed after a change of the authorities");
        }
    }

    /// Takes over what the record says and this process does not know: a change whose answer was lost, or by another gateway.
    pub(super) fn catch_up(&self) -> Result<(), AuthorityProblem> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (records, live) = (self.list()?, self.live.load());
        if records == live.records() {
            return Ok(());
        }
        self.take_over(records, live.signing())
    }

    fn put_in_force(&self, records: Vec<AuthorityRecord>, new: Option<Signing>) {
        let mut opened = self.live.load().signing().to_vec();
        opened.extend(new);
        if let Err(error) = self.take_over(records, &opened) {
            tracing::error!(%error, "a change of the authorities is on record, but not wholly in force here; it is tried again every minute");
        }
    }

    /// Trust first: it needs no key and no database.
    fn take_over(&self, records: Vec<AuthorityRecord>, opened: &[Signing]) -> Result<(), AuthorityProblem> {
        {
            let manufacturers = self.manufacturers.lock().unwrap_or_else(PoisonError::into_inner);
            self.trust
                .replace(&live::device_anchors(&records), &manufacturers)?;
        }
        let live = Live::of(records, opened, &self.keys, &self.passphrase)?;
        self.live.store(Arc::new(live));
        Ok(())
    }
}

/// Decides by what is on record at this moment, so that no certificate slips in between. A refusal changes nothing.
fn record_retirement(
    db: &mut Db<'_>,
    id: AuthorityId,
    cut_off: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<Result<(Retirement, Vec<AuthorityRecord>), AuthorityProblem>, StoreError> {
    const WHY: RevocationReason = RevocationReason::CaCompromise;
    let records = db.authority_list()?;
    let Some(authority) = records.iter().find(|record| record.id == id) else {
        return Ok(Err(AuthorityProblem::Unknown { id }));
    };
    let certificates = db.certificate_live_of(id, now)?;
    match prune(authority.state, certificates.len()) {
        PruneDecision::Prune => {}
        PruneDecision::CutsOff(_) if cut_off => {}
        PruneDecision::CutsOff(count) => return Ok(Err(AuthorityProblem::WouldCutOff { count })),
        PruneDecision::StillActive => {
            let kind = authority.kind;
            return Ok(Err(AuthorityProblem::StillActive { kind }));
        }
        PruneDecision::AlreadyRetired => {
            let mut cut_off = db.certificate_revoked_of(id, now)?;
            cut_off.retain(|certificate| certificate.revoked.is_some_and(|(_, reason)| reason == WHY));
            let retirement = Retirement {
                cut_off,
                was_retired: true,
            };
            return Ok(Ok((retirement, records)));
        }
    }
    if authority.kind == AuthorityKind::Root {
        return Ok(Err(AuthorityProblem::RootIsNotRotated));
    }
    let detail = format!(
        "{}, by {}; {} certificates cut off",
        authority.subject,
        actor.name(),
        certificates.len()
    );
    let fingerprints: Vec<_> = certificates
        .iter()
        .map(|certificate| certificate.fingerprint)
        .collect();
    db.authority_retire(id)?;
    let retirement = Retirement {
        cut_off: db.certificate_revoke(&fingerprints, WHY, now)?,
        was_retired: false,
    };
    db.event_record(&[event(now, EventKind::AuthorityRetired, detail)])?;
    let deed = Deed::of(Action::AuthorityRetired, "authority", id)
        .after(json!({ "subject": authority.subject, "certificates_cut_off": fingerprints.len() }));
    db.audit_append(deed.entry(actor, now))?;
    Ok(Ok((retirement, db.authority_list()?)))
}

fn event(at: Timestamp, kind: EventKind, detail: String) -> Event {
    Event {
        id: EventId::from_uuid(fresh::uuid(at)),
        at,
        kind,
        pump: None,
        detail,
    }
}
