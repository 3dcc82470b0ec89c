//! How long a person stays signed in, and what ends it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Timestamp;

/// Where nobody set another: so long without a sign of life ends a session.
pub const IDLE_DEFAULT: TimeDelta = TimeDelta::minutes(15);
/// The shortest and the longest idle time that can be set.
pub const IDLE_BOUNDS: (TimeDelta, TimeDelta) = (TimeDelta::minutes(1), TimeDelta::hours(12));
/// Whatever happens in it, a session ends after this: a long shift.
pub const SESSION_MAX: TimeDelta = TimeDelta::hours(12);

/// Why a session is over. The words may be shown to the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SignedOut {
    /// The person said so, in it or in another one.
    #[error("you signed out; sign in again")]
    ByPerson,
    /// No sign of life for too long.
    #[error("you were signed out because nothing was done for a while; sign in again")]
    Idle,
    /// Long enough for any shift.
    #[error("you were signed out because the session reached its longest time; sign in again")]
    TooLong,
    /// Somebody who administers people said so.
    #[error("an administrator ended your session; sign in again, and ask why")]
    ByAdministrator,
    /// The password changed; whoever signed in with the old one is out.
    #[error("your password was changed elsewhere; sign in again with the new one")]
    PasswordChanged,
    /// The roles changed; what was shown under the old ones is not shown on.
    #[error("your roles were changed; sign in again")]
    RolesChanged,
    /// The account is closed.
    #[error("your account was disabled; ask an administrator")]
    AccountDisabled,
    /// The device is registered no longer.
    #[error("this device is registered no longer; sign in again, and tell an administrator")]
    DeviceRemoved,
}

impl SignedOut {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::ByPerson,
        Self::Idle,
        Self::TooLong,
        Self::ByAdministrator,
        Self::PasswordChanged,
        Self::RolesChanged,
        Self::AccountDisabled,
        Self::DeviceRemoved,
    ];

    /// The word in the API and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByPerson => "by_person",
            Self::Idle => "idle",
            Self::TooLong => "too_long",
            Self::ByAdministrator => "by_administrator",
            Self::PasswordChanged => "password_changed",
            Self::RolesChanged => "roles_changed",
            Self::AccountDisabled => "account_disabled",
            Self::DeviceRemoved => "device_removed",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// The times of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// The last sign of life that was kept.
    pub last_seen_at: Timestamp,
    /// So long without one ends it.
    pub idle: TimeDelta,
    /// It ends then, whatever happens.
    pub expires_at: Timestamp,
    /// It was ended, and why.
    pub ended: Option<SignedOut>,
}

impl SessionTimes {
    /// Whether somebody is signed in at an instant.
    ///
    /// # Errors
    /// [`SignedOut`] says why not.
    pub fn standing(&self, now: Timestamp) -> Result<(), SignedOut> {
        if let Some(reason) = self.ended {
            Err(reason)
        } else if now >= self.expires_at {
            Err(SignedOut::TooLong)
        } else if now.signed_duration_since(self.last_seen_at) >= self.idle {
            Err(SignedOut::Idle)
        } else {
            Ok(())
        }
    }

    /// Whether a sign of life is worth keeping. Not each one is: a tenth of the idle time is near enough, and the error is on
    /// the side of signing out early.
    #[must_use]
    pub fn is_worth_keeping(&self, now: Timestamp) -> bool {
        now.signed_duration_since(self.last_seen_at) >= self.idle / 10
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn a_session_ends_by_itself_and_by_others() {
        let check = |quiet: TimeDelta, left: TimeDelta, ended, expected| {
            let times = SessionTimes {
                last_seen_at: NOW - quiet,
                idle: IDLE_DEFAULT,
                expires_at: NOW + left,
                ended,
            };
            assert_eq!(times.standing(NOW), expected);
        };
        let (minute, second) = (TimeDelta::minutes(1), TimeDelta::seconds(1));
        check(minute, minute, None, Ok(()));
        check(IDLE_DEFAULT - second, minute, None, Ok(()));
        check(IDLE_DEFAULT, minute, None, Err(SignedOut::Idle));
        check(minute, TimeDelta::zero(), None, Err(SignedOut::TooLong));
        check(-minute, minute, None, Ok(()));
        for reason in SignedOut::ALL {
            check(minute, minute, Some(reason), Err(reason));
            assert_eq!(SignedOut::from_word(reason.as_str()), Some(reason));
        }
    }

    #[test]
    fn a_sign_of_life_is_kept_once_in_a_while() {
        let times = SessionTimes {
            last_seen_at: NOW,
            idle: TimeDelta::minutes(10),
            expires_at: NOW + SESSION_MAX,
            ended: None,
        };
        assert!(!times.is_worth_keeping(NOW + TimeDelta::seconds(59)));
        assert!(times.is_worth_keeping(NOW + TimeDelta::minutes(1)));
    }
}
