//! One pump: what it is, how it is, what it runs, what keeps it from patients, what happened to it.

use actix_web::web::{Data, Path};
use askama::Template;
use fleet::{access::Permission, event::Severity, id::PumpId};
use store::{Db, EventFilter, PumpListing, StoreError};

use super::{Clock, Fact, fact};
use crate::{
    api::problem::Problem,
    app::App,
    web::{
        Answer, Web, frame::Frame, gate::Visitor, icon::Icon, page as rendered, page::Page, pump::Line,
        when::When, words,
    },
};

/// So many events are shown.
const EVENTS: u32 = 100;

struct Hold {
    kind: &'static str,
    reason: String,
    since: When,
}

struct Update {
    rollout: String,
    path: String,
    icon: Icon,
    state: &'static str,
    since: When,
}

struct Happened {
    at: When,
    what: &'static str,
    detail: String,
    icon: Option<Icon>,
}

struct Content {
    live: String,
    line: Line,
    hold: Option<Hold>,
    facts: Vec<Fact>,
    said: Vec<Fact>,
    software: Vec<Fact>,
    updates: Vec<Update>,
    /// Nothing where whoever looks may not see them.
    events: Option<Vec<Happened>>,
}

#[derive(Template)]
#[template(path = "desk_pump.html")]
struct PumpPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "desk_pump_part.html")]
struct PumpPart {
    content: Content,
}

fn read(app: &App, visitor: &Visitor, id: PumpId) -> Result<Content, Problem> {
    let clock = Clock::of(app);
    let missing = || StoreError::NotFound {
        what: "pump",
        id: id.to_string(),
    };
    let sees_events = visitor.reach(app, Permission::EventRead);
    let content = app.store.read(|db| {
        let listing = db.pump_listing_of(&[id])?.pop().ok_or_else(missing)?;
        let hold = db.hold_standing(id)?.map(|hold| Hold {
            kind: words::hold(hold.kind),
            reason: hold.reason.to_string(),
            since: clock.when(hold.since),
        });
        let mut updates = Vec::new();
        for one in db.assignment_of_pump(id)?.into_iter().take(5) {
            let rollout = db.rollout_fetch(one.rollout)?;
            updates.push(Update {
                rollout: rollout.name.to_string(),
                path: format!("/rollouts/{}", rollout.id),
                icon: words::of_update(one.state),
                state: words::update(one.state, one.left_behind),
                since: clock.when(one.since),
            });
        }
        let may = sees_events
            .as_ref()
            .is_some_and(|reach| reach.includes(listing.pump.care_area));
        let events = if may { Some(happened(db, clock, id)?) } else { None };
        Ok::<_, StoreError>(Content {
            live: format!("/pumps/{id}/part"),
            line: Line::of(&listing, app, clock.now),
            hold,
            facts: what_it_is(&listing, clock),
            said: what_it_said(&listing, clock),
            software: listing
                .pump
                .components
                .iter()
                .map(|part| Fact {
                    name: part.name.to_string(),
                    value: part.version.to_string(),
                })
                .collect(),
            updates,
            events,
        })
    })?;
    Ok(content)
}

fn happened(db: &mut Db<'_>, clock: Clock, id: PumpId) -> Result<Vec<Happened>, StoreError> {
    let filter = EventFilter {
        pump: Some(id),
        ..EventFilter::default()
    };
    let listed = db.event_list(&filter, None, EVENTS)?.items;
    Ok(listed
        .into_iter()
        .map(|listing| {
            let event = listing.event;
            Happened {
                at: clock.when(event.at),
                what: event.kind.label(),
                detail: event.detail,
                icon: match event.kind.severity() {
                    Severity::Note => None,
                    Severity::Attention => Some(Icon::Attention),
                    Severity::Alarm => Some(Icon::Stop),
                },
            }
        })
        .collect())
}

fn what_it_is(listing: &PumpListing, clock: Clock) -> Vec<Fact> {
    let pump = &listing.pump;
    let facts = [
        fact("Serial number", Some(pump.serial.to_string())),
        fact("Manufacturer", Some(listing.manufacturer_name.to_string())),
        fact("Model", Some(listing.model_name.to_string())),
        fact("UDI", pump.udi.as_ref().map(ToString::to_string)),
        fact("Hardware", pump.hardware_id.as_ref().map(ToString::to_string)),
        fact(
            "Care area",
            Some(listing.care_area_name.as_ref().map_or_else(
                || "None: nobody could sign for it".to_owned(),
                ToString::to_string,
            )),
        ),
        fact("Kept in", listing.location_name.as_ref().map(ToString::to_string)),
        fact(
            "Tags",
            (!listing.tags.is_empty()).then(|| {
                let tags: Vec<_> = listing.tags.iter().map(ToString::to_string).collect();
                tags.join(", ")
            }),
        ),
        fact("Enrolled", Some(clock.say(pump.enrolled_at))),
        fact("Left the hospital", pump.retired_at.map(|at| clock.say(at))),
        fact(
            "Certificate good until",
            listing.certificate_not_after.map(|at| clock.say(at)),
        ),
    ];
    facts.into_iter().flatten().collect()
}

fn what_it_said(listing: &PumpListing, clock: Clock) -> Vec<Fact> {
    let state = listing.state.as_ref();
    let said = [
        fact(
            "Connection",
            Some(match listing.connected_since {
                Some(since) => format!("Connected since {}", clock.say(since)),
                None => "Not connected".to_owned(),
            }),
        ),
        fact("Last heard", listing.last_seen.map(|at| clock.say(at))),
        fact(
            "Battery",
            state
                .and_then(|state| state.battery)
                .map(|battery| format!("{} %", battery.get())),
        ),
        fact(
            "Power",
            state.map(|state| if state.on_mains { "Mains" } else { "Battery" }.to_owned()),
        ),
        fact(
            "Says it is in",
            state
                .and_then(|state| state.place.as_ref())
                .map(ToString::to_string),
        ),
        fact(
            "Alarm",
            state
                .and_then(|state| state.alarm.as_ref())
                .map(ToString::to_string),
        ),
    ];
    said.into_iter().flatten().collect()
}

async fn content(web: &Data<Web>, visitor: &Visitor, id: PumpId) -> Result<Content, Problem> {
    let visitor = visitor.clone();
    web.run(move |app| read(app, &visitor, id)).await
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, id: Path<PumpId>) -> Answer {
    let content = content(&web, &visitor, *id).await?;
    let frame = Frame::of(&web, &visitor).titled(content.line.name.clone());
    rendered(&PumpPage {
        frame: frame.below(Page::Pumps.path(), Page::Pumps.title()),
        content,
    })
}

pub(in crate::web) async fn part(web: Data<Web>, visitor: Visitor, id: Path<PumpId>) -> Answer {
    rendered(&PumpPart {
        content: content(&web, &visitor, *id).await?,
    })
}
