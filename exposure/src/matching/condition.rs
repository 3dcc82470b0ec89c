//! Conditions over several products, in a logic of four values: no, outside, perhaps, yes.
//!
//! A condition is looked at from one thing, the *focus*. What is vulnerable must be met by the focus; what must be there
//! besides may be anything in the pump. Something that is not known to be there is *perhaps*, because no list is complete.

use std::sync::Arc;

use super::{
    Item, Why,
    meet::{Met, meet},
};
use crate::{
    feed::{Condition, Pattern, Role},
    name::Part,
    sbom::ComponentKind,
};

/// The thing that is asked about, among the others.
pub(super) struct Focus<'a> {
    pub(super) item: &'a Item,
    pub(super) all: &'a [Arc<Item>],
    /// Whether names that are merely alike may count.
    pub(super) near: bool,
}

/// An outcome, and the pattern that the focus met best.
#[derive(Debug, Clone)]
pub(super) struct Outcome<'a> {
    pub(super) met: Met,
    pub(super) by: Option<&'a Pattern>,
}

impl Outcome<'_> {
    const NO: Self = Self {
        met: Met::No,
        by: None,
    };

    fn max(self, other: Self) -> Self {
        match (self, other) {
            (
                Self {
                    met: Met::Perhaps(mut whys),
                    by,
                },
                Self {
                    met: Met::Perhaps(more),
                    by: other,
                },
            ) => {
                add_all(&mut whys, more);
                Self {
                    met: Met::Perhaps(whys),
                    by: by.or(other),
                }
            }
            (one, other) if (other.met.rank(), other.by.is_some()) > (one.met.rank(), one.by.is_some()) => {
                other
            }
            (one, _) => one,
        }
    }

    fn min(self, other: Self) -> Self {
        let by = self.by.or(other.by);
        match (self.met, other.met) {
            (Met::Perhaps(mut whys), Met::Perhaps(more)) => {
                add_all(&mut whys, more);
                Self {
                    met: Met::Perhaps(whys),
                    by,
                }
            }
            (one, other) if other.rank() < one.rank() => Self { met: other, by },
            (one, _) => Self { met: one, by },
        }
    }
}

/// Reasons are told once, and not by the hundred.
pub(super) fn add_all(whys: &mut Vec<Why>, more: Vec<Why>) {
    for why in more {
        // That a version is missing is one reason, however many versions a document lists.
        let is_told = |told: &Why| {
            *told == why || matches!((told, &why), (Why::NoVersion { .. }, Why::NoVersion { .. }))
        };
        if whys.len() < 5 && !whys.iter().any(is_told) {
            whys.push(why);
        }
    }
}

impl Focus<'_> {
    /// Whether a condition holds, seen from the focus. It is `No` unless the focus itself is among what is vulnerable.
    pub(super) fn holds<'a>(&self, condition: &'a Condition) -> Outcome<'a> {
        let outcome = self.look(condition);
        if outcome.by.is_some() {
            outcome
        } else {
            Outcome::NO
        }
    }

    fn look<'a>(&self, condition: &'a Condition) -> Outcome<'a> {
        match condition {
            Condition::Product(pattern) => self.product(pattern),
            Condition::Any(parts) => parts
                .iter()
                .map(|part| self.look(part))
                .reduce(Outcome::max)
                .unwrap_or(Outcome::NO),
            Condition::All(parts) => parts
                .iter()
                .map(|part| {
                    let seen = self.look(part);
                    // A second vulnerable product that must be there too may be another thing in the pump.
                    if seen.by.is_none() && seen.met == Met::No {
                        self.elsewhere(part)
                    } else {
                        seen
                    }
                })
                .reduce(Outcome::min)
                .unwrap_or(Outcome::NO),
            Condition::Not(part) => {
                let Outcome { met, by } = self.look(part);
                let met = match met {
                    Met::Yes => Met::Outside,
                    Met::No | Met::Outside => Met::Yes,
                    Met::Perhaps(whys) => Met::Perhaps(whys),
                };
                Outcome { met, by }
            }
        }
    }

    fn product<'a>(&self, pattern: &'a Pattern) -> Outcome<'a> {
        match pattern.role {
            Role::Subject => {
                let met = meet(self.item, pattern, self.near);
                let by = (met != Met::No).then_some(pattern);
                Outcome { met, by }
            }
            Role::Surroundings => Outcome {
                met: self.surroundings(pattern),
                by: None,
            },
        }
    }

    fn surroundings(&self, pattern: &Pattern) -> Met {
        let met = self
            .all
            .iter()
            .map(|item| meet(item, pattern, true))
            .max_by_key(Met::rank);
        self.or_unknown(met, &[pattern])
    }

    /// A condition that the focus does not meet, met by anything else in the pump.
    fn elsewhere<'a>(&self, condition: &'a Condition) -> Outcome<'a> {
        let patterns = condition.patterns();
        let everything = self
            .all
            .iter()
            .flat_map(|item| patterns.iter().map(move |pattern| meet(item, pattern, false)));
        let met = self.or_unknown(everything.max_by_key(Met::rank), &patterns);
        Outcome { met, by: None }
    }

    /// What is not known to be there may be there: no list tells everything. Only which pump it is, a pump knows.
    fn or_unknown(&self, met: Option<Met>, patterns: &[&Pattern]) -> Met {
        let is_other_device = self.item.kind == ComponentKind::Device
            && patterns
                .iter()
                .all(|pattern| pattern.part == Some(Part::Hardware));
        match (met.unwrap_or(Met::No), patterns.first()) {
            (Met::No, Some(pattern)) if !is_other_device => Met::Perhaps(vec![Why::Surroundings {
                theirs: pattern.said.clone(),
            }]),
            (met, _) => met,
        }
    }
}
