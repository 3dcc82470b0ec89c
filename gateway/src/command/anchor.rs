//! Manufacturers' certificate authorities that may vouch for a pump's first enrolment (IEEE 802.1AR).

use fleet::{
    Timestamp,
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{AnchorId, ManufacturerId},
    text::Name,
};
use serde_json::json;
use store::AnchorRecord;
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    deed::Deed,
    pki::inspect,
};

/// Why a certificate can not vouch for pumps.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnchorProblem {
    /// Not PEM, or not one certificate in it.
    #[error(
        "the text holds {count} certificates in PEM; give exactly one, from BEGIN CERTIFICATE to END CERTIFICATE"
    )]
    NotOne { count: usize },
    /// Not X.509.
    #[error("the certificate can not be read; give an X.509 certificate in PEM")]
    Unreadable,
    /// It may not sign certificates.
    #[error(
        "the certificate is not an authority's (CA:TRUE is missing); give the one that signs the pumps' factory certificates"
    )]
    NotAnAuthority,
    /// Not valid now.
    #[error("the certificate is valid from {from} to {to}, which is not now")]
    NotValidNow { from: String, to: String },
    /// A key that can be broken, or that nobody here can use.
    #[error(
        "the certificate's key is weak or of an unknown kind; RSA of 2048 bits and EC of 256 bits are the least"
    )]
    WeakKey,
    /// Our own authority: every certificate we issued would pass for a factory certificate.
    #[error("the certificate is one of this gateway's own authorities; give the manufacturer's")]
    Ours,
}

/// Trusts a manufacturer's authority for first enrolments.
///
/// # Errors
/// [`CommandError::Anchor`], or [`store::StoreError::Conflict`] when it is trusted already.
pub fn import(
    app: &App,
    actor: &Actor,
    manufacturer: &Name,
    pem: &str,
) -> Result<AnchorRecord, CommandError> {
    let change = Change::by(actor, app, Permission::AnchorEdit);
    let (der, subject) = read(pem, change.now)?;
    let record = change.commit(|db| {
        if db
            .authority_list()?
            .iter()
            .any(|ours| ours.certificate_der == der)
        {
            return Err(AnchorProblem::Ours.into());
        }
        let record = AnchorRecord {
            id: change.id(AnchorId::from_uuid),
            manufacturer: db.manufacturer_ensure(manufacturer, change.id(ManufacturerId::from_uuid))?,
            subject,
            fingerprint: inspect::fingerprint(&der),
            certificate_der: der,
            imported_at: change.now,
            removed_at: None,
        };
        db.anchor_create(&record)?;
        let deed = Deed::of(Action::AnchorImported, "anchor", record.id).after(json!({
            "manufacturer": manufacturer,
            "subject": record.subject,
            "fingerprint": record.fingerprint.to_string(),
        }));
        change.record(db, deed)?;
        let what = format_args!("anchor of {manufacturer} imported: {}", record.subject);
        change.tell(db, EventKind::AnchorImported, None, what)?;
        Ok(record)
    })?;
    app.authorities.reload_anchors()?;
    Ok(record)
}

/// Trusts an anchor no longer. Pumps that enrolled by it stay.
///
/// # Errors
/// [`store::StoreError::NotFound`].
pub fn remove(app: &App, actor: &Actor, id: AnchorId) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::AnchorEdit);
    change.commit(|db| {
        db.anchor_remove(id, change.now)?;
        change.record(db, Deed::of(Action::AnchorRemoved, "anchor", id))?;
        change.tell(
            db,
            EventKind::AnchorRemoved,
            None,
            format_args!("anchor {id} removed"),
        )
    })?;
    Ok(app.authorities.reload_anchors()?)
}

/// The DER and the subject of a certificate that can be an anchor.
fn read(text: &str, now: Timestamp) -> Result<(Vec<u8>, String), AnchorProblem> {
    let blocks = pem::parse_many(text).map_err(|_| AnchorProblem::NotOne { count: 0 })?;
    let mut certificates: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .collect();
    let count = certificates.len();
    let (Some(block), 1) = (certificates.pop(), count) else {
        return Err(AnchorProblem::NotOne { count });
    };
    let der = block.into_contents();
    let (rest, certificate) = X509Certificate::from_der(&der).map_err(|_| AnchorProblem::Unreadable)?;
    if !rest.is_empty() {
        return Err(AnchorProblem::Unreadable);
    }
    if !may_sign_certificates(&certificate)? {
        return Err(AnchorProblem::NotAnAuthority);
    }
    let validity = certificate.validity();
    if !(validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now.timestamp()) {
        return Err(AnchorProblem::NotValidNow {
            from: validity.not_before.to_string(),
            to: validity.not_after.to_string(),
        });
    }
    let is_strong = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => key.key_size() >= 2048,
        Ok(PublicKey::EC(point)) => point.key_size() >= 256,
        _ => false,
    };
    if !is_strong {
        return Err(AnchorProblem::WeakKey);
    }
    let subject = certificate.subject().to_string().chars().take(240).collect();
    Ok((der, subject))
}

fn may_sign_certificates(certificate: &X509Certificate<'_>) -> Result<bool, AnchorProblem> {
    let constraints = certificate
        .basic_constraints()
        .map_err(|_| AnchorProblem::Unreadable)?;
    let usage = certificate.key_usage().map_err(|_| AnchorProblem::Unreadable)?;
    Ok(constraints.is_some_and(|constraints| constraints.value.ca)
        && usage.is_none_or(|usage| usage.value.key_cert_sign()))
}
