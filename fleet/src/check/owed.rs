//! What a class of release owes at least, so that a manifest can not forget it.

use std::fmt;

use super::{CheckKind, CheckSpec, Conduct};
use crate::release::ReleaseClass;

/// A check that a plan may not leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duty {
    pub kind: CheckKind,
    /// Measured by a person with an instrument: the pump's own sensor is what the release may have spoilt.
    pub by_instrument: bool,
}

const fn any(kind: CheckKind) -> Duty {
    Duty {
        kind,
        by_instrument: false,
    }
}

const fn by_instrument(kind: CheckKind) -> Duty {
    Duty {
        kind,
        by_instrument: true,
    }
}

/// The table: class → the checks its plan has at least.
#[must_use]
pub const fn owed(class: ReleaseClass) -> &'static [Duty] {
    match class {
        ReleaseClass::Library | ReleaseClass::Configuration => {
            const { &[any(CheckKind::SelfTest), any(CheckKind::LibraryIntegrity)] }
        }
        ReleaseClass::Communications => {
            const {
                &[
                    any(CheckKind::SelfTest),
                    any(CheckKind::LibraryIntegrity),
                    any(CheckKind::Clock),
                    any(CheckKind::NetworkLink),
                ]
            }
        }
        ReleaseClass::InfusionControl => {
            const {
                &[
                    any(CheckKind::SelfTest),
                    any(CheckKind::LibraryIntegrity),
                    any(CheckKind::Clock),
                    by_instrument(CheckKind::FlowAccuracy),
                    any(CheckKind::OcclusionPressure),
                    any(CheckKind::AirInLine),
                    any(CheckKind::AlarmSpeaker),
                    any(CheckKind::Battery),
                ]
            }
        }
    }
}

impl Duty {
    /// Whether a check of a plan does it.
    #[must_use]
    pub fn is_met_by(self, spec: &CheckSpec) -> bool {
        let measured = matches!(spec.conduct, Conduct::Person { instrument: Some(_) });
        spec.kind == self.kind && (measured || !self.by_instrument)
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        f.write_str(if self.by_instrument {
            " by a person with an instrument"
        } else {
            ""
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_reach_owes_more_proof() {
        let kinds = |class| owed(class).iter().map(|duty| duty.kind).collect::<Vec<_>>();
        let infusion = kinds(ReleaseClass::InfusionControl);
        for class in ReleaseClass::ALL {
            assert!(!owed(class).is_empty(), "{class:?} owes nothing");
            // The network is proved by the report itself when infusion control changes.
            let beyond = kinds(class)
                .into_iter()
                .filter(|kind| !infusion.contains(kind) && *kind != CheckKind::NetworkLink);
            assert_eq!(beyond.count(), 0, "{class:?}");
        }
    }
}
