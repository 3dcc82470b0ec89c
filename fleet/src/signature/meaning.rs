//! What a signature means. The words are part of what is signed.

use serde::{Deserialize, Serialize};

use super::SubjectKind;
use crate::{access::Permission, text::Reason};

macro_rules! meanings {
    ($($(#[$meta:meta])* $name:ident = $word:tt, $subject:ident, $permission:ident, $label:literal;)+) => {
        /// What a person says by signing (21 CFR 11.50(a)(3)).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum Meaning {
            $($(#[$meta])* #[serde(rename = $word)] $name,)+
        }

        impl Meaning {
            /// Every meaning.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in the API, in the database and in the signed bytes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The words beside the name, on screen and in print.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)+ }
            }

            /// The kind of thing it can be said of.
            #[must_use]
            pub const fn subject(self) -> SubjectKind {
                match self { $(Self::$name => SubjectKind::$subject,)+ }
            }

            /// What the person must be allowed to.
            #[must_use]
            pub const fn permission(self) -> Permission {
                match self { $(Self::$name => Permission::$permission,)+ }
            }
        }
    };
}

meanings! {
    /// A nurse: this pump, after these checks, may go to a patient.
    VerifiedForClinicalUse = "verified_for_clinical_use", Pump, SignVerified, "Verified for clinical use";
    /// A charge nurse, for a care area: this wave is done as it should be, the next may open.
    ApprovedForWave = "approved_for_wave", Wave, SignWave, "Approved for wave";
    /// The nurse's half of S4.
    ReleasedFromHoldNurse = "released_from_hold_nurse", Hold, SignReleaseNurse, "Released from hold (nurse)";
    /// Biomed's half of S4.
    ReleasedFromHoldBiomed = "released_from_hold_biomed", Hold, SignReleaseBiomed, "Released from hold (biomed)";
    /// Security's part of S4, after an isolation.
    ReleasedFromHoldSecurity = "released_from_hold_security", Hold, SignReleaseSecurity, "Released from hold (security)";
    /// A charge nurse: the care area knows what comes.
    BriefingAcknowledged = "briefing_acknowledged", Wave, SignBriefing, "Briefing acknowledged";
    /// A second person: this rollout may run.
    RolloutApproved = "rollout_approved", Rollout, SignRollout, "Rollout approved";
    /// This manufacturer's keys may sign firmware.
    RootOfTrustImported = "root_of_trust_imported", TrustRoot, SignTrustRoot, "Root of trust imported";
    /// What was done under break-glass was looked at, and this is the outcome.
    ReviewDecided = "review_decided", BreakGlass, SignReview, "Review decided";
}

impl Meaning {
    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|meaning| meaning.as_str() == word)
    }
}

/// What a person who was asked to sign answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Signed, perhaps with a remark.
    Signed {
        /// What it means.
        meaning: Meaning,
        /// What the person added.
        comment: Option<Reason>,
    },
    /// Refused for now. It opens nothing and needs a reason, but no factor beyond the session: saying no must be easy.
    NotNow {
        /// What was asked for.
        asked: Meaning,
        /// Why not.
        reason: Reason,
    },
}

impl Answer {
    /// The word of a refusal, where a column tells it from a signature.
    pub const REFUSED: &'static str = "refused_for_now";
    /// The word of a signature.
    pub const SIGNED: &'static str = "signed";

    /// The meaning that was asked for.
    #[must_use]
    pub const fn meaning(&self) -> Meaning {
        match self {
            Self::Signed { meaning, .. } | Self::NotNow { asked: meaning, .. } => *meaning,
        }
    }

    /// Whether it can open a gate.
    #[must_use]
    pub const fn is_signature(&self) -> bool {
        matches!(self, Self::Signed { .. })
    }

    /// The word in the signed bytes and in the database.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Signed { .. } => Self::SIGNED,
            Self::NotNow { .. } => Self::REFUSED,
        }
    }

    /// What the person wrote.
    #[must_use]
    pub const fn comment(&self) -> Option<&Reason> {
        match self {
            Self::Signed { comment, .. } => comment.as_ref(),
            Self::NotNow { reason, .. } => Some(reason),
        }
    }

    /// What the person must be allowed to: whoever may sign may refuse, and nobody else.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.meaning().permission()
    }

    /// The words beside the name, on screen and in print.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Signed { meaning, .. } => meaning.label().to_owned(),
            Self::NotNow { asked, .. } => format!("Not now: {}", asked.label().to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::access::Effect;

    #[test]
    fn every_meaning_needs_a_permission_to_sign_of_its_own() {
        let permissions: HashSet<_> = Meaning::ALL.iter().map(|m| m.permission()).collect();
        let signing = Permission::ALL.iter().filter(|p| p.effect() == Effect::Sign);
        assert_eq!(permissions, signing.copied().collect());
        assert_eq!(permissions.len(), Meaning::ALL.len());
        for meaning in Meaning::ALL {
            assert_eq!(Meaning::from_word(meaning.as_str()), Some(*meaning));
            let json = serde_json::to_string(meaning).unwrap();
            assert_eq!(json, format!("\"{}\"", meaning.as_str()));
        }
    }

    #[test]
    fn refusing_is_not_signing_and_takes_the_same_right() {
        let reason = Reason::new("two admissions coming, ask at 14:00").unwrap();
        let asked = Meaning::ApprovedForWave;
        let refusal = Answer::NotNow { asked, reason };
        assert!(!refusal.is_signature());
        assert_eq!(refusal.permission(), Permission::SignWave);
        assert_eq!(refusal.label(), "Not now: approved for wave");
        assert_eq!(
            refusal.comment().unwrap().as_str(),
            "two admissions coming, ask at 14:00"
        );
    }
}
