//! Simulated infusion pumps that speak the pump contract, and fleets of them.
//!
//! A pump here knows what `wire` says and nothing else of the gateway: it makes its own key, enrols by EST, holds one
//! MQTT connection over mutual TLS, and lives the life of a pump on a ward. The same seed gives the same fleet.
//!
//! | room | what happens there |
//! |---|---|
//! | [`blueprint`] | a fleet on paper: serial numbers, labels, addresses, firmware, homes |
//! | [`life`] | what happens to a pump: patients, infusions, alarms, battery, places; pure, no network |
//! | [`identity`] | keys, certificate requests, enrolment and renewal, what is kept on disk |
//! | [`firmware`] | tickets, downloads, two slots, trial, checks, proof; and what can go wrong |
//! | [`outbox`] | reports that must not be lost |
//! | [`scenario`] | what a script makes happen |
//! | [`fleet`] | many pumps at once: [`fleet::Simulation`] |
//!
//! ```no_run
//! use std::sync::Arc;
//! use agent_sim::{blueprint::FleetPlan, fleet::{SimConfig, Simulation}};
//!
//! # async fn rehearse() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SimConfig::new(
//!     FleetPlan::new(40, 7).build()?,
//!     "gw.example:8883".parse()?,
//!     "https://gw.example:8444",
//!     std::fs::read("root.pem")?,
//!     Arc::new(|serial: &str| (serial == "AX100001").then(|| "token".to_owned())),
//!     "pumps",
//! );
//! let simulation = Simulation::start(config)?;
//! let mut stats = simulation.stats();
//! stats.wait_for(|stats| stats.connected == 40).await?;
//! simulation.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod blueprint;
pub mod cli;
pub mod clock;
pub mod firmware;
pub mod fleet;
pub mod identity;
pub mod life;
mod link;
pub mod outbox;
mod pump;
pub mod scenario;
pub mod span;
pub mod stats;

pub use pump::{LinkState, PumpView};
