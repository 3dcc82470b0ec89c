//! The decision: one function between a table and an action.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{CareAreas, Permission, Principal, PrincipalKind, Role, Scope};
use crate::{
    Timestamp,
    id::{AccountId, CareAreaId},
};

/// Where somebody holds a permission: what a list is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Everywhere, and on what is in no care area.
    Everywhere,
    /// In these care areas; never empty.
    CareAreas(BTreeSet<CareAreaId>),
}

impl Reach {
    /// Whether it covers something in a care area, or (nothing given) in none.
    #[must_use]
    pub fn includes(&self, care_area: Option<CareAreaId>) -> bool {
        match self {
            Self::Everywhere => true,
            Self::CareAreas(areas) => care_area.is_some_and(|area| areas.contains(&area)),
        }
    }
}

/// Why somebody may not. The words may be shown to the person who asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    /// No role that was granted holds the permission.
    #[error("you may not {}: it belongs to {}", .permission.label(), roles_in_words(*.permission))]
    NotYourRole { permission: Permission },
    /// A role holds it, elsewhere.
    #[error("you may {} only in your own care areas, and this is in another", .permission.label())]
    OtherCareArea {
        permission: Permission,
        care_area: CareAreaId,
    },
    /// A role holds it in care areas, and the subject is in none.
    #[error(
        "you may {} only in your own care areas, and this is in none; have biomed assign it to one",
        .permission.label()
    )]
    NoCareArea { permission: Permission },
    /// The token was not made for this.
    #[error("this token was not made to {}; make one with the scope `{permission}`", .permission.label())]
    NotInScopes { permission: Permission },
    /// No token is ever made for this.
    #[error("no program may {}: a person does it, signed in", .permission.label())]
    OnlyAPerson { permission: Permission },
    /// Break-glass does not open it.
    #[error(
        "break-glass lets you see and hold pumps and nothing else; end it, and {} with your own role",
        .permission.label()
    )]
    NotByBreakGlass { permission: Permission },
    /// Break-glass is over.
    #[error("break-glass ended at {ended_at}; sign in again, or break the glass again with a reason")]
    BreakGlassOver { ended_at: Timestamp },
}

fn roles_in_words(permission: Permission) -> String {
    let roles: Vec<_> = permission.roles().map(Role::label).collect();
    roles.join(", ")
}

/// Where somebody holds a permission at an instant.
///
/// # Errors
/// [`Denied`] when it is nowhere; never [`Denied::OtherCareArea`].
pub fn reach(principal: &Principal, permission: Permission, now: Timestamp) -> Result<Reach, Denied> {
    match &principal.kind {
        PrincipalKind::Person => {}
        PrincipalKind::Program { scopes } => {
            if !permission.is_for_programs() {
                return Err(Denied::OnlyAPerson { permission });
            }
            if !scopes.contains(&permission) {
                return Err(Denied::NotInScopes { permission });
            }
        }
        PrincipalKind::BreakGlass(glass) => {
            if !glass.is_open(now) {
                let ended_at = glass.ends_at();
                return Err(Denied::BreakGlassOver { ended_at });
            }
            if !permission.opens_by_break_glass() {
                return Err(Denied::NotByBreakGlass { permission });
            }
            return Ok(Reach::Everywhere);
        }
    }
    // What is a person's own needs no role: whoever may sign in may sign out.
    if matches!(permission, Permission::SessionOwn | Permission::FactorOwn) {
        return Ok(Reach::Everywhere);
    }
    let mut areas = BTreeSet::new();
    for grant in &principal.grants {
        match (permission.scope(grant.role), &grant.care_areas) {
            (Scope::None, _) => {}
            (Scope::Everywhere, _) | (Scope::OwnCareAreas, CareAreas::All) => return Ok(Reach::Everywhere),
            (Scope::OwnCareAreas, CareAreas::Named(named)) => areas.extend(named),
        }
    }
    if areas.is_empty() {
        Err(Denied::NotYourRole { permission })
    } else {
        Ok(Reach::CareAreas(areas))
    }
}

/// Decides whether somebody may do something to a subject in a care area, or in none, at an instant.
///
/// # Errors
/// [`Denied`], with the reason in words.
pub fn decide(
    principal: &Principal,
    permission: Permission,
    care_area: Option<CareAreaId>,
    now: Timestamp,
) -> Result<(), Denied> {
    if reach(principal, permission, now)?.includes(care_area) {
        return Ok(());
    }
    Err(match care_area {
        Some(care_area) => Denied::OtherCareArea {
            permission,
            care_area,
        },
        None => Denied::NoCareArea { permission },
    })
}

/// One person did both halves of what takes two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this takes two people, and you did the first half; ask a colleague to do the second")]
pub struct SamePerson;

/// S12, and the two signatures of S4: who wrote, ran or signed the first half does not approve the second.
///
/// # Errors
/// [`SamePerson`] when they are one account.
pub fn different_people(author: AccountId, approver: AccountId) -> Result<(), SamePerson> {
    if author == approver {
        Err(SamePerson)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
