//! JSON Schemas (2020-12) of every message and of the release manifest, as published in `docs/schemas/`.

use fleet::release::Manifest;
use schemars::{Schema, schema_for};

use crate::message::{Ack, Order, Presence, Report, Telemetry};

/// Each document's name and schema.
#[must_use]
pub fn all() -> [(&'static str, Schema); 6] {
    [
        ("presence", schema_for!(Presence)),
        ("telemetry", schema_for!(Telemetry)),
        ("report", schema_for!(Report)),
        ("order", schema_for!(Order)),
        ("ack", schema_for!(Ack)),
        ("release-manifest", schema_for!(Manifest)),
    ]
}
