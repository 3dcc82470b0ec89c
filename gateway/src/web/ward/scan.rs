//! A scan, and what is said of the pump: full screen, in words, with the nearest other one where this is not to be used.

use std::collections::BTreeMap;

use actix_web::web::{Data, Query};
use askama::Template;
use fleet::{
    Timestamp,
    access::{CareAreas, Permission},
    id::{CareAreaId, ModelId},
    pump::{Availability, Status, availability},
};
use store::{Db, PumpFilter, PumpListing, StoreError};

use super::target::{Asked, Done, Named};
use crate::{
    api::problem::Problem,
    app::App,
    web::{
        Answer, Web, board,
        frame::Frame,
        gate::Visitor,
        home, page as rendered,
        page::Page,
        pump::{Line, may_be_used},
        when::When,
        words::Verdict,
    },
};

/// So many pumps of one care area are looked at for another one.
const LOOKED_AT: u32 = 500;

/// Pumps of the kind that are ready, in one place.
struct Nearest {
    place: String,
    names: Vec<String>,
    /// The care area's list of ready pumps.
    path: String,
}

/// A pump, and what is said of it.
struct Seen {
    named: Named,
    verdict: Verdict,
    why: String,
    /// Since when, where a hold says it.
    since: Option<When>,
    nearest: Vec<Nearest>,
    may_sign: bool,
    may_report: bool,
}

/// One of several pumps with the same serial number.
struct Choice {
    model: String,
    place: String,
    path: String,
}

enum Outcome {
    /// Nothing was asked yet.
    Nothing,
    /// There is no such pump.
    None {
        names_a_model: bool,
    },
    Several(Vec<Choice>),
    One(Box<Seen>),
}

struct Content {
    q: String,
    live: String,
    outcome: Outcome,
    done: Option<Done>,
}

#[derive(Template)]
#[template(path = "ward_scan.html")]
struct ScanPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "ward_scan_part.html")]
struct ScanPart {
    content: Content,
}

/// Where somebody is: in their one care area, else where the pump belongs.
fn here(visitor: &Visitor, pump: Option<CareAreaId>) -> Option<CareAreaId> {
    let grants = &visitor.caller.identified.principal.grants;
    let mut named = grants.iter().filter_map(|grant| match &grant.care_areas {
        CareAreas::Named(named) if named.len() == 1 => named.first().copied(),
        CareAreas::Named(_) | CareAreas::All => None,
    });
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only),
        _ => pump,
    }
}

/// The places in a care area where pumps of the kind are ready, the most first.
fn ready_in(
    db: &mut Db<'_>,
    app: &App,
    area: CareAreaId,
    model: ModelId,
    now: Timestamp,
) -> Result<Vec<Nearest>, StoreError> {
    let filter = PumpFilter {
        care_area: Some(area),
        model: Some(model),
        held: Some(false),
        connected: Some(true),
        ..PumpFilter::default()
    };
    let mut places: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for listing in db.pump_list(&filter, None, LOOKED_AT)?.items {
        let line = Line::of(&listing, app, now);
        let Some(area) = listing.care_area_name.as_ref().filter(|_| line.ready) else {
            continue;
        };
        let place = match &line.place {
            Some(place) => format!("{area}, {place}"),
            None => area.to_string(),
        };
        let path = format!("{}?show=ready", board::area_path(area));
        places.entry((place, path)).or_default().push(line.name);
    }
    let mut nearest: Vec<_> = places
        .into_iter()
        .map(|((place, path), names)| Nearest { place, names, path })
        .collect();
    nearest.sort_by_key(|place| std::cmp::Reverse(place.names.len()));
    nearest.truncate(2);
    Ok(nearest)
}

/// Where the nearest ready pumps of the kind are: here, else in the care area that has most of them.
fn nearest(
    db: &mut Db<'_>,
    app: &App,
    visitor: &Visitor,
    listing: &PumpListing,
    now: Timestamp,
) -> Result<Vec<Nearest>, StoreError> {
    let model = listing.pump.model;
    let here = here(visitor, listing.pump.care_area);
    if let Some(here) = here {
        let found = ready_in(db, app, here, model, now)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let mut counts: BTreeMap<CareAreaId, usize> = BTreeMap::new();
    for pump in db.pump_board()? {
        let is_free = pump.said.is_some_and(|said| {
            availability(said.activity, said.patient_attached, said.received_at, now) == Availability::Free
        });
        if let Some(area) = pump.care_area
            && pump.model == model
            && is_free
            && may_be_used(board::status_of(&pump, app, now))
        {
            *counts.entry(area).or_default() += 1;
        }
    }
    match counts.into_iter().max_by_key(|(_, count)| *count) {
        Some((area, _)) => ready_in(db, app, area, model, now),
        None => Ok(Vec::new()),
    }
}

fn seen(
    db: &mut Db<'_>,
    app: &App,
    visitor: &Visitor,
    listing: &PumpListing,
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let named = Named::of(listing, app, now);
    let line = &named.line;
    let heard = line.heard.is_some();
    let verdict = Verdict::of(line.status, line.in_use, heard);
    let may = |permission: Permission| {
        visitor
            .reach(app, permission)
            .is_some_and(|reach| reach.includes(listing.pump.care_area))
    };
    let hold = listing.pump.hold.as_ref();
    let is_free_to_hold = hold.is_none() && line.status != Status::Retired;
    let why = match hold {
        Some(hold) if line.status == Status::Held => hold.reason.to_string(),
        _ => Verdict::why(line.status, heard).to_owned(),
    };
    Ok(Seen {
        verdict,
        since: hold.map(|hold| When::of(hold.since, now, app.people.zone)),
        nearest: if verdict.wants_another() {
            nearest(db, app, visitor, listing, now)?
        } else {
            Vec::new()
        },
        may_sign: verdict == Verdict::Check && may(Permission::SignVerified),
        may_report: is_free_to_hold && may(Permission::PumpHold),
        why,
        named,
    })
}

fn read(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Content, Problem> {
    let now = app.now();
    let outcome = app.store.read(|db| {
        if asked.text().is_none() {
            return Ok(Outcome::Nothing);
        }
        let found = asked.find(db)?;
        Ok(match found.as_slice() {
            [] => Outcome::None {
                names_a_model: asked.names_a_model(),
            },
            [only] => Outcome::One(Box::new(seen(db, app, visitor, only, now)?)),
            several => Outcome::Several(
                several
                    .iter()
                    .map(|listing| {
                        let named = Named::of(listing, app, now);
                        Choice {
                            place: named.area.clone().unwrap_or_default(),
                            path: named.scan,
                            model: format!("{} {}", listing.manufacturer_name, listing.model_name),
                        }
                    })
                    .collect(),
            ),
        })
    })?;
    let (_, query) = visitor.path.split_once('?').unwrap_or_default();
    Ok(Content {
        q: asked.q.clone(),
        live: format!("{}?{query}", Page::ScanPart.path()),
        outcome,
        done: asked.done,
    })
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, asked: Query<Asked>) -> Answer {
    let (person, asked) = (visitor.clone(), asked.into_inner());
    let content = web.run(move |app| read(app, &person, &asked)).await?;
    let frame = Frame::of(&web, &visitor);
    let frame = match &content.outcome {
        Outcome::Nothing => frame.below(home::of(web.app(), &visitor.caller).path(), "Pumps"),
        Outcome::None { .. } | Outcome::Several(_) => frame.below(Page::Scan.path(), "Scan"),
        Outcome::One(seen) => {
            let title = format!("{}: {}", seen.named.line.name, seen.verdict.words());
            frame.below(Page::Scan.path(), "Scan").titled(title)
        }
    };
    rendered(&ScanPage { frame, content })
}

pub(in crate::web) async fn part(web: Data<Web>, visitor: Visitor, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    let content = web.run(move |app| read(app, &visitor, &asked)).await?;
    rendered(&ScanPart { content })
}
