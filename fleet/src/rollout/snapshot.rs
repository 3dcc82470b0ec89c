//! What the planner is shown: everything that a decision depends on, at one instant, and nothing else.

use std::collections::BTreeMap;

use super::{
    floor::Group,
    gate::Signed,
    limits::{HospitalLimits, Limits, later},
    state::{AssignmentState, RolloutState, WaveState},
    window::Window,
};
use crate::{
    Timestamp,
    check::CheckOutcome,
    id::{AccountId, AssignmentId, CareAreaId, ModelId, PumpId, RolloutId, TicketId, WaveId},
    pump::{Activity, Availability, HoldKind, SecurityCounter, availability},
    signature::Digest,
    text::{Name, Reason},
};

/// Counts the changes of a row. A step names the one it was planned from, so that one that was overtaken changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RowVersion(pub i64);

/// The world at one instant.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Rollouts that have something left to do, those that were cancelled with pumps under way among them.
    pub rollouts: Vec<RolloutFacts>,
    /// Every pump of them, and every pump that counts for a ward floor.
    pub pumps: BTreeMap<PumpId, PumpFacts>,
    /// Tickets that a pump may still hold, whatever their assignment came to.
    pub tickets: Vec<TicketFacts>,
    /// How many pumps of a kind a care area keeps in service; what is not here has no floor.
    pub floors: BTreeMap<Group, u32>,
    /// Since when the gateway listens. What a pump did not say before then is no silence of its.
    pub listening_since: Timestamp,
    /// The bounds of the hospital.
    pub hospital: HospitalLimits,
}

/// A rollout.
#[derive(Debug, Clone)]
pub struct RolloutFacts {
    pub id: RolloutId,
    pub row_version: RowVersion,
    pub state: RolloutState,
    /// Who wrote it.
    pub author: AccountId,
    /// The signatures of approval on record.
    pub approvals: Vec<Signed>,
    /// Why it can not wait. Shorter soak, two approvals instead of one; the safety rules are the same.
    pub emergency: Option<Reason>,
    /// It does not begin before.
    pub begins_at: Timestamp,
    /// The counter of its release, to which pumps rise by it.
    pub counter: SecurityCounter,
    /// The least counter that a pump may return to after it (S9).
    pub floor_counter: SecurityCounter,
    /// Outside of these nothing is sent to a pump.
    pub windows: Vec<Window>,
    pub limits: Limits,
    /// In their order.
    pub waves: Vec<WaveFacts>,
}

/// A wave.
#[derive(Debug, Clone)]
pub struct WaveFacts {
    pub id: WaveId,
    /// From 1.
    pub number: u32,
    pub row_version: RowVersion,
    pub state: WaveState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// When it opened, or was last let go on.
    pub opened_at: Option<Timestamp>,
    /// The care areas it touches.
    pub care_areas: Vec<CareAreaFacts>,
    pub assignments: Vec<AssignmentFacts>,
    /// So many failures a person looked at, with a reason, when the wave was let go on after a halt.
    pub failures_accepted: u32,
    /// What its gate passed on, once it did.
    pub evidence: Option<Digest>,
}

/// A care area of a wave, and what its people said.
#[derive(Debug, Clone)]
pub struct CareAreaFacts {
    pub id: CareAreaId,
    pub name: Name,
    /// How many people work there.
    pub staff: u32,
    /// How many of them said that they read the briefing.
    pub briefed: u32,
    /// The signatures for this wave: of the briefing, and of what came of it.
    pub signatures: Vec<Signed>,
}

/// A pump in a wave.
#[derive(Debug, Clone)]
pub struct AssignmentFacts {
    pub id: AssignmentId,
    pub pump: PumpId,
    pub row_version: RowVersion,
    pub state: AssignmentState,
    /// Since when it is in that state.
    pub since: Timestamp,
    /// Whether the release still fits the pump, as it is now.
    pub fit: Fit,
    /// The last refusal or broken download.
    pub setback: Option<Setback>,
    /// What its checks come to.
    pub checks: CheckOutcome,
    /// It reported, signed, exactly the versions that its ticket names.
    pub versions_proved: bool,
    /// Who ran its manual checks: they do not sign it as verified (S12).
    pub checked_by: Vec<AccountId>,
    /// The signatures that verify it.
    pub signatures: Vec<Signed>,
    /// It was left for the catch-up list.
    pub left_behind: bool,
    /// When a person last wanted it tried again: its time runs anew from then.
    pub again_at: Option<Timestamp>,
    /// A person wants it out of the wave. It goes as soon as no ticket is out.
    pub leaving: bool,
    /// Somebody wants it back on the old version.
    pub roll_back: Option<RollBack>,
}

/// Whether a release fits a pump.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fit {
    #[default]
    Fits,
    /// Why not: no path from its version, other hardware, drug library.
    No(Reason),
}

/// A pump would not, or could not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    /// When.
    pub at: Timestamp,
    /// How many there were.
    pub count: u32,
    /// What the pump said.
    pub words: Option<Reason>,
}

/// An order to go back to the old version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollBack {
    /// Who asked for it.
    pub asked_by: AccountId,
    /// When the pump was told, once it was.
    pub ordered_at: Option<Timestamp>,
}

/// A ticket that a pump may still hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketFacts {
    pub id: TicketId,
    pub assignment: AssignmentId,
    pub pump: PumpId,
    /// The pump does not use it after this instant.
    pub not_after: Timestamp,
    /// The pump was told to give it back; it did not answer yet.
    pub withdrawn: bool,
}

impl TicketFacts {
    /// From when on no pump uses it, whatever its clock: the instant in the ticket, and what a trusted clock may be slow.
    #[must_use]
    pub fn gone_at(&self) -> Timestamp {
        later(self.not_after, TICKET_GRACE)
    }
}

/// So much a pump's trusted clock may be slow.
pub const TICKET_GRACE: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Whether the hospital has a pump at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whereabouts {
    Known,
    /// Not heard of for longer than the hospital accepts.
    Missing,
    /// It has left for good.
    Retired,
}

/// A pump, as far as a rollout depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpFacts {
    pub row_version: RowVersion,
    /// Where it belongs.
    pub care_area: Option<CareAreaId>,
    /// What it is.
    pub model: ModelId,
    /// What it last said it is doing.
    pub activity: Activity,
    /// Whether it last said that a patient is attached.
    pub patient_attached: bool,
    /// When it was last heard of, by our clock; nothing if never.
    pub heard_at: Option<Timestamp>,
    /// Whether it has a connection.
    pub connected: bool,
    /// What holds it.
    pub hold: Option<HoldKind>,
    /// Whether the hospital has it at all.
    pub whereabouts: Whereabouts,
    /// Its counter, once reported.
    pub counter: Option<SecurityCounter>,
    /// The counter of the firmware in its other slot, once reported.
    pub other_slot: Option<SecurityCounter>,
}

impl PumpFacts {
    /// S3: free only if it says so itself, and just now. What was never heard of is busy.
    #[must_use]
    pub fn availability(&self, now: Timestamp) -> Availability {
        self.heard_at.map_or(Availability::Busy, |heard_at| {
            availability(self.activity, self.patient_attached, heard_at, now)
        })
    }

    /// Whether it counts as in service for its care area, but for what a rollout does to it.
    #[must_use]
    pub const fn is_in_service(&self) -> bool {
        self.hold.is_none() && matches!(self.whereabouts, Whereabouts::Known)
    }

    /// The group in which it counts.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        self.care_area.map(|care_area| Group {
            care_area,
            model: self.model,
        })
    }
}
