//! Who is asking, as far as deciding needs to know.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::{Permission, Role};
use crate::{
    Timestamp,
    id::{AccountId, CareAreaId},
    text::Reason,
};

/// Break-glass ends by itself after this long.
pub const BREAK_GLASS_FOR: TimeDelta = TimeDelta::hours(1);

/// The care areas of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CareAreas {
    /// Every one, and pumps that are in none: a float pool.
    All,
    /// These.
    Named(BTreeSet<CareAreaId>),
}

/// A role that a person was given, and for where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where it holds, for what the table limits to a person's own care areas.
    pub care_areas: CareAreas,
}

/// A person looks and holds beyond the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlass {
    /// When the glass was broken.
    pub since: Timestamp,
    /// Why, in the person's words.
    pub reason: Reason,
}

impl BreakGlass {
    /// When it ends by itself; from this instant on it opens nothing.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.since + BREAK_GLASS_FOR
    }

    /// Whether it is open at an instant. Before its own beginning it is not.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.ends_at()
    }
}

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person, in a session.
    Person,
    /// A program with a service token: never more than its scopes, and never more than its owner may at this moment.
    Program {
        /// What the token was made for.
        scopes: BTreeSet<Permission>,
    },
    /// A person who broke the glass. While it lasts it is all the person has: it lends sight and the hold, and takes
    /// everything else away, so that nothing signed in such a session can be taken for ordinary work.
    BreakGlass(BreakGlass),
}

/// Who is asking. Read afresh for every request: a role that was taken away a second ago is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The person; of a program, its owner.
    pub account: AccountId,
    /// The person's roles; of a program, its owner's.
    pub grants: Vec<Grant>,
    /// How they came in.
    pub kind: PrincipalKind,
}
