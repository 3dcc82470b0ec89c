//! Ward floors (S5): how many pumps of a kind a care area can spare.
//!
//! Doubt counts against us. A pump that is held, missing or retired is not in service; nor is one that was told to install, from
//! the order on and until a nurse signed, also while it still waits for a safe moment.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::id::{CareAreaId, ModelId};

/// Pumps of a kind in a care area: they can stand in for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    pub care_area: CareAreaId,
    pub model: ModelId,
}

/// The care area can spare none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "its care area has to keep {floor} pumps of this kind in service and has {in_service}; it is tried when one is back"
)]
pub struct AtTheFloor {
    pub in_service: u32,
    pub floor: u32,
}

/// How many pumps are in service, and how many have to be. Taking one out is counted at once, so that a plan does not spend the
/// same pump twice.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    groups: BTreeMap<Group, Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    in_service: u32,
    floor: u32,
}

impl Ledger {
    /// Begins with the floors; every pump in service is added by [`Ledger::in_service`].
    #[must_use]
    pub fn new(floors: &BTreeMap<Group, u32>) -> Self {
        let count = |floor: &u32| Count {
            in_service: 0,
            floor: *floor,
        };
        Self {
            groups: floors
                .iter()
                .map(|(group, floor)| (*group, count(floor)))
                .collect(),
        }
    }

    /// One more pump of a group is in service. Only groups with a floor are kept: the others are never asked for.
    pub fn in_service(&mut self, group: Group) {
        if let Some(count) = self.groups.get_mut(&group) {
            count.in_service = count.in_service.saturating_add(1);
        }
    }

    /// How many pumps of a group may be taken out of service at once; nothing is without a bound.
    #[must_use]
    pub fn spare(&self, group: Option<Group>) -> Option<u32> {
        let count = self.groups.get(&group?)?;
        Some(count.in_service.saturating_sub(count.floor))
    }

    /// How many pumps of a group with a floor are in service.
    #[must_use]
    pub fn in_service_now(&self, group: Group) -> u32 {
        self.groups.get(&group).map_or(0, |count| count.in_service)
    }

    /// Takes one pump out of service. A pump in no care area, and one of a group without a floor, can always be.
    ///
    /// # Errors
    /// [`AtTheFloor`] when its care area can spare none; nothing is taken then.
    pub fn take(&mut self, group: Option<Group>) -> Result<(), AtTheFloor> {
        let Some(count) = group.and_then(|group| self.groups.get_mut(&group)) else {
            return Ok(());
        };
        if count.in_service <= count.floor {
            return Err(AtTheFloor {
                in_service: count.in_service,
                floor: count.floor,
            });
        }
        count.in_service -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn group(care_area: u128) -> Group {
        Group {
            care_area: CareAreaId::from_uuid(Uuid::from_u128(care_area)),
            model: ModelId::from_uuid(Uuid::from_u128(1)),
        }
    }

    #[test]
    fn what_has_no_floor_can_always_be_spared() {
        let mut ledger = Ledger::new(&BTreeMap::from([(group(1), 1)]));
        assert_eq!(ledger.spare(None), None);
        assert_eq!(ledger.spare(Some(group(2))), None);
        assert_eq!(ledger.take(None), Ok(()));
        assert_eq!(ledger.take(Some(group(2))), Ok(()));
        let refused = ledger.take(Some(group(1))).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "its care area has to keep 1 pumps of this kind in service and has 0; it is tried when one is back"
        );
    }

    proptest! {
        /// S5, the arithmetic: however often pumps are asked for, the floor stays, and everything above it is given.
        #[test]
        fn s5_the_floor_is_never_given_away(floor in 0..20_u32, have in 0..40_u32, asked in 0..60_u32) {
            let mut ledger = Ledger::new(&BTreeMap::from([(group(1), floor)]));
            for _ in 0..have {
                ledger.in_service(group(1));
            }
            let spare = ledger.spare(Some(group(1))).unwrap();
            let given = (0..asked).filter(|_| ledger.take(Some(group(1))).is_ok()).count();
            let given = u32::try_from(given).unwrap();
            prop_assert_eq!(given, asked.min(spare));
            prop_assert!(given == 0 || have - given >= floor);
        }
    }
}
