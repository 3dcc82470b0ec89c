//! Which signatures count: those that stand, by somebody who may, for the care area, and by the right people (S12).

use thiserror::Error;

use crate::{
    access::{Role, Scope},
    id::{AccountId, CareAreaId, SignatureId},
    signature::{self, Meaning, SignatureState, SignatureStatement, Subject, VoidReason},
};

/// A signature on record, as far as a gate depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    pub id: SignatureId,
    pub meaning: Meaning,
    /// Who signed,
    pub account: AccountId,
    /// in which role,
    pub role: Role,
    /// for which care area, if for one.
    pub care_area: Option<CareAreaId>,
    /// Whether it stands for what is there now.
    pub state: SignatureState,
}

impl Signed {
    /// A statement, held against its subject as it is now. A refusal is no signature, nor is one that does not fit its subject.
    #[must_use]
    pub fn of(statement: &SignatureStatement, current: Option<&Subject>) -> Option<Self> {
        (statement.answer.is_signature() && statement.fits()).then(|| Self {
            id: statement.id,
            meaning: statement.answer.meaning(),
            account: statement.account,
            role: statement.role,
            care_area: statement.care_area.as_ref().map(|area| area.id),
            state: signature::state(statement, current),
        })
    }
}

/// Why a signature that is there does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Objection {
    /// What was signed is not what is there.
    #[error("the signature on record is {0}; sign again")]
    Void(VoidReason),
    /// The role may not.
    #[error("it was signed as {role}, who may not; somebody who may has to")]
    Role { role: Role },
    /// For another care area, or for none.
    #[error("it was signed for another care area; somebody of this one has to")]
    CareArea,
    /// S12.
    #[error("it was signed by the person {whose}; another person has to")]
    SamePerson { whose: Half },
}

/// The half of the work that somebody else has to do (S12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Half {
    #[error("who wrote the rollout")]
    WroteTheRollout,
    #[error("who ran its checks")]
    RanTheChecks,
    #[error("who ran the retest")]
    RanTheRetest,
    #[error("who signed the other half")]
    SignedTheOther,
}

/// What a signature has to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub meaning: Meaning,
    /// For this care area, where the role holds only in care areas.
    pub care_area: Option<CareAreaId>,
    /// By none of these.
    pub not_by: &'a [(AccountId, Half)],
}

impl Wanted<'_> {
    /// Whether a signature is what is wanted; nothing when it means something else.
    fn judge(&self, signed: &Signed) -> Option<Result<(), Objection>> {
        if signed.meaning != self.meaning {
            return None;
        }
        let judged = match signed.state {
            SignatureState::Void(reason) => Err(Objection::Void(reason)),
            SignatureState::Valid => self.may(signed),
        };
        Some(judged.and_then(|()| self.another(signed)))
    }

    fn may(&self, signed: &Signed) -> Result<(), Objection> {
        match self.meaning.permission().scope(signed.role) {
            Scope::None => Err(Objection::Role { role: signed.role }),
            Scope::Everywhere => Ok(()),
            Scope::OwnCareAreas if self.care_area.is_some() && signed.care_area == self.care_area => Ok(()),
            Scope::OwnCareAreas => Err(Objection::CareArea),
        }
    }

    fn another(&self, signed: &Signed) -> Result<(), Objection> {
        match self.not_by.iter().find(|(account, _)| *account == signed.account) {
            Some((_, whose)) => Err(Objection::SamePerson { whose: *whose }),
            None => Ok(()),
        }
    }

    /// The first signature that counts.
    ///
    /// # Errors
    /// The last objection to one that does not, if there is any.
    pub fn among<'s>(&self, signatures: &'s [Signed]) -> Result<&'s Signed, Option<Objection>> {
        let mut objection = None;
        for signed in signatures {
            match self.judge(signed) {
                Some(Ok(())) => return Ok(signed),
                Some(Err(found)) => objection = Some(found),
                None => {}
            }
        }
        Err(objection)
    }

    /// Every signature that counts, one for each person.
    pub fn all_among<'s>(&self, signatures: &'s [Signed]) -> Vec<&'s Signed> {
        let mut people: Vec<&Signed> = Vec::new();
        for signed in signatures {
            let is_new = people.iter().all(|other| other.account != signed.account);
            if is_new && self.judge(signed) == Some(Ok(())) {
                people.push(signed);
            }
        }
        people
    }
}
