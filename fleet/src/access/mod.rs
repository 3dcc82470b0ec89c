//! Who may do what, and where. One table of roles × permissions, and one function that reads it.
//!
//! The table is data ([`Permission::scope`]); [`decide`] is asked where the action happens. Program scopes and break-glass
//! are columns of the same table, so that nothing is granted in a place where nobody looks.

mod decide;
mod permission;
mod principal;
mod role;
mod session;

pub use decide::{Denied, Reach, SamePerson, decide, different_people, reach};
pub use permission::{Effect, Permission, Scope};
pub use principal::{BREAK_GLASS_FOR, BreakGlass, CareAreas, Grant, Principal, PrincipalKind};
pub use role::Role;
pub use session::{IDLE_BOUNDS, IDLE_DEFAULT, SESSION_MAX, SessionTimes, SignedOut};
