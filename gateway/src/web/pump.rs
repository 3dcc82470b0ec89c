//! A pump as people name it: asset tag first, then model and place; never an id.

use fleet::{
    Timestamp,
    pump::{Availability, Status, StatusInput, availability, status},
};
use store::PumpListing;

use super::{icon::Icon, when::When, words};
use crate::app::App;

/// A pump in a list.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What is on its label.
    pub(super) name: String,
    pub(super) model: String,
    /// Where it is kept.
    pub(super) place: Option<String>,
    pub(super) status: Status,
    /// Free, and said so just now.
    pub(super) ready: bool,
    /// Why it is held.
    pub(super) why: Option<String>,
    pub(super) heard: Option<When>,
    pub(super) connected: bool,
}

impl Line {
    /// A pump as it is at an instant.
    pub(super) fn of(listing: &PumpListing, app: &App, now: Timestamp) -> Self {
        let heard = listing.last_seen.unwrap_or(listing.pump.enrolled_at);
        let status = status(StatusInput {
            retired: listing.pump.retired_at.is_some(),
            hold: listing.pump.hold.as_ref().map(|hold| hold.kind),
            missing: now - heard > app.settings.missing_after,
            has_care_area: listing.pump.care_area.is_some(),
            update: listing.update,
        });
        let free = listing.state.as_ref().is_some_and(|state| {
            availability(state.activity, state.patient_attached, state.received_at, now) == Availability::Free
        });
        Self {
            name: listing
                .pump
                .asset_tag
                .as_ref()
                .map_or_else(|| listing.pump.serial.to_string(), ToString::to_string),
            model: listing.model_name.to_string(),
            place: listing.location_name.as_ref().map(ToString::to_string),
            ready: free && matches!(status, Status::InService | Status::UpdateStaged),
            status,
            why: listing.pump.hold.as_ref().map(|hold| hold.reason.to_string()),
            heard: listing.last_seen.map(|at| When::of(at, now, app.people.zone)),
            connected: listing.connected,
        }
    }

    /// The shape of its status.
    pub(super) const fn icon(&self) -> Icon {
        words::icon(self.status)
    }

    /// The word of its status.
    pub(super) const fn label(&self) -> &'static str {
        self.status.label()
    }

    /// What that asks of whoever stands before it.
    pub(super) const fn to_do(&self) -> &'static str {
        words::to_do(self.status)
    }
}
