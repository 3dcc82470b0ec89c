//! One enrolment: read the request, gather the evidence, decide, sign, and record what is still so.

use std::{net::IpAddr, sync::Arc};

use fleet::{
    Timestamp,
    audit::Action,
    certificate::{CertificateRecord, Fingerprint, RevocationReason},
    enrolment::{Applicant, Current, Enrolled, Evidence, Grant, KeyHolder, Refusal, authorise},
    event::{Event, EventKind},
    id::{AnchorId, EventId, ModelId, PumpId},
    inventory::ExpectedPump,
    pump::Pump,
    text::SerialNumber,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Db, StoreError};
use wire::message::OrderBody;

use super::{EnrolFailure, notices::Notices};
use crate::{
    app::App,
    deed::Deed,
    fresh,
    pki::{authorities::IssuedCertificate, csr, inspect, tls::Origin},
};

/// How many of a pump's latest orders are looked at for one to renew.
const ORDERS_LOOKED_AT: u32 = 50;

/// What a client shows.
#[derive(Debug)]
pub(super) enum Credentials {
    /// Nothing.
    None,
    /// HTTP Basic.
    Token {
        serial: Option<SerialNumber>,
        secret: SecretString,
    },
    /// A client certificate on a first enrolment, leaf first.
    Manufacturer { chain: Arc<[Vec<u8>]> },
    /// A client certificate on a renewal, leaf first.
    Current { chain: Arc<[Vec<u8>]> },
}

/// What the decision is made from.
struct Case {
    applicant: Applicant,
    evidence: Evidence,
    holder: Option<KeyHolder>,
}

impl Case {
    fn decide(&self, now: Timestamp) -> Result<Grant, Refusal> {
        authorise(&self.applicant, &self.evidence, self.holder.as_ref(), now)
    }
}

/// What a client shows, once what only the listener and the authorities know of it is settled.
enum Shown {
    Nothing,
    Token {
        serial: Option<SerialNumber>,
        hash: [u8; 32],
    },
    Factory {
        anchor: AnchorId,
        serial: SerialNumber,
    },
    Own {
        fingerprint: Fingerprint,
    },
}

/// Answers one request with the DER of a certificate.
///
/// # Errors
/// [`EnrolFailure`]; what people should know of it is on record as an event by then.
pub(super) fn enrol(
    app: &App,
    notices: &Notices,
    body: &[u8],
    credentials: &Credentials,
    address: IpAddr,
) -> Result<Vec<u8>, EnrolFailure> {
    let outcome = attempt(app, body, credentials);
    if let Err(failure) = &outcome {
        let now = app.now();
        let what = failure.brief();
        tracing::warn!(%address, failure = %what, "enrolment refused");
        let told = failure
            .event()
            .and_then(|kind| Some((kind, notices.tell(kind, address, now)?)));
        if let Some((kind, kept_back)) = told {
            let more = if kept_back == 0 {
                String::new()
            } else {
                format!("; {kept_back} more like it before")
            };
            let event = event(now, kind, None, format!("from {address}: {what}{more}"));
            if let Err(error) = app
                .store
                .write(|db| db.event_record(std::slice::from_ref(&event)))
            {
                tracing::error!(%error, "the refusal could not be put on record");
            }
        }
    }
    outcome
}

fn attempt(app: &App, body: &[u8], credentials: &Credentials) -> Result<Vec<u8>, EnrolFailure> {
    let request = csr::read_request(body)?;
    let shown = look(app, credentials)?;
    // A second look is needed when something changed between the decision and its record: another request with the
    // same token, a hold, a revocation. Then the decision is made again from what is on record now.
    for last_try in [false, true] {
        let now = app.now();
        let case = app.store.read(|db| gather(db, app, request.key, &shown))?;
        let case = case.ok_or(EnrolFailure::Forged)?;
        let outcome = match case.decide(now)? {
            Grant::Same(fingerprint) => {
                let found = app.store.read(|db| db.certificate_fetch(fingerprint))?;
                return Ok(found.map(|found| found.der).ok_or(StoreError::NotFound {
                    what: "certificate",
                    id: fingerprint.to_string(),
                })?);
            }
            grant @ (Grant::First { .. } | Grant::Renewal { .. }) => {
                issue(app, &request, &shown, &grant, now)
            }
        };
        match outcome {
            Err(EnrolFailure::Store(StoreError::Conflict { .. })) if !last_try => {}
            other => return other,
        }
    }
    Err(changed().into())
}

/// Settles what the listener and the authorities know: which anchor stands behind a factory certificate.
fn look(app: &App, credentials: &Credentials) -> Result<Shown, EnrolFailure> {
    let (leaf, chain, renews) = match credentials {
        Credentials::None => return Ok(Shown::Nothing),
        Credentials::Token { serial, secret } => {
            let hash = fresh::secret_hash(secret.expose_secret());
            return Ok(Shown::Token {
                serial: serial.clone(),
                hash,
            });
        }
        Credentials::Manufacturer { chain } => (chain.first(), chain, false),
        Credentials::Current { chain } => (chain.first(), chain, true),
    };
    let Some(leaf) = leaf else {
        return Ok(Shown::Nothing);
    };
    let fingerprint = inspect::fingerprint(leaf);
    if renews {
        return Ok(Shown::Own { fingerprint });
    }
    if app.store.read(|db| db.certificate_fetch(fingerprint))?.is_some() {
        // A pump's own certificate is for renewal; on a first enrolment it proves nothing new.
        return Ok(Shown::Nothing);
    }
    match app.authorities.origin(chain, app.now()) {
        Some(Origin::Manufacturer(anchor)) => {
            let serial = inspect::factory_serial(leaf).map_err(|_| EnrolFailure::NoFactorySerial)?;
            Ok(Shown::Factory { anchor, serial })
        }
        // Signed by our Device CA and not in the registry.
        Some(Origin::DeviceCa) => Err(EnrolFailure::Forged),
        // The anchor was removed while the connection was open.
        None => Ok(Shown::Nothing),
    }
}

/// Reads the evidence. Nothing where a certificate of our own authority is in no registry: a forgery.
fn gather(db: &mut Db<'_>, app: &App, key: Fingerprint, shown: &Shown) -> Result<Option<Case>, StoreError> {
    let (claimed_serial, evidence) = match shown {
        Shown::Nothing => (None, Evidence::None),
        Shown::Token { serial, hash } => (serial.clone(), by_token(db, hash)?),
        Shown::Factory { anchor, serial } => (Some(serial.clone()), by_factory(db, *anchor, serial)?),
        Shown::Own { fingerprint } => match by_own(db, app, *fingerprint)? {
            Some(evidence) => (None, evidence),
            None => return Ok(None),
        },
    };
    let holder = db
        .certificate_newest_for_key(key)?
        .map(|certificate| KeyHolder { certificate });
    Ok(Some(Case {
        applicant: Applicant { key, claimed_serial },
        evidence,
        holder,
    }))
}

fn by_token(db: &mut Db<'_>, hash: &[u8; 32]) -> Result<Evidence, StoreError> {
    let token = db.enrol_token_fetch_by_hash(hash)?;
    let enrolled = match &token {
        Some(token) => enrolled(db, token.model, &token.serial)?,
        None => None,
    };
    Ok(Evidence::Token { token, enrolled })
}

fn by_factory(db: &mut Db<'_>, anchor: AnchorId, serial: &SerialNumber) -> Result<Evidence, StoreError> {
    let Some(anchor) = db.anchor_list()?.into_iter().find(|known| known.id == anchor) else {
        return Ok(Evidence::None);
    };
    // Two models with one serial number: the certificate does not say which, so a person must (with a token).
    let expected_model = match db.expected_find(anchor.manufacturer, serial)?.as_slice() {
        [only] => Some(only.model),
        _ => None,
    };
    let enrolled = match expected_model {
        Some(model) => enrolled(db, model, serial)?,
        None => None,
    };
    Ok(Evidence::Manufacturer {
        anchor: anchor.id,
        expected_model,
        enrolled,
    })
}

fn by_own(db: &mut Db<'_>, app: &App, fingerprint: Fingerprint) -> Result<Option<Evidence>, StoreError> {
    let Some(found) = db.certificate_fetch(fingerprint)? else {
        return Ok(None);
    };
    let certificate = found.record;
    let pump = db.pump_fetch(certificate.pump)?;
    let ordered = db
        .order_list(pump.id, ORDERS_LOOKED_AT)?
        .into_iter()
        .any(|order| order.kind == OrderBody::RenewCertificate.kind() && order.outcome.is_none());
    Ok(Some(Evidence::Current(Current {
        asked_for: ordered || !app.authorities.is_issuing(certificate.authority),
        late_renewal_until: db.late_renewal_fetch(pump.id)?,
        hold: pump.hold.map(|hold| hold.kind),
        retired: pump.retired_at.is_some(),
        certificate,
    })))
}

fn enrolled(db: &mut Db<'_>, model: ModelId, serial: &SerialNumber) -> Result<Option<Enrolled>, StoreError> {
    let found = db.pump_by_serial(model, serial)?;
    Ok(found.map(|pump| Enrolled {
        pump: pump.id,
        hold: pump.hold.map(|hold| hold.kind),
        retired: pump.retired_at.is_some(),
    }))
}

/// Signs, and records: in the transaction that records, the decision is made once more and must be the same. So nothing that
/// happened meanwhile (a hold, a revocation, a second use) is ever overtaken by a certificate.
fn issue(
    app: &App,
    request: &csr::VerifiedRequest,
    shown: &Shown,
    grant: &Grant,
    now: Timestamp,
) -> Result<Vec<u8>, EnrolFailure> {
    let pump = match grant {
        Grant::Renewal { pump, .. } => *pump,
        Grant::First { serial, model } => {
            let known = app.store.read(|db| db.pump_by_serial(*model, serial))?;
            known.map_or_else(|| PumpId::from_uuid(fresh::uuid(now)), |known| known.id)
        }
        Grant::Same(_) => return Err(changed().into()),
    };
    let issued = app.authorities.issue_pump(pump, request, now)?;
    let superseded = app.store.write_durable(|db| {
        let still =
            gather(db, app, request.key, shown)?.and_then(|case| Some((case.decide(now).ok()?, case)));
        let Some((again, case)) = still else {
            return Err(changed());
        };
        if again != *grant {
            return Err(changed());
        }
        let superseded = record(db, &case, grant, &issued, now)?;
        db.certificate_insert(&issued.record, &issued.der)?;
        Ok(superseded)
    })?;
    let gone: Vec<_> = superseded
        .iter()
        .map(|certificate| certificate.fingerprint)
        .collect();
    app.gate.revoke(&gone, RevocationReason::Superseded, now);
    admit(app, pump, issued.record)?;
    Ok(issued.der)
}

/// Everything but the certificate itself. Returns what the new certificate makes superfluous.
fn record(
    db: &mut Db<'_>,
    case: &Case,
    grant: &Grant,
    issued: &IssuedCertificate,
    now: Timestamp,
) -> Result<Vec<CertificateRecord>, StoreError> {
    let (pump, key, serial_number) = (issued.record.pump, issued.record.key, &issued.record.serial);
    match (grant, &case.evidence) {
        (Grant::First { serial, model }, evidence) => {
            let expected = db.expected_by_serial(*model, serial)?;
            let was_expected = expected.is_some();
            let mut events = vec![event(
                now,
                EventKind::PumpEnrolled,
                Some(pump),
                format!("certificate {serial_number}"),
            )];
            if expected.is_none() {
                events.push(event(
                    now,
                    EventKind::UnknownPump,
                    Some(pump),
                    format!("serial number {serial}"),
                ));
            }
            match db.pump_by_serial(*model, serial)? {
                None => db.pump_create(&new_pump(pump, serial, *model, expected, now))?,
                Some(known) if known.id == pump => {}
                Some(_) => return Err(changed()),
            }
            if let Evidence::Token {
                token: Some(token), ..
            } = evidence
            {
                db.enrol_token_consume(token.id, key, now)?;
            }
            db.event_record(&events)?;
            let deed = Deed::of(Action::PumpEnrolled, "pump", pump).after(json!({
                "serial": serial,
                "model": model,
                "certificate": issued.record.fingerprint.to_string(),
                "expected": was_expected,
            }));
            db.audit_append(deed.by_pump(pump, now))?;
            Ok(Vec::new())
        }
        (Grant::Renewal { late, .. }, Evidence::Current(current)) => {
            if *late {
                db.late_renewal_consume(pump)?;
            }
            // At most two at one time: the one on the connection, and the new one. A copied certificate can not
            // gather others beside the pump's own.
            let others: Vec<_> = db
                .certificate_of_pump(pump)?
                .into_iter()
                .filter(|other| other.revoked.is_none() && other.not_after >= now)
                .filter(|other| other.fingerprint != current.certificate.fingerprint)
                .map(|other| other.fingerprint)
                .collect();
            let superseded = db.certificate_revoke(&others, RevocationReason::Superseded, now)?;
            let detail = format!("certificate {serial_number}");
            db.event_record(&[event(now, EventKind::CertificateRenewed, Some(pump), detail)])?;
            let deed = Deed::of(Action::CertificateRenewed, "pump", pump)
                .before(json!({ "certificate": current.certificate.fingerprint.to_string() }))
                .after(json!({ "certificate": issued.record.fingerprint.to_string(), "late": late }));
            db.audit_append(deed.by_pump(pump, now))?;
            Ok(superseded)
        }
        (Grant::Renewal { .. } | Grant::Same(_), _) => Err(changed()),
    }
}

/// The record is written: the gate may know. It learns what is on record at this moment, so that a revocation or a hold that
/// came between the record and here is not undone.
fn admit(app: &App, pump: PumpId, issued: CertificateRecord) -> Result<(), EnrolFailure> {
    let fingerprint = issued.fingerprint;
    app.gate.register(issued);
    let (certificate, pump) = app
        .store
        .read(|db| Ok((db.certificate_fetch(fingerprint)?, db.pump_fetch(pump)?)))?;
    app.gate.set_pump(
        pump.id,
        pump.hold.map(|hold| hold.kind),
        pump.retired_at.is_some(),
    );
    if let Some((at, reason)) = certificate.and_then(|found| found.record.revoked) {
        app.gate.revoke(&[fingerprint], reason, at);
    }
    Ok(())
}

fn changed() -> StoreError {
    StoreError::Conflict {
        what: "enrolment",
        detail: "what it was decided from has changed; ask again".to_owned(),
    }
}

/// A pump as the list of expected pumps describes it; unlisted pumps get what is certain and no more.
fn new_pump(
    id: PumpId,
    serial: &SerialNumber,
    model: ModelId,
    expected: Option<ExpectedPump>,
    now: Timestamp,
) -> Pump {
    let blank = Pump {
        id,
        row_version: 1,
        content_version: 1,
        serial: serial.clone(),
        model,
        asset_tag: None,
        udi: None,
        hardware_id: None,
        care_area: None,
        location: None,
        macs: Vec::new(),
        components: Vec::new(),
        hold: None,
        enrolled_at: now,
        retired_at: None,
    };
    match expected {
        None => blank,
        Some(expected) => Pump {
            asset_tag: expected.asset_tag,
            udi: expected.udi,
            hardware_id: expected.hardware_id,
            care_area: expected.care_area,
            location: expected.location,
            macs: expected.macs,
            ..blank
        },
    }
}

fn event(at: Timestamp, kind: EventKind, pump: Option<PumpId>, detail: String) -> Event {
    Event {
        id: EventId::from_uuid(fresh::uuid(at)),
        at,
        kind,
        pump,
        detail,
    }
}
