//! What published statements mean for what a pump is made of.
//!
//! [`Facts`] are the things in a pump: the pump itself, its parts, and the components of its lists. Pumps with equal facts are
//! matched once ([`group`]). An [`Index`] holds everything that was imported and finds, by name, the few statements that can
//! concern a thing; [`judge()`] then decides and explains. The outcome for one vulnerability is a [`Finding`]: what each
//! source says, side by side, and one [`Verdict`] over them.

mod condition;
mod facts;
mod finding;
mod index;
mod judge;
mod meet;
mod verdict;

pub use facts::{Facts, Item, group};
pub use finding::{Finding, ReviewKey};
pub use index::{Changed, Index};
pub use judge::judge;
pub use verdict::{Fix, FixKind, Grounds, Opinion, Verdict, Why};

#[cfg(test)]
mod tests;
