//! Pumps, as rollouts and releases see them.

use std::collections::HashMap;

use chrono::NaiveDate;
use fleet::{
    Timestamp,
    id::{AssignmentId, PumpId},
    pump::{Activity, Component, InstalledComponent, PumpFacts as Described, Status, SupportStage},
    release::choose_target,
    rollout::{
        snapshot::{Fit, PumpFacts, RowVersion, Whereabouts},
        state::Stage,
    },
    text::Reason,
    version::VersionScheme,
};
use store::{Db, Heard, PumpFilter, PumpListing, PumpSoftware, StoreError};

use super::Facts;
use crate::{app::App, exposure::open::Open};

/// Every pump that a filter of the store lists.
pub(crate) fn every_pump(db: &mut Db<'_>, filter: &PumpFilter) -> Result<Vec<PumpListing>, StoreError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = db.pump_list(filter, after.as_deref(), store::PAGE_MAX)?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// A pump as releases and filters see it on a day, with what is open on it.
pub(crate) fn described(
    listing: &PumpListing,
    software: Option<&PumpSoftware>,
    schemes: &HashMap<String, VersionScheme>,
    day: NaiveDate,
    open: &Open,
) -> Described {
    let pump = &listing.pump;
    let component = |part: &Component| InstalledComponent {
        name: part.name.clone(),
        version: part.version.clone(),
        scheme: schemes
            .get(part.name.as_str())
            .copied()
            .unwrap_or(VersionScheme::Unknown),
    };
    let software = software.cloned().unwrap_or_default();
    Described {
        id: pump.id,
        serial: pump.serial.clone(),
        asset_tag: pump.asset_tag.clone(),
        manufacturer: listing.manufacturer_name.clone(),
        model: listing.model_name.clone(),
        hardware_id: pump.hardware_id.clone(),
        modules: software.modules.into_iter().collect(),
        components: pump.components.iter().map(component).collect(),
        counter: software.counter,
        drug_library: software.library,
        care_area: listing.care_area_name.clone(),
        location: listing.location_name.clone(),
        tags: listing.tags.clone(),
        status: if pump.retired_at.is_some() {
            Status::Retired
        } else {
            Status::InService
        },
        hold: pump.hold.as_ref().map(|hold| hold.kind),
        past_support: listing.support.on(day) == SupportStage::Ended,
        vulnerabilities: open.on(pump),
    }
}

fn pump_facts(listing: &PumpListing, software: Option<&PumpSoftware>) -> PumpFacts {
    let state = listing.state.as_ref();
    PumpFacts {
        row_version: RowVersion(listing.pump.row_version),
        care_area: listing.pump.care_area,
        model: listing.pump.model,
        activity: state.map_or(Activity::Unknown, |state| state.activity),
        patient_attached: state.is_none_or(|state| state.patient_attached),
        heard_at: state.map(|state| state.received_at),
        connected: listing.connected,
        hold: listing.pump.hold.as_ref().map(|hold| hold.kind),
        whereabouts: if listing.pump.retired_at.is_some() {
            Whereabouts::Retired
        } else {
            Whereabouts::Known
        },
        counter: software.and_then(|software| software.counter),
        other_slot: software.and_then(|software| software.other_counter),
    }
}

impl Facts {
    /// Takes pumps in as they are now, and whether the release still fits those that did not begin to install.
    pub(super) fn take_in(
        &mut self,
        db: &mut Db<'_>,
        app: &App,
        listings: &[PumpListing],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<_> = listings.iter().map(|listing| listing.pump.id).collect();
        let software: HashMap<_, _> = db.pump_software_of(&ids)?.into_iter().collect();
        let day = app.people.day(now);
        let open = Open::read(db, listings)?;
        for listing in listings {
            let id = listing.pump.id;
            let software = software.get(&id);
            let facts = pump_facts(listing, software);
            let heard = [listing.last_seen, facts.heard_at];
            let sign = heard
                .into_iter()
                .flatten()
                .fold(listing.pump.enrolled_at, Timestamp::max);
            self.snapshot.pumps.insert(id, facts);
            self.signs.insert(id, sign);
            self.locate(app, id, now);
            for assignment in self.of_pump.get(&id).cloned().unwrap_or_default() {
                self.read_fit(assignment, listing, software, day, &open);
            }
        }
        Ok(())
    }

    /// What a pump said last. It changes nothing but that.
    pub(super) fn hear(&mut self, app: &App, heard: &Heard, now: Timestamp) {
        let Some(pump) = self.snapshot.pumps.get_mut(&heard.pump) else {
            return;
        };
        pump.connected = heard.connected;
        if let Some((activity, patient_attached, at)) = heard.state {
            pump.activity = activity;
            pump.patient_attached = patient_attached;
            pump.heard_at = Some(at);
        }
        if let Some(sign) = self.signs.get_mut(&heard.pump) {
            let heard = [heard.last_seen, pump.heard_at];
            *sign = heard.into_iter().flatten().fold(*sign, Timestamp::max);
        }
        self.locate(app, heard.pump, now);
    }

    /// Whether a pump is missing, at this moment.
    fn locate(&mut self, app: &App, id: PumpId, now: Timestamp) {
        let (Some(pump), Some(sign)) = (self.snapshot.pumps.get_mut(&id), self.signs.get(&id)) else {
            return;
        };
        if pump.whereabouts == Whereabouts::Retired {
            return;
        }
        let after = app.settings.missing_after;
        if now.signed_duration_since(sign) > after {
            pump.whereabouts = Whereabouts::Missing;
        } else {
            pump.whereabouts = Whereabouts::Known;
            let goes = sign.checked_add_signed(after).unwrap_or(Timestamp::MAX_UTC);
            self.missing_next = self.missing_next.min(goes);
        }
    }

    /// Looks which pumps went missing, if one may have. Says whether one did.
    pub(super) fn locate_all(&mut self, app: &App, now: Timestamp) -> bool {
        if now <= self.missing_next && now >= self.settled_at {
            return false;
        }
        self.missing_next = Timestamp::MAX_UTC;
        let mut moved = false;
        for id in self.snapshot.pumps.keys().copied().collect::<Vec<_>>() {
            let before = self.snapshot.pumps.get(&id).map(|pump| pump.whereabouts);
            self.locate(app, id, now);
            moved |= before != self.snapshot.pumps.get(&id).map(|pump| pump.whereabouts);
        }
        moved
    }

    fn read_fit(
        &mut self,
        id: AssignmentId,
        listing: &PumpListing,
        software: Option<&PumpSoftware>,
        day: NaiveDate,
        open: &Open,
    ) {
        let Some(place) = self.places.get(&id) else {
            return;
        };
        let Some(rollout) = self.snapshot.rollouts.get_mut(place.rollout) else {
            return;
        };
        let release = self
            .rollouts
            .get(&rollout.id)
            .and_then(|row| self.releases.get(&row.release));
        let row = rollout
            .waves
            .get_mut(place.wave)
            .and_then(|wave| wave.assignments.get_mut(place.row));
        let (Some(release), Some(row)) = (release, row) else {
            return;
        };
        row.fit = Fit::Fits;
        if !matches!(row.state.stage(), Stage::Waiting | Stage::Preparing) {
            return;
        }
        let pump = described(listing, software, &self.schemes, day, open);
        let why = match choose_target(&release.manifest, &pump) {
            Ok(target) if target.path == place.target => return,
            Ok(target) => format!("it would get another file by now ({})", target.path),
            Err(why) => why.to_string(),
        };
        row.fit = Reason::new(&why).map_or(Fit::Fits, Fit::No);
    }
}
