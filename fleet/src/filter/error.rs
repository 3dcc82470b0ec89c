//! What is wrong with a filter, and at which column.

use thiserror::Error;

/// A filter that can not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("column {column}: {problem}")]
pub struct FilterError {
    /// In characters, from 1.
    pub column: usize,
    pub problem: FilterProblem,
}

/// What is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterProblem {
    #[error("the filter goes on after {max} characters; make it shorter")]
    TooLong { max: usize },
    #[error("more than {max} levels of parentheses and `not`; make it flatter")]
    TooDeep { max: usize },
    #[error("expected {expected}, found {found}")]
    Expected { expected: &'static str, found: String },
    #[error("`{found}` is not a field; fields are {fields}")]
    UnknownField { found: String, fields: String },
    #[error("{field} can not be compared by `{given}`; use {allowed}")]
    Operator {
        field: String,
        given: &'static str,
        allowed: String,
    },
    #[error("`{found}` is not a {what}; use {expected}")]
    Value {
        found: String,
        what: &'static str,
        expected: String,
    },
    #[error("the quote that opens here is never closed")]
    OpenQuote,
    #[error("after a backslash comes `\"` or another backslash")]
    Escape,
    #[error("a character that can not be printed; remove it")]
    Unprintable,
}

impl FilterProblem {
    pub(super) const fn at(self, column: usize) -> FilterError {
        FilterError {
            column,
            problem: self,
        }
    }
}
