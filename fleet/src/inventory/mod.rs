//! The inventory: which pumps the hospital expects, which it has, and where the two disagree.

mod conflict;
mod csv_cell;
mod expected;
mod expected_csv;
mod reconcile;
mod retention;

pub use conflict::{Finding, KnownIdentity, ReportedIdentity, compare};
pub use csv_cell::csv_cell;
pub use expected::{ExpectedPump, ImportAction, ImportPlan, plan_import};
pub use expected_csv::{COLUMNS, ExpectedRow, LineProblem, MAX_BYTES, MAX_PROBLEMS, MAX_ROWS, parse};
pub use reconcile::{Discrepancy, EnrolledPump, MISSING_AFTER, reconcile};
pub use retention::{Keep, RetentionRule};
