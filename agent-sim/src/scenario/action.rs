//! What can be made to happen to a pump.

use std::time::Duration;

use chrono::TimeDelta;
use wire::types::MacAddress;

use crate::{firmware::Fault, life::Intervention};

/// What a flood is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    Telemetry,
    Report,
}

/// Something that is made to happen to a pump.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Something of its life.
    Life(Intervention),
    /// The network is gone without a goodbye.
    DropNetwork { lasting: Duration },
    /// Another network card; one drawn at random if none is given.
    ChangeMac { mac: Option<MacAddress> },
    /// Somebody else connects with this pump's key and certificate, from elsewhere.
    Clone { lasting: Duration },
    /// The pump's clock jumps.
    ClockStep { by: TimeDelta },
    /// It publishes what is no message.
    Malformed,
    /// It sends as much as the line takes.
    Flood { what: Flood, count: u32 },
    /// Something breaks, or is put right. A bad link breaks off after so many bytes.
    Fault {
        fault: Fault,
        wrong: bool,
        bytes: Option<u64>,
    },
    /// Somebody installs something at the pump itself, without a ticket.
    Sideload,
    /// Somebody takes a copy of the pump's memory.
    BackUp,
    /// Somebody puts that copy back.
    Restore,
}
