//! S4: a pump leaves a hold by a passed retest and two signatures, biomed's and a nurse's, by two people. What was isolated takes a
//! third, security's; what is sequestered is evidence, and is not released at all.

use super::{Half, Signed, Unmet, Wanted};
use crate::{
    check::CheckOutcome,
    id::{AccountId, CareAreaId},
    pump::HoldKind,
    signature::Meaning,
};

/// The checks that were run again after the hold.
#[derive(Debug, Clone)]
pub struct Retest {
    /// What they came to.
    pub outcome: CheckOutcome,
    /// Who ran those that a person runs.
    pub run_by: Vec<AccountId>,
}

/// A hold that is to be released.
#[derive(Debug, Clone)]
pub struct HoldFacts {
    pub kind: HoldKind,
    /// The care area of the pump; a nurse of it signs.
    pub care_area: Option<CareAreaId>,
    /// The last retest, if there was any.
    pub retest: Option<Retest>,
    /// The signatures on the hold.
    pub signatures: Vec<Signed>,
}

/// What is not met before a hold is released: all of it.
///
/// Who ran the retest may sign for biomed, and not for the nurses: the second signature is a second pair of eyes (S12).
#[must_use]
pub fn before_release_from_hold(hold: &HoldFacts) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    if hold.kind == HoldKind::Sequestered {
        unmet.push(Unmet::Evidence);
    }
    if hold
        .retest
        .as_ref()
        .is_none_or(|retest| retest.outcome != CheckOutcome::Passed)
    {
        unmet.push(Unmet::Retest);
    }
    let biomed = Wanted {
        meaning: Meaning::ReleasedFromHoldBiomed,
        care_area: None,
        not_by: &[],
    };
    let biomed_signatures = biomed.all_among(&hold.signatures);
    if biomed_signatures.is_empty() {
        let objection = biomed.among(&hold.signatures).err().flatten();
        unmet.push(Unmet::BiomedUnsigned { objection });
    }
    let mut not_by: Vec<_> = hold
        .retest
        .iter()
        .flat_map(|retest| &retest.run_by)
        .map(|account| (*account, Half::RanTheRetest))
        .collect();
    // One person in both roles does not do for two; where several signed for biomed, any two people do.
    let mut other_half = Vec::new();
    if let [only] = biomed_signatures.as_slice() {
        other_half.push((only.account, Half::SignedTheOther));
    }
    not_by.extend(&other_half);
    let nurse = Wanted {
        meaning: Meaning::ReleasedFromHoldNurse,
        care_area: hold.care_area,
        not_by: &not_by,
    };
    match nurse.among(&hold.signatures) {
        Ok(signed) => other_half.push((signed.account, Half::SignedTheOther)),
        Err(objection) => unmet.push(Unmet::NurseUnsigned { objection }),
    }
    if hold.kind == HoldKind::SecurityIsolation {
        let security = Wanted {
            meaning: Meaning::ReleasedFromHoldSecurity,
            care_area: None,
            not_by: &other_half,
        };
        if let Err(objection) = security.among(&hold.signatures) {
            unmet.push(Unmet::SecurityUnsigned { objection });
        }
    }
    unmet
}
