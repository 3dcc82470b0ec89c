//! The decision.

use thiserror::Error;

use super::{TokenRecord, TokenState, token_state};
use crate::{
    Timestamp,
    certificate::{CertificateRecord, Fingerprint, renewal_at, renewal_due},
    id::{AnchorId, ModelId, PumpId},
    pump::HoldKind,
    text::SerialNumber,
};

/// What asks for a certificate. The request's signature was verified: whoever asks has the private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// SHA-256 of the public key in the request.
    pub key: Fingerprint,
    /// The serial number it claims: the user name of HTTP Basic, or the serialNumber in its factory certificate.
    /// A renewal claims none, the current certificate says it all.
    pub claimed_serial: Option<SerialNumber>,
}

/// Who in the registry already has a certificate for the applicant's key: its newest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The newest certificate over that key.
    pub certificate: CertificateRecord,
}

/// The pump that already has an identity under the claimed serial number and model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolled {
    /// Which pump.
    pub pump: PumpId,
    /// What holds it.
    pub hold: Option<HoldKind>,
    /// Whether it was retired.
    pub retired: bool,
}

/// What the applicant shows for its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing: no credentials came with the request.
    None,
    /// A token.
    Token {
        /// The token whose secret matched; nothing when none did.
        token: Option<TokenRecord>,
        /// Who is enrolled under the token's serial number and model.
        enrolled: Option<Enrolled>,
    },
    /// A factory certificate that chains to an imported anchor.
    Manufacturer {
        /// Which anchor vouches.
        anchor: AnchorId,
        /// The expected pump with that serial number of that manufacturer; nothing when none is expected.
        expected_model: Option<ModelId>,
        /// Who is enrolled under that serial number and model.
        enrolled: Option<Enrolled>,
    },
    /// A certificate of ours, registered; checked here, not by the listener.
    Current(Current),
}

/// A certificate of ours on the connection, and what is known of its pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// The certificate.
    pub certificate: CertificateRecord,
    /// What holds the pump.
    pub hold: Option<HoldKind>,
    /// Whether the pump was retired.
    pub retired: bool,
    /// Until when a person armed a late renewal for this pump, if one did and it is not used up.
    pub late_renewal_until: Option<Timestamp>,
    /// Whether somebody asked the pump to renew (an open order), or its authority issues no longer.
    pub asked_for: bool,
}

/// What is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// A first certificate. The pump record is made, or found by serial number and model.
    First {
        /// The serial number the evidence is bound to.
        serial: SerialNumber,
        /// The model the evidence is bound to.
        model: ModelId,
    },
    /// A certificate for the same pump under a new key.
    Renewal {
        /// Whose.
        pump: PumpId,
        /// The certificate was expired, and the armed late renewal is used up by this.
        late: bool,
    },
    /// The certificate that the same request already got: the answer was lost on the way.
    Same(Fingerprint),
}

/// Why no certificate is issued. The applicant reads the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No credentials, or a wrong, used, expired or withdrawn token: one answer, so that nothing can be probed.
    #[error(
        "no valid enrolment token or manufacturer certificate came with the request; ask biomed for a new token"
    )]
    NotAuthorised(TokenProblem),
    /// The token belongs to another serial number.
    #[error("the enrolment token is for another serial number; ask biomed for a token for this pump")]
    OtherSerial,
    /// The token names another key.
    #[error("the enrolment token is bound to another key")]
    OtherKey,
    /// A manufacturer's certificate alone is not enough: the hospital must expect the pump.
    #[error("serial number {serial} is not on the hospital's list of expected pumps; biomed can add it")]
    NotExpected { serial: SerialNumber },
    /// A pump with this factory identity enrolled before; a factory certificate does not replace a lost one.
    #[error("this pump is already enrolled; renew with its certificate, or ask biomed for a token")]
    AlreadyEnrolled,
    /// The key belongs to another pump: a copied key. This raises an alarm.
    #[error("this key already belongs to another pump; make a new key on this pump")]
    KeyOfAnotherPump { holder: PumpId },
    /// The key had a certificate that was revoked: it stays burnt.
    #[error("this key was revoked; make a new key")]
    RevokedKey,
    /// The certificate on the connection was revoked.
    #[error("the certificate on this connection was revoked")]
    Revoked,
    /// Expired, and nobody armed a late renewal.
    #[error("the certificate on this connection has expired; ask biomed to arm a late renewal for this pump")]
    Expired,
    /// Isolated or sequestered.
    #[error("this pump is held; biomed must release it first")]
    Held,
    /// Retired.
    #[error("this pump was retired")]
    Retired,
    /// Nobody asked for it, and it is too early: a stolen certificate must not make others without end.
    #[error("a renewal is due from {from}; ask again then, or wait for an order to renew")]
    NotDue { from: Timestamp },
    /// The renewed key is the one that is going out of date.
    #[error("a renewal needs a new key; make one and ask again")]
    KeyNotRenewed,
}

/// What exactly was wrong with the token: for the log and the metrics, never for the applicant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenProblem {
    /// There was none.
    Missing,
    /// No such token.
    NoMatch,
    /// It was used, ran out, or was withdrawn.
    NotOpen(TokenState),
    /// The request did not say its serial number.
    NoSerial,
}

/// Decides whether, and for which pump, a certificate is issued.
///
/// # Errors
/// [`Refusal`], whose text is meant for the applicant.
pub fn authorise(
    applicant: &Applicant,
    evidence: &Evidence,
    holder: Option<&KeyHolder>,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    match evidence {
        Evidence::None => Err(Refusal::NotAuthorised(TokenProblem::Missing)),
        Evidence::Token { token: None, .. } => Err(Refusal::NotAuthorised(TokenProblem::NoMatch)),
        Evidence::Token {
            token: Some(token),
            enrolled,
        } => by_token(applicant, token, *enrolled, holder, now),
        Evidence::Manufacturer {
            expected_model,
            enrolled,
            ..
        } => by_manufacturer(applicant, *expected_model, *enrolled, holder, now),
        Evidence::Current(current) => by_current(current, holder, now),
    }
}

fn by_token(
    applicant: &Applicant,
    token: &TokenRecord,
    enrolled: Option<Enrolled>,
    holder: Option<&KeyHolder>,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let Some(claimed) = &applicant.claimed_serial else {
        return Err(Refusal::NotAuthorised(TokenProblem::NoSerial));
    };
    if *claimed != token.serial {
        return Err(Refusal::OtherSerial);
    }
    // The same key with the same token again: the first answer was lost on the way.
    if let (Some((_, paid_for)), Some(holder)) = (token.consumed, holder)
        && paid_for == applicant.key
        && holder.certificate.revoked.is_none()
    {
        if let Some(enrolled) = enrolled {
            may_have_one(enrolled.hold, enrolled.retired)?;
        }
        return Ok(Grant::Same(holder.certificate.fingerprint));
    }
    match token_state(token, now) {
        TokenState::Open => {}
        state @ (TokenState::Used | TokenState::Expired | TokenState::Withdrawn) => {
            return Err(Refusal::NotAuthorised(TokenProblem::NotOpen(state)));
        }
    }
    if token.bound_key.is_some_and(|bound| bound != applicant.key) {
        return Err(Refusal::OtherKey);
    }
    if let Some(enrolled) = enrolled {
        may_have_one(enrolled.hold, enrolled.retired)?;
    }
    free_key(holder, enrolled.map(|enrolled| enrolled.pump))?;
    Ok(Grant::First {
        serial: token.serial.clone(),
        model: token.model,
    })
}

fn by_manufacturer(
    applicant: &Applicant,
    expected_model: Option<ModelId>,
    enrolled: Option<Enrolled>,
    holder: Option<&KeyHolder>,
    now: Timestamp,
) -> Result<Grant, Refusal> {
    let Some(serial) = &applicant.claimed_serial else {
        return Err(Refusal::NotAuthorised(TokenProblem::NoSerial));
    };
    if let Some(Enrolled { pump, hold, retired }) = enrolled {
        may_have_one(hold, retired)?;
        let same = holder.filter(|holder| {
            holder.certificate.pump == pump
                && holder.certificate.revoked.is_none()
                && now <= holder.certificate.not_after
        });
        return match same {
            Some(holder) => Ok(Grant::Same(holder.certificate.fingerprint)),
            None => Err(Refusal::AlreadyEnrolled),
        };
    }
    let Some(model) = expected_model else {
        return Err(Refusal::NotExpected {
            serial: serial.clone(),
        });
    };
    free_key(holder, None)?;
    Ok(Grant::First {
        serial: serial.clone(),
        model,
    })
}

fn by_current(current: &Current, holder: Option<&KeyHolder>, now: Timestamp) -> Result<Grant, Refusal> {
    let certificate = &current.certificate;
    if certificate.revoked.is_some() {
        return Err(Refusal::Revoked);
    }
    may_have_one(current.hold, current.retired)?;
    let late = now > certificate.not_after;
    if late && current.late_renewal_until.is_none_or(|until| now > until) {
        return Err(Refusal::Expired);
    }
    if let Some(holder) = holder {
        free_key(Some(holder), Some(certificate.pump))?;
        let newest = &holder.certificate;
        if !renewal_due(newest.not_before, newest.not_after, now) {
            return Ok(Grant::Same(newest.fingerprint));
        }
        return Err(Refusal::KeyNotRenewed);
    }
    if !current.asked_for && !renewal_due(certificate.not_before, certificate.not_after, now) {
        return Err(Refusal::NotDue {
            from: renewal_at(certificate.not_before, certificate.not_after, 0.0),
        });
    }
    Ok(Grant::Renewal {
        pump: certificate.pump,
        late,
    })
}

/// A pump that is isolated, is evidence, or has left gets no certificate in any way.
const fn may_have_one(hold: Option<HoldKind>, retired: bool) -> Result<(), Refusal> {
    match (retired, hold) {
        (true, _) => Err(Refusal::Retired),
        (false, Some(HoldKind::SecurityIsolation | HoldKind::Sequestered)) => Err(Refusal::Held),
        (false, Some(HoldKind::Clinical) | None) => Ok(()),
    }
}

/// A key belongs to one pump for ever, and a revoked key to none.
fn free_key(holder: Option<&KeyHolder>, applicant_is: Option<PumpId>) -> Result<(), Refusal> {
    match holder {
        None => Ok(()),
        Some(KeyHolder { certificate }) if certificate.revoked.is_some() => Err(Refusal::RevokedKey),
        Some(KeyHolder { certificate }) if Some(certificate.pump) == applicant_is => Ok(()),
        Some(KeyHolder { certificate }) => Err(Refusal::KeyOfAnotherPump {
            holder: certificate.pump,
        }),
    }
}

#[cfg(test)]
mod tests;
