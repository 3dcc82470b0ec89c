//! The contract between infusion pumps and the gateway.
//!
//! A pump maker reads `docs/pump-contract.md`; this crate is the same contract in Rust, and the page's schemas and
//! examples are checked against it. A simulated pump depends on this crate and on nothing else of the gateway.
//!
//! | room | what is agreed there |
//! |---|---|
//! | [`topic`] | the six topics of a pump, each with its direction and limits |
//! | [`policy`] | who may publish and subscribe where: one pure function |
//! | [`message`] | the JSON messages, versioned, and how they are read |
//! | [`envelope`] | how a document is signed (COSE), and how it is read |
//! | [`ticket`] | the hospital's permission to install |
//! | [`proof`] | what a pump signs after an update |
//! | [`retest`] | what a held pump signs when its checks were run again |
//! | [`bulk`] | paths of the HTTPS listener (EST, firmware) |
//! | [`reconnect`] | how long a pump waits before it tries again |
//! | [`schema`] | JSON Schemas of all messages |

#![forbid(unsafe_code)]

pub mod bulk;
pub mod envelope;
pub mod message;
pub mod policy;
pub mod proof;
pub mod reconnect;
pub mod retest;
pub mod schema;
pub mod ticket;
pub mod topic;

pub use fleet::{
    Timestamp,
    id::{OrderId, PumpId, ReportId, RetestId, RolloutId, TicketId, WaveId},
};

/// The rules' own types that appear in messages.
pub mod types {
    pub use fleet::{
        check::{
            AutomaticResult, CheckKind, CheckSpec, CheckUnit, Claim, Conduct, Expectation, Limits, Reading,
        },
        pump::{Activity, Component, HoldKind, MacAddress, SecurityCounter},
        release::{Manifest, RepositoryName, Step, TargetPath},
        signature::Digest,
        text::{CheckId, ComponentName, ComponentVersion, HardwareId, Name, Reason, SerialNumber},
        unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
    };
}
