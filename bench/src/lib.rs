//! What the measurements stand on: a fleet with certificates, a server in a process of its own whose CPU and memory the
//! operating system counts, and a load client that costs little itself.
//!
//! The server is either the gateway or, as a peer in the same run with the same client, Mosquitto.

#![forbid(unsafe_code)]

pub mod client;
pub mod fleet_with_certificates;
pub mod server;
pub mod usage;
