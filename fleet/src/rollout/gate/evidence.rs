//! What a gate passed on, as one hash. It is in every ticket of the next wave, so that a ticket names the signatures it stands on.

use serde_json::{Value, json};

use super::{Signed, Tally, approvals, wave_signature};
use crate::{
    rollout::snapshot::{RolloutFacts, WaveFacts},
    signature::{Digest, canonical},
};

/// The hash over a rollout's approvals: what the tickets of the first wave stand on.
///
/// SHA-256 over the line `infusion-pump-gateway gate-approval v1`, a line feed and canonical JSON of `rollout` and
/// `signatures` (their ids, sorted).
#[must_use]
pub fn approval_evidence(rollout: &RolloutFacts) -> Digest {
    let fields = json!({
        "rollout": rollout.id,
        "signatures": ids(approvals(rollout)),
    });
    digest("gate-approval", &fields)
}

/// The hash over what a wave came to and who signed for it: what the tickets of the next wave stand on.
///
/// SHA-256 over the line `infusion-pump-gateway gate-wave v1`, a line feed and canonical JSON of `rollout`, `wave`, `number`,
/// the counts `total`, `verified`, `failures`, `left_behind`, `taken_out`, and `signatures` (their ids, sorted).
#[must_use]
pub fn wave_evidence(rollout: &RolloutFacts, wave: &WaveFacts) -> Digest {
    let tally = Tally::of(&wave.assignments);
    let signatures = wave
        .care_areas
        .iter()
        .filter_map(|area| wave_signature(area, rollout.author).ok())
        .collect();
    let fields = json!({
        "rollout": rollout.id,
        "wave": wave.id,
        "number": wave.number,
        "total": tally.total,
        "verified": tally.verified,
        "failures": tally.failures,
        "left_behind": tally.left_behind,
        "taken_out": tally.taken_out,
        "signatures": ids(signatures),
    });
    digest("gate-wave", &fields)
}

fn ids(signatures: Vec<&Signed>) -> Vec<String> {
    let mut ids: Vec<_> = signatures
        .into_iter()
        .map(|signed| signed.id.to_string())
        .collect();
    ids.sort_unstable();
    ids
}

fn digest(what: &str, fields: &Value) -> Digest {
    let first_line = canonical::first_line(what, 1);
    Digest::of_pieces(&[
        first_line.as_bytes(),
        b"\n",
        canonical::to_json(fields).as_bytes(),
    ])
}
