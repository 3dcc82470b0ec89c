//! The ceremony: what a person proves, at the moment of signing, beyond having a session.
//!
//! 21 CFR 11.200(a)(1): the first signature of a continuous period takes every component, a later one at least the component
//! that only the person has. A badge that lies on the desk, or a session that was left open, signs nothing.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;

/// No period is continuous for longer: the length of a long shift.
pub const CONTINUOUS_FOR: TimeDelta = TimeDelta::hours(12);

/// What a person can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Factor {
    /// The account's password: known.
    Password,
    /// A short number for signing: known.
    Pin,
    /// A code from an authenticator: held. The phone that shows it can lie around.
    Totp,
    /// A passkey that verified its person by finger, face or number: held and personal.
    Passkey,
    /// A badge: held, and passed from hand to hand. It names a person and proves nothing.
    Badge,
}

impl Factor {
    /// Every factor.
    pub const ALL: [Self; 5] = [Self::Password, Self::Pin, Self::Totp, Self::Passkey, Self::Badge];

    /// The word in the API and in the audit trail.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Pin => "pin",
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::Badge => "badge",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Pin => "PIN",
            Self::Totp => "code of the authenticator",
            Self::Passkey => "passkey",
            Self::Badge => "badge",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.as_str() == word)
    }

    /// Whether only the person can show it, and not whoever holds their things.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        match self {
            Self::Password | Self::Pin | Self::Passkey => true,
            Self::Totp | Self::Badge => false,
        }
    }

    /// Whether it completes a password.
    #[must_use]
    pub const fn is_second(self) -> bool {
        match self {
            Self::Pin | Self::Totp | Self::Passkey => true,
            Self::Password | Self::Badge => false,
        }
    }
}

/// What is known of the session in which somebody wants to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionFacts {
    /// When the person came in.
    pub authenticated_at: Timestamp,
    /// Whether a signature with every component was given in it.
    pub first_signature_done: bool,
    /// Whether the person has been there since: no idle logoff, no lock, no other device, no change of privilege.
    pub continuous: bool,
}

/// What must be shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RequiredFactors {
    /// The password and one more: a PIN, a code, a passkey.
    PasswordAndSecond,
    /// At least what only the person has: password, PIN or passkey.
    PersonalComponent,
}

/// What a signature takes in this session at this instant. Whatever is odd, a clock that went back included, takes everything.
#[must_use]
pub fn required_factors(session: &SessionFacts, now: Timestamp) -> RequiredFactors {
    let age = now.signed_duration_since(session.authenticated_at);
    let is_fresh = age >= TimeDelta::zero() && age < CONTINUOUS_FOR;
    if session.first_signature_done && session.continuous && is_fresh {
        RequiredFactors::PersonalComponent
    } else {
        RequiredFactors::PasswordAndSecond
    }
}

/// What was shown is not enough. Said only of what is lacking: whether a shown factor was right is decided before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CeremonyRefusal {
    /// The first signature of a session.
    #[error("the first signature of a session needs the password and one more: a code, a PIN or a passkey")]
    PasswordAndSecondNeeded,
    /// A later one.
    #[error(
        "a signature needs the password, the PIN or a passkey; a badge, a code or being signed in does not sign"
    )]
    PersonalComponentNeeded,
}

/// Whether the factors that were shown just now, each found right, are enough.
///
/// # Errors
/// [`CeremonyRefusal`] says what is lacking.
pub fn check_factors(required: RequiredFactors, shown: &BTreeSet<Factor>) -> Result<(), CeremonyRefusal> {
    match required {
        RequiredFactors::PasswordAndSecond => {
            if shown.contains(&Factor::Password) && shown.iter().any(|factor| factor.is_second()) {
                Ok(())
            } else {
                Err(CeremonyRefusal::PasswordAndSecondNeeded)
            }
        }
        RequiredFactors::PersonalComponent => {
            if shown.iter().any(|factor| factor.is_personal()) {
                Ok(())
            } else {
                Err(CeremonyRefusal::PersonalComponentNeeded)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn only_a_later_signature_of_a_continuous_session_takes_less() {
        let check = |age: TimeDelta, first_signature_done, continuous, expected| {
            let session = SessionFacts {
                authenticated_at: NOW - age,
                first_signature_done,
                continuous,
            };
            assert_eq!(required_factors(&session, NOW), expected);
        };
        let (all, personal) = (
            RequiredFactors::PasswordAndSecond,
            RequiredFactors::PersonalComponent,
        );
        let hour = TimeDelta::hours(1);
        check(hour, true, true, personal);
        check(TimeDelta::zero(), true, true, personal);
        check(hour, false, true, all);
        check(hour, true, false, all);
        check(hour, false, false, all);
        check(CONTINUOUS_FOR - TimeDelta::seconds(1), true, true, personal);
        check(CONTINUOUS_FOR, true, true, all);
        check(-TimeDelta::seconds(1), true, true, all);
    }

    #[test]
    fn a_badge_or_a_session_alone_never_signs() {
        use Factor::{Badge, Passkey, Password, Pin, Totp};
        let check = |shown: &[Factor], first: bool, later: bool| {
            let shown = shown.iter().copied().collect();
            let enough = |required| check_factors(required, &shown).is_ok();
            assert_eq!(enough(RequiredFactors::PasswordAndSecond), first, "{shown:?}");
            assert_eq!(enough(RequiredFactors::PersonalComponent), later, "{shown:?}");
        };
        check(&[], false, false);
        check(&[Badge], false, false);
        check(&[Totp], false, false);
        check(&[Badge, Totp], false, false);
        check(&[Pin], false, true);
        check(&[Password], false, true);
        check(&[Passkey], false, true);
        check(&[Badge, Pin], false, true);
        check(&[Pin, Totp], false, true);
        check(&[Password, Badge], false, true);
        check(&[Password, Totp], true, true);
        check(&[Password, Pin], true, true);
        check(&[Password, Passkey], true, true);
    }

    #[test]
    fn every_factor_reads_back() {
        for factor in Factor::ALL {
            assert_eq!(Factor::from_word(factor.as_str()), Some(factor));
        }
    }
}
