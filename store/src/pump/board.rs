//! Every pump in a few columns: what an overview of the whole hospital is counted from.

use std::collections::HashMap;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{CareAreaId, ModelId, PumpId},
    pump::{Activity, HoldKind},
    rollout::state::AssignmentState,
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{assignments, presence, pump_states, pumps},
    sql::Val,
};

/// A pump, as far as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpOnBoard {
    /// Which one.
    pub pump: PumpId,
    /// Of which model.
    pub model: ModelId,
    /// Whose it is.
    pub care_area: Option<CareAreaId>,
    /// Held, and how.
    pub hold: Option<HoldKind>,
    /// Whether it is connected.
    pub connected: bool,
    /// When it was last heard of; of one that never said a word, when it enrolled.
    pub heard_at: Timestamp,
    /// What it last said, and when.
    pub said: Option<Said>,
    /// How far its update is, where it has one under way.
    pub update: Option<AssignmentState>,
}

/// What a pump last said it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub activity: Activity,
    /// Whether a patient is attached.
    pub patient_attached: bool,
    /// When we heard it.
    pub received_at: Timestamp,
}

type Row = (
    PumpId,
    ModelId,
    Option<CareAreaId>,
    Option<HoldKind>,
    Timestamp,
    Option<(bool, Timestamp)>,
    Option<(Activity, bool, Timestamp)>,
);

impl Db<'_> {
    /// Every pump that did not leave for good, in no order.
    pub fn pump_board(&mut self) -> Result<Vec<PumpOnBoard>, StoreError> {
        let rows: Vec<Row> = pumps::table
            .left_join(presence::table)
            .left_join(pump_states::table)
            .filter(pumps::retired_at.is_null())
            .select((
                pumps::id,
                pumps::model,
                pumps::care_area,
                pumps::hold_kind,
                pumps::enrolled_at,
                (presence::connected, presence::last_seen).nullable(),
                (
                    pump_states::activity,
                    pump_states::patient_attached,
                    pump_states::received_at,
                )
                    .nullable(),
            ))
            .load(self.connection)
            .attempt("read the board of pumps")?;
        let updates = self.update_of(None)?;
        Ok(rows
            .into_iter()
            .map(|(pump, model, care_area, hold, enrolled_at, presence, state)| {
                let said = state.map(|(activity, patient_attached, received_at)| Said {
                    activity,
                    patient_attached,
                    received_at,
                });
                let seen = presence.map(|(_, last_seen)| last_seen);
                let heard = seen.max(said.map(|said| said.received_at));
                PumpOnBoard {
                    pump,
                    model,
                    care_area,
                    hold,
                    connected: presence.is_some_and(|(connected, _)| connected),
                    heard_at: heard.unwrap_or(enrolled_at),
                    said,
                    update: updates.get(&pump).copied(),
                }
            })
            .collect())
    }

    /// How far the updates that are under way are: of these pumps, or of all.
    pub(crate) fn update_of(
        &mut self,
        of: Option<&[PumpId]>,
    ) -> Result<HashMap<PumpId, AssignmentState>, StoreError> {
        let live = AssignmentState::ALL
            .iter()
            .copied()
            .filter(|state| state.is_live());
        let mut query = assignments::table
            .filter(assignments::state.eq_any(live.map(Val)))
            .select((assignments::pump, assignments::state))
            .into_boxed();
        if let Some(of) = of {
            query = query.filter(assignments::pump.eq_any(of.iter().map(Val)));
        }
        let rows: Vec<(PumpId, AssignmentState)> =
            query.load(self.connection).attempt("read how far updates are")?;
        Ok(rows.into_iter().collect())
    }
}
