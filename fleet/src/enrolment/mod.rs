//! Who may have a certificate: one decision for every way in.
//!
//! | way in | evidence |
//! |---|---|
//! | first certificate, by token | a one-time secret bound to a serial number (EST simpleenroll, HTTP Basic) |
//! | first certificate, by manufacturer | the pump's factory certificate (IEEE 802.1AR IDevID) under an anchor that a person imported |
//! | renewal | the pump's current certificate (EST simplereenroll, mutual TLS) |

mod authorise;
mod token;

pub use authorise::{
    Applicant, Current, Enrolled, Evidence, Grant, KeyHolder, Refusal, TokenProblem, authorise,
};
pub use token::{TOKEN_BITS, TOKEN_LIFE_MAX, TokenRecord, TokenState, token_state};
