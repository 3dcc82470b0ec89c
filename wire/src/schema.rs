//! JSON Schemas (2020-12) of every message and of the release manifest, as published in `docs/schemas/`.

use fleet::release::Manifest;
use schemars::{Schema, schema_for};

use crate::{
    message::{Ack, Order, Presence, Report, Telemetry},
    proof::Proof,
    retest::Retest,
    ticket::Ticket,
};

/// The name and schema of each message, and of each document that is signed.
#[must_use]
pub fn all() -> [(&'static str, Schema); 8] {
    [
        ("presence", schema_for!(Presence)),
        ("telemetry", schema_for!(Telemetry)),
        ("report", schema_for!(Report)),
        ("order", schema_for!(Order)),
        ("ack", schema_for!(Ack)),
        ("ticket", schema_for!(Ticket)),
        ("proof", schema_for!(Proof)),
        ("retest", schema_for!(Retest)),
    ]
}

/// Every schema that is published: the messages', and that of the manifest that a pump finds among a release's TUF targets.
#[must_use]
pub fn published() -> Vec<(&'static str, Schema)> {
    let mut schemas = Vec::from(all());
    schemas.push(("release-manifest", schema_for!(Manifest)));
    schemas
}
