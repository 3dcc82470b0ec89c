//! Expected pumps and what an import would do to their list.

use serde::{Deserialize, Serialize};

use super::ExpectedRow;
use crate::{
    Timestamp,
    id::{CareAreaId, ExpectedPumpId, LocationId, ModelId},
    pump::{MacAddress, Udi},
    text::{AssetTag, HardwareId, SerialNumber},
};

/// A pump that the hospital expects to see on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedPump {
    pub id: ExpectedPumpId,
    pub serial: SerialNumber,
    pub model: ModelId,
    pub asset_tag: Option<AssetTag>,
    pub udi: Option<Udi>,
    pub hardware_id: Option<HardwareId>,
    pub macs: Vec<MacAddress>,
    pub care_area: Option<CareAreaId>,
    pub location: Option<LocationId>,
    /// When it came onto the list.
    pub listed_at: Timestamp,
}

/// What an import does with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ImportAction {
    /// Not on the list yet.
    Add,
    /// On the list with other particulars.
    Change,
    /// On the list just so.
    Keep,
}

/// What an import would do, line by line, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPlan {
    pub lines: Vec<(ImportAction, ExpectedRow)>,
}

impl ImportPlan {
    /// How many lines have an action.
    #[must_use]
    pub fn count(&self, action: ImportAction) -> usize {
        self.lines
            .iter()
            .filter(|(planned, _)| *planned == action)
            .count()
    }
}

/// Compares the lines of a file with the list as it stands. `listed` finds a line's counterpart by manufacturer,
/// model and serial number, in the same form. A file never removes anything from the list.
#[must_use]
pub fn plan_import<'a>(
    rows: Vec<ExpectedRow>,
    listed: impl Fn(&ExpectedRow) -> Option<&'a ExpectedRow>,
) -> ImportPlan {
    let lines = rows
        .into_iter()
        .map(|row| {
            let action = match listed(&row) {
                None => ImportAction::Add,
                Some(old) if old.says_the_same(&row) => ImportAction::Keep,
                Some(_) => ImportAction::Change,
            };
            (action, row)
        })
        .collect();
    ImportPlan { lines }
}
