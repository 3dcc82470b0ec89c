//! Who is asking: passwords, the tokens that programs carry, and patience with those who guess.
//!
//! | room | what is done there |
//! |---|---|
//! | [`password`] | passwords people choose: what is accepted, how one is stored, how one is checked |
//! | [`throttle`] | how long somebody who guessed wrong has to wait |
//! | [`sign_in`] | the two together, so that guessing costs the guesser more than it costs us |
//! | [`basic`], [`bearer`] | what an `Authorization` header says |
//!
//! Nothing here knows the web framework; [`crate::api`] asks, and turns a refusal into an answer.

pub mod basic;
pub mod bearer;
pub mod password;
pub mod sign_in;
pub mod throttle;
