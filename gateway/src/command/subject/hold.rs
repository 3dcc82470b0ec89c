//! What is signed about a hold: that the pump may go back to a patient.

use fleet::{Timestamp, id::HoldId, signature::Meaning};
use store::Db;

use super::Shown;
use crate::command::{CommandError, hold::whole::Whole};

/// A hold with its evidence and its newest retest, reading by reading.
pub(super) fn hold(
    db: &mut Db<'_>,
    id: HoldId,
    meaning: Option<Meaning>,
    now: Timestamp,
) -> Result<Shown, CommandError> {
    let whole = Whole::load(db, id, now)?;
    let obstacle = whole.obstacle(meaning);
    let authors = whole.not_by(meaning);
    let pump = &whole.pump;
    let title = pump
        .asset_tag
        .as_ref()
        .map_or_else(|| pump.serial.to_string(), ToString::to_string);
    Ok(Shown {
        subject: whole.subject,
        care_area: pump.care_area,
        care_areas: Vec::new(),
        title: format!("{title}, {}", whole.hold.kind.as_str().replace('_', " ")),
        content: whole.content,
        obstacle,
        authors,
    })
}
