//! One enrolment: read the request, gather the evidence, decide, issue, record.

use std::{net::IpAddr, sync::Arc};

use fleet::{
    Timestamp,
    certificate::{CertificateRecord, Fingerprint},
    enrolment::{Applicant, Enrolled, Evidence, Grant, KeyHolder, authorise},
    event::{Event, EventKind},
    id::{EnrolTokenId, EventId, ModelId, PumpId},
    inventory::ExpectedPump,
    pump::Pump,
    text::SerialNumber,
};
use secrecy::{ExposeSecret, SecretString};
use store::{Db, StoreError};

use super::EnrolFailure;
use crate::{
    app::App,
    fresh,
    pki::{csr, inspect, tls::Origin},
};

/// What a client shows.
#[derive(Debug)]
pub enum Credentials {
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

/// What the decision is made from, and what is needed to carry it out.
struct Case {
    applicant: Applicant,
    evidence: Evidence,
    holder: Option<KeyHolder>,
}

/// Answers one request with the DER of a certificate.
///
/// # Errors
/// [`EnrolFailure`]; what people should know of it is on record as an event by then.
pub fn enrol(
    app: &App,
    body: &[u8],
    credentials: &Credentials,
    address: IpAddr,
) -> Result<Vec<u8>, EnrolFailure> {
    let outcome = attempt(app, body, credentials);
    if let Err(failure) = &outcome {
        tracing::warn!(%address, %failure, "enrolment refused");
        if let Some(kind) = failure.event() {
            let event = event(app.now(), kind, None, format!("from {address}: {failure}"));
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
    // A second look is needed when another request with the same token or serial number was faster: then the
    // decision is made again from what is on record now.
    for last_try in [false, true] {
        let case = gather(app, request.key, credentials)?;
        let now = app.now();
        let grant = authorise(&case.applicant, &case.evidence, case.holder.as_ref(), now)?;
        let outcome = match grant {
            Grant::Same(fingerprint) => {
                return Ok(app
                    .store
                    .read(|db| db.certificate_fetch(fingerprint))?
                    .map(|found| found.der)
                    .ok_or(StoreError::NotFound {
                        what: "certificate",
                        id: fingerprint.to_string(),
                    })?);
            }
            Grant::First { serial, model } => first(app, &request, &case.evidence, &serial, model, now),
            Grant::Renewal { pump, late } => renewal(app, &request, pump, late, now),
        };
        match outcome {
            Err(EnrolFailure::Store(StoreError::Conflict { .. })) if !last_try => {}
            other => return other,
        }
    }
    Err(StoreError::Conflict {
        what: "enrolment",
        detail: "two requests at one time".to_owned(),
    }
    .into())
}

fn gather(app: &App, key: Fingerprint, credentials: &Credentials) -> Result<Case, EnrolFailure> {
    let (claimed_serial, evidence) = match credentials {
        Credentials::None => (None, Evidence::None),
        Credentials::Token { serial, secret } => (serial.clone(), by_token(app, secret)?),
        Credentials::Manufacturer { chain } => by_factory_certificate(app, chain)?,
        Credentials::Current { chain } => (None, by_current_certificate(app, chain)?),
    };
    let holder = app
        .store
        .read(|db| db.certificate_newest_for_key(key))?
        .map(|certificate| KeyHolder { certificate });
    Ok(Case {
        applicant: Applicant { key, claimed_serial },
        evidence,
        holder,
    })
}

fn by_token(app: &App, secret: &SecretString) -> Result<Evidence, StoreError> {
    let hash = fresh::secret_hash(secret.expose_secret());
    app.store.read(|db| {
        let token = db.enrol_token_fetch_by_hash(&hash)?;
        let enrolled = match &token {
            Some(token) => enrolled(db, token.model, &token.serial)?,
            None => None,
        };
        Ok(Evidence::Token { token, enrolled })
    })
}

fn by_factory_certificate(
    app: &App,
    chain: &[Vec<u8>],
) -> Result<(Option<SerialNumber>, Evidence), EnrolFailure> {
    let Some((leaf, _)) = chain.split_first() else {
        return Ok((None, Evidence::None));
    };
    if app.gate.certificate(&inspect::fingerprint(leaf)).is_some() {
        // A pump's own certificate is for renewal; on a first enrolment it proves nothing new.
        return Ok((None, Evidence::None));
    }
    let anchor = match app.authorities.origin(chain, app.now()) {
        Some(Origin::Manufacturer(anchor)) => anchor,
        // Signed by our Device CA and not in the registry.
        Some(Origin::DeviceCa) => return Err(EnrolFailure::Forged),
        // The anchor was removed while the connection was open.
        None => return Ok((None, Evidence::None)),
    };
    let serial = inspect::factory_serial(leaf).map_err(|_| EnrolFailure::NoFactorySerial)?;
    let evidence = app.store.read(|db| {
        let Some(anchor) = db.anchor_list()?.into_iter().find(|known| known.id == anchor) else {
            return Ok(Evidence::None);
        };
        let expected = db.expected_find(anchor.manufacturer, &serial)?;
        // Two models with one serial number: the certificate does not say which, so a person must (with a token).
        let expected_model = match expected.as_slice() {
            [only] => Some(only.model),
            _ => None,
        };
        let enrolled = match expected_model {
            Some(model) => enrolled(db, model, &serial)?,
            None => None,
        };
        Ok(Evidence::Manufacturer {
            anchor: anchor.id,
            expected_model,
            enrolled,
        })
    })?;
    Ok((Some(serial), evidence))
}

fn by_current_certificate(app: &App, chain: &[Vec<u8>]) -> Result<Evidence, EnrolFailure> {
    let Some((leaf, _)) = chain.split_first() else {
        return Ok(Evidence::None);
    };
    let fingerprint = inspect::fingerprint(leaf);
    let Some(found) = app.store.read(|db| db.certificate_fetch(fingerprint))? else {
        return Err(EnrolFailure::Forged);
    };
    let certificate = found.record;
    let (pump, late_renewal_until) = app.store.read(|db| {
        Ok((
            db.pump_fetch(certificate.pump)?,
            db.late_renewal_fetch(certificate.pump)?,
        ))
    })?;
    Ok(Evidence::Current {
        certificate,
        hold: pump.hold.map(|hold| hold.kind),
        retired: pump.retired_at.is_some(),
        late_renewal_until,
    })
}

fn enrolled(db: &mut Db<'_>, model: ModelId, serial: &SerialNumber) -> Result<Option<Enrolled>, StoreError> {
    let found = db.pump_by_serial(model, serial)?;
    Ok(found.map(|pump| Enrolled {
        pump: pump.id,
        retired: pump.retired_at.is_some(),
    }))
}

fn first(
    app: &App,
    request: &csr::VerifiedRequest,
    evidence: &Evidence,
    serial: &SerialNumber,
    model: ModelId,
    now: Timestamp,
) -> Result<Vec<u8>, EnrolFailure> {
    let (known, expected) = app.store.read(|db| {
        let known = db.pump_by_serial(model, serial)?;
        let expected = db.expected_by_serial(model, serial)?;
        Ok((known, expected))
    })?;
    let pump = known
        .as_ref()
        .map_or_else(|| PumpId::from_uuid(fresh::uuid(now)), |pump| pump.id);
    let issued = app.authorities.issue_pump(pump, request, now)?;
    let token = match evidence {
        Evidence::Token { token, .. } => token.as_ref().map(|token| token.id),
        Evidence::None | Evidence::Manufacturer { .. } | Evidence::Current { .. } => None,
    };
    let mut events = vec![event(
        now,
        EventKind::PumpEnrolled,
        Some(pump),
        format!("certificate {}", issued.record.serial),
    )];
    if expected.is_none() {
        events.push(event(
            now,
            EventKind::UnknownPump,
            Some(pump),
            format!("serial number {serial}"),
        ));
    }
    let new_pump = known
        .is_none()
        .then(|| new_pump(pump, serial, model, expected, now));
    app.store.write_durable(|db| {
        if let Some(new_pump) = &new_pump {
            db.pump_create(new_pump)?;
        }
        consume(db, token, request.key, now)?;
        db.certificate_insert(&issued.record, &issued.der)?;
        db.event_record(&events)
    })?;
    Ok(admit(app, issued.record, issued.der))
}

fn renewal(
    app: &App,
    request: &csr::VerifiedRequest,
    pump: PumpId,
    late: bool,
    now: Timestamp,
) -> Result<Vec<u8>, EnrolFailure> {
    let issued = app.authorities.issue_pump(pump, request, now)?;
    let events = [event(
        now,
        EventKind::CertificateRenewed,
        Some(pump),
        format!("certificate {}", issued.record.serial),
    )];
    app.store.write_durable(|db| {
        if late {
            db.late_renewal_consume(pump)?;
        }
        db.certificate_insert(&issued.record, &issued.der)?;
        db.event_record(&events)
    })?;
    Ok(admit(app, issued.record, issued.der))
}

fn consume(
    db: &mut Db<'_>,
    token: Option<EnrolTokenId>,
    key: Fingerprint,
    now: Timestamp,
) -> Result<(), StoreError> {
    token.map_or(Ok(()), |token| db.enrol_token_consume(token, key, now))
}

/// The record is written: the gate may know.
fn admit(app: &App, record: CertificateRecord, der: Vec<u8>) -> Vec<u8> {
    app.gate.register(record);
    der
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
