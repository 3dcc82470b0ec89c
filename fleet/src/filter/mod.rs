//! The language in which people say which pumps they mean: for a rollout, for a list, for an advisory.
//!
//! ```text
//! model = "Sigma Spectrum" and component.wireless < 9.3 and not care_area in (MICU, "4 West")
//! ```
//!
//! ```text
//! filter = and { "or" and }
//! and    = not { "and" not }
//! not    = "not" not | "(" filter ")" | test
//! test   = field ( "=" | "!=" | "~" | "<" | "<=" | ">" | ">=" ) value
//!        | field [ "not" ] "in" "(" value { "," value } ")"
//! field  = "model" | "manufacturer" | "serial" | "asset" | "hardware" | "module" | "care_area" | "location" | "tag"
//!        | "status" | "hold" | "library" | "vulnerability" | "text" | "component." name
//! value  = word | quoted | "none"
//! ```
//!
//! - `not` binds closest, then `and`, then `or`. Upper and lower case are the same, in keywords and in values.
//! - A word needs no quotes unless it has a space or one of `( ) = ! ~ < > , "` in it, or is a keyword. In quotes, `\"` is a
//!   quote and `\\` a backslash.
//! - `~` asks whether the value occurs in it; `text ~ x` looks at everything that people call a pump by.
//! - `none` is what a pump has not: `care_area = none`, `hold = none`.
//! - `<` and its like are for component versions, by the scheme of their maker, and for the number in a serial number.
//!
//! A version that does not compare makes a test neither true nor false but unclear, and `not` leaves it so. A pump is meant
//! only where the whole is true; [`explain`] says which test was unclear, and why.

mod error;
mod eval;
mod expr;
mod lexer;
mod parser;
mod write;

pub use error::{FilterError, FilterProblem};
pub use eval::{Explanation, Finding, Truth, Unclear, explain, matches};
pub use expr::{Expr, Field, MAX_DEPTH, MAX_LENGTH, Op, Operand, Relation, Test};

#[cfg(test)]
mod tests;
