//! Free or busy: the question every safety rule asks first (S1, S3).

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What a pump says it is doing. Words follow IEC 60601-2-24 (KVO: keep vein open).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Activity {
    /// Switched on, nothing programmed.
    Ready,
    /// Programmed or parked, not delivering.
    Standby,
    /// Delivering at the programmed rate.
    Infusing,
    /// Delivering at the keep-vein-open rate. Fluid still reaches the patient.
    Kvo,
    /// Stopped for a moment by a person.
    Paused,
    /// Between two of the others.
    Transitioning,
    /// The pump can not tell, or said a word that we do not know.
    #[serde(other)]
    Unknown,
}

impl Activity {
    /// Every activity, for tables, pages and tests.
    pub const ALL: [Self; 7] = [
        Self::Ready,
        Self::Standby,
        Self::Infusing,
        Self::Kvo,
        Self::Paused,
        Self::Transitioning,
        Self::Unknown,
    ];

    /// The word on the wire and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Standby => "standby",
            Self::Infusing => "infusing",
            Self::Kvo => "kvo",
            Self::Paused => "paused",
            Self::Transitioning => "transitioning",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a word back; anything we do not know is [`Activity::Unknown`], which is busy.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|activity| activity.as_str() == word)
            .unwrap_or(Self::Unknown)
    }
}

/// How old a report may be before nothing may be concluded from it.
pub const STALE_AFTER: TimeDelta = TimeDelta::seconds(120);

/// Whether a pump may be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Availability {
    /// Ready or standby, no patient attached, and said so just now.
    Free,
    /// Everything else.
    Busy,
}

/// A pump is free only when it says so itself, freshly, and without a patient. All doubt is busy.
///
/// A report from the future (our clock was set back, or a row was tampered with) is as doubtful as an old one.
#[must_use]
pub fn availability(
    activity: Activity,
    patient_attached: bool,
    received_at: Timestamp,
    now: Timestamp,
) -> Availability {
    let age = now.signed_duration_since(received_at);
    let fresh = age >= TimeDelta::zero() && age <= STALE_AFTER;
    match activity {
        Activity::Ready | Activity::Standby if fresh && !patient_attached => Availability::Free,
        Activity::Ready
        | Activity::Standby
        | Activity::Infusing
        | Activity::Kvo
        | Activity::Paused
        | Activity::Transitioning
        | Activity::Unknown => Availability::Busy,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = DateTime::from_timestamp(1_800_000_000, 0).unwrap();

    #[test]
    fn only_a_fresh_idle_pump_without_a_patient_is_free() {
        for activity in Activity::ALL {
            let idle = matches!(activity, Activity::Ready | Activity::Standby);
            for (patient, age, expected_free) in [
                (false, 0, idle),
                (false, 120, idle),
                (false, 121, false),
                (false, -1, false),
                (true, 0, false),
            ] {
                let got = availability(activity, patient, NOW - TimeDelta::seconds(age), NOW);
                assert_eq!(
                    got == Availability::Free,
                    expected_free,
                    "{activity:?}, patient {patient}, {age} s old"
                );
            }
        }
    }

    #[test]
    fn an_unknown_word_is_unknown_and_so_busy() {
        assert_eq!(
            serde_json::from_str::<Activity>("\"boluses\"").unwrap(),
            Activity::Unknown
        );
        assert_eq!(Activity::from_word("READY"), Activity::Unknown);
    }

    proptest! {
        /// S3: whatever a pump says, a patient or a stale report makes it busy.
        #[test]
        fn s3_doubt_is_busy(which in 0..Activity::ALL.len(), patient: bool, age in -1_000_000_i64..1_000_000) {
            let got = availability(Activity::ALL[which], patient, NOW - TimeDelta::seconds(age), NOW);
            if patient || !(0..=120).contains(&age) {
                prop_assert_eq!(got, Availability::Busy);
            }
        }

        #[test]
        fn words_read_back(which in 0..Activity::ALL.len()) {
            let activity = Activity::ALL[which];
            prop_assert_eq!(Activity::from_word(activity.as_str()), activity);
            prop_assert_eq!(serde_json::to_string(&activity).unwrap(), format!("\"{}\"", activity.as_str()));
        }
    }
}
