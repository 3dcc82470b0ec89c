//! A pump as people name it: asset tag first, then model and place; never an id.

use chrono::TimeDelta;
use fleet::{
    Timestamp,
    pump::{Availability, Pump, STALE_AFTER, Status, StatusInput, availability, status},
};
use store::PumpListing;

use super::{icon::Icon, page::Page, when::When, words};
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
    /// With a patient, or about to be, and said so just now.
    pub(super) in_use: bool,
    /// Why it is held.
    pub(super) why: Option<String>,
    pub(super) heard: Option<When>,
    /// Its page for whoever stands before it.
    pub(super) path: String,
}

/// Whether a pump of this status is for patients.
pub(super) const fn may_be_used(status: Status) -> bool {
    matches!(status, Status::InService | Status::UpdateStaged)
}

/// Where a page of a pump is.
pub(super) fn path(page: Page, pump: &Pump, model: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    match &pump.asset_tag {
        Some(tag) => query.append_pair("q", tag.as_str()),
        // Serial numbers are a maker's own: two may give the same.
        None => query
            .append_pair("q", pump.serial.as_str())
            .append_pair("model", model),
    };
    format!("{}?{}", page.path(), query.finish())
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
        let said = listing.state.as_ref();
        let is_free = said.is_some_and(|state| {
            availability(state.activity, state.patient_attached, state.received_at, now) == Availability::Free
        });
        let is_fresh =
            said.is_some_and(|state| (TimeDelta::zero()..=STALE_AFTER).contains(&(now - state.received_at)));
        Self {
            name: listing
                .pump
                .asset_tag
                .as_ref()
                .map_or_else(|| listing.pump.serial.to_string(), ToString::to_string),
            model: listing.model_name.to_string(),
            place: listing.location_name.as_ref().map(ToString::to_string),
            ready: is_free && may_be_used(status),
            in_use: is_fresh && !is_free,
            status,
            why: listing.pump.hold.as_ref().map(|hold| hold.reason.to_string()),
            heard: listing.last_seen.map(|at| When::of(at, now, app.people.zone)),
            path: path(Page::Scan, &listing.pump, listing.model_name.as_str()),
        }
    }

    /// The shape of its status.
    pub(super) const fn icon(&self) -> Icon {
        if may_be_used(self.status) && self.heard.is_none() {
            Icon::Idle
        } else {
            words::icon(self.status)
        }
    }

    /// The word of its status.
    pub(super) const fn label(&self) -> &'static str {
        self.status.label()
    }

    /// What that asks of whoever stands before it. Nothing good is said of a pump that was never heard of.
    pub(super) const fn to_do(&self) -> &'static str {
        if may_be_used(self.status) && self.heard.is_none() {
            words::NEVER_HEARD
        } else {
            words::to_do(self.status)
        }
    }
}
