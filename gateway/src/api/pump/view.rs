//! A pump as it is shown.

use std::{collections::BTreeSet, net::IpAddr};

use chrono::{NaiveDate, TimeDelta};
use fleet::{
    Timestamp,
    id::{PumpId, SignatureId},
    pump::{
        Activity, Availability, Component, Hold, HoldEffect, HoldKind, MacAddress, PumpState, Status,
        StatusInput, Udi, availability, hold_effect, status,
    },
    text::{AssetTag, Contact, HardwareId, Name, Reason, SerialNumber, Tag},
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};
use serde::Serialize;
use store::{ManufacturerRecord, PumpListing};
use utoipa::ToSchema;

use super::super::{DateTime, model::SupportView};

/// What is compared with when a pump is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present {
    pub(super) now: DateTime,
    /// By the clocks on the hospital's walls.
    pub(super) day: NaiveDate,
    pub(super) missing_after: TimeDelta,
}

/// A pump: what and where it is, and what it last said.
#[derive(Serialize, ToSchema)]
pub(super) struct PumpView {
    pub(super) id: PumpId,
    /// Counts changes of the record; an edit names it in `If-Match`.
    pub(super) row_version: i64,
    pub(super) serial: SerialNumber,
    pub(super) manufacturer: Name,
    pub(super) model: Name,
    /// Until when its model is supported.
    pub(super) support: SupportView,
    pub(super) asset_tag: Option<AssetTag>,
    pub(super) udi: Option<UdiView>,
    pub(super) hardware_id: Option<HardwareId>,
    pub(super) care_area: Option<Name>,
    /// Where it is kept when not in use.
    pub(super) location: Option<Name>,
    /// The hospital's own words for the groups it belongs to.
    pub(super) tags: BTreeSet<Tag>,
    #[schema(value_type = Vec<String>)]
    pub(super) macs: Vec<MacAddress>,
    /// The set of component versions that is its firmware.
    pub(super) components: Vec<Component>,
    pub(super) status: Status,
    /// The status in the words of a screen.
    pub(super) status_label: &'static str,
    pub(super) connected: bool,
    pub(super) connected_since: Option<DateTime>,
    /// Where its connection comes from.
    #[schema(value_type = Option<String>)]
    pub(super) address: Option<IpAddr>,
    pub(super) last_seen: Option<DateTime>,
    pub(super) enrolled_at: DateTime,
    pub(super) retired_at: Option<DateTime>,
    pub(super) hold: Option<HoldView>,
    pub(super) state: Option<StateView>,
    /// Who last signed it as verified for clinical use, and whether that stands.
    pub(super) verified: Option<VerifiedView>,
    /// When its newest certificate runs out.
    pub(super) certificate_not_after: Option<DateTime>,
    /// How to reach its manufacturer; only where one pump is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contact: Option<ContactView>,
}

/// Unique Device Identification, whole and in its parts.
#[derive(Serialize, ToSchema)]
pub(super) struct UdiView {
    /// As printed, with brackets.
    pub(super) text: String,
    pub(super) device_identifier: String,
    pub(super) batch: Option<String>,
    pub(super) produced: Option<NaiveDate>,
    pub(super) expires: Option<NaiveDate>,
    pub(super) serial: Option<String>,
}

/// What keeps a pump out of use.
#[derive(Serialize, ToSchema)]
pub(super) struct HoldView {
    pub(super) kind: HoldKind,
    pub(super) reason: Reason,
    pub(super) since: DateTime,
    /// A hold never stops an infusion: until the pump is free, it waits.
    pub(super) effect: HoldEffect,
}

/// A signature as verified for clinical use.
#[derive(Serialize, ToSchema)]
pub(super) struct VerifiedView {
    pub(super) signature: SignatureId,
    /// The name that is printed beside it.
    pub(super) by: Name,
    pub(super) at: DateTime,
    /// Nothing of what was signed changed since; else the signature is void.
    pub(super) stands: bool,
}

/// What a pump said about itself.
#[derive(Serialize, ToSchema)]
pub(super) struct StateView {
    /// By the pump's clock.
    pub(super) reported_at: DateTime,
    /// By ours.
    pub(super) received_at: DateTime,
    pub(super) activity: Activity,
    /// Free only if it said so just now, and no patient is attached; all doubt is busy.
    pub(super) availability: Availability,
    pub(super) patient_attached: bool,
    pub(super) rate_ml_h: Option<MillilitresPerHour>,
    pub(super) infused_ml: Option<Millilitres>,
    pub(super) battery_percent: Option<BatteryPercent>,
    pub(super) on_mains: bool,
    pub(super) signal_dbm: Option<SignalDbm>,
    /// The place the pump believes it is in.
    pub(super) place: Option<Name>,
    /// The alarm that is sounding.
    pub(super) alarm: Option<Name>,
}

/// How to reach a manufacturer.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactView {
    email: Option<Contact>,
    phone: Option<Contact>,
    web: Option<Contact>,
}

impl From<ManufacturerRecord> for ContactView {
    fn from(maker: ManufacturerRecord) -> Self {
        Self {
            email: maker.email,
            phone: maker.phone,
            web: maker.web,
        }
    }
}

impl From<Udi> for UdiView {
    fn from(udi: Udi) -> Self {
        let text = udi.to_string();
        let Udi {
            device_identifier,
            batch,
            produced,
            expires,
            serial,
        } = udi;
        Self {
            text,
            device_identifier,
            batch,
            produced,
            expires,
            serial,
        }
    }
}

impl StateView {
    pub(super) fn of(state: PumpState, now: Timestamp) -> Self {
        let availability = availability(state.activity, state.patient_attached, state.received_at, now);
        let PumpState {
            pump: _,
            reported_at,
            received_at,
            activity,
            patient_attached,
            rate,
            infused,
            battery,
            on_mains,
            signal,
            place,
            alarm,
        } = state;
        Self {
            reported_at,
            received_at,
            activity,
            availability,
            patient_attached,
            rate_ml_h: rate,
            infused_ml: infused,
            battery_percent: battery,
            on_mains,
            signal_dbm: signal,
            place,
            alarm,
        }
    }
}

impl PumpView {
    pub(super) fn of(listing: PumpListing, present: Present) -> Self {
        let PumpListing {
            pump,
            manufacturer_name,
            model_name,
            support,
            care_area_name,
            location_name,
            tags,
            connected,
            connected_since,
            peer,
            last_seen,
            state,
            certificate_not_after,
            verification,
            update,
        } = listing;
        let verified = verification.map(|signed| VerifiedView {
            signature: signed.signature,
            by: signed.printed_name,
            at: signed.signed_at,
            stands: signed.version == pump.content_version,
        });
        let heard = last_seen.unwrap_or(pump.enrolled_at);
        let status = status(StatusInput {
            retired: pump.retired_at.is_some(),
            hold: pump.hold.as_ref().map(|hold| hold.kind),
            missing: present.now - heard > present.missing_after,
            has_care_area: pump.care_area.is_some(),
            update,
        });
        let state = state.map(|state| StateView::of(state, present.now));
        // Of a pump that never said a word, nobody knows that it is free.
        let availability = state
            .as_ref()
            .map_or(Availability::Busy, |state| state.availability);
        let hold = pump.hold.map(|Hold { kind, reason, since }| HoldView {
            kind,
            reason,
            since,
            effect: hold_effect(availability),
        });
        Self {
            id: pump.id,
            row_version: pump.row_version,
            serial: pump.serial,
            manufacturer: manufacturer_name,
            model: model_name,
            support: SupportView::on(support, present.day),
            asset_tag: pump.asset_tag,
            udi: pump.udi.map(UdiView::from),
            hardware_id: pump.hardware_id,
            care_area: care_area_name,
            location: location_name,
            tags,
            macs: pump.macs,
            components: pump.components,
            status,
            status_label: status.label(),
            connected,
            connected_since,
            address: peer,
            last_seen,
            enrolled_at: pump.enrolled_at,
            retired_at: pump.retired_at,
            hold,
            state,
            verified,
            certificate_not_after,
            contact: None,
        }
    }
}
