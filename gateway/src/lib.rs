//! The gateway: adapters around the rules in `fleet`.
//!
//! Data flows one way: wire → rules → store → wire.
//!
//! | room | what is done there |
//! |---|---|
//! | [`mqtt`] | the line to the pumps, behind one trait |
//! | [`est`] | the pump's way to a certificate |
//! | [`firmware`] | what manufacturers release: checked, published, fetched by pumps; tickets and proofs |
//! | [`pki`] | certificates, authorities, TLS, and the gate |
//! | [`engine`] | the loop: what pumps said is recorded, then acknowledged; orders go out |
//! | [`command`] | what people can do, one transaction each |
//! | [`auth`], [`api`] | who they are and what they may do, and how programs ask for it |
//! | [`web`] | the pages people use |
//! | [`audit`] | the record that can be proved: checkpoints, export, verification, what goes to a SIEM |
//! | [`cli`] | the command line, a client of the API |
//! | [`serve`], [`init`], [`demo`] | bringing it up, setting it up, showing it |
//! | [`ops`] | health and metrics |

#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod audit;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod command;
pub mod config;
mod deed;
#[cfg(feature = "demo")]
pub mod demo;
pub mod engine;
pub mod est;
pub mod exposure;
pub mod firmware;
pub mod fresh;
pub mod init;
pub mod mqtt;
pub mod ops;
pub mod pki;
pub mod serve;
pub mod web;
