//! Who is asking: passwords, codes and PINs, the secrets that requests carry, and patience with those who guess.
//!
//! | room | what is done there |
//! |---|---|
//! | [`password`], [`breached`] | passwords people choose: what is accepted, how one is stored, how one is checked |
//! | [`totp`], [`pin`] | the second factors |
//! | [`bearer`], [`standing`] | whose secret a request carries, and what that person or program may do at this instant |
//! | [`throttle`], [`sign_in`] | how long somebody who guessed wrong has to wait; guessing costs the guesser more than us |
//! | [`limits`] | how many requests are served |
//! | [`seal`], [`record_key`] | small secrets at rest; what the gateway signs its own record with |
//!
//! Nothing here knows the web framework; [`crate::api`] asks, and turns a refusal into an answer.

pub mod bearer;
pub mod breached;
pub mod limits;
pub mod password;
pub mod pin;
pub mod record_key;
pub mod seal;
pub mod sign_in;
pub mod standing;
pub mod throttle;
pub mod totp;
