//! Every pump: searched, narrowed down, page by page. One reading of a page's rows, whatever the hospital has.

use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;
use store::{PumpFilter, PumpListing};

use super::{Choice, Clock, path_with, pump_path};
use crate::{
    api::problem::Problem,
    app::App,
    web::{Answer, Web, frame::Frame, gate::Visitor, page as rendered, page::Page, pump::Line},
};

/// So many rows on one page.
const PAGE: u32 = 100;
/// No text that is searched for is longer, in characters.
const TEXT_MAX: usize = 128;

/// Which pumps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    #[default]
    All,
    Held,
    Connected,
    Away,
}

impl Show {
    const ALL: [Self; 4] = [Self::All, Self::Held, Self::Connected, Self::Away];

    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Held => "held",
            Self::Connected => "connected",
            Self::Away => "away",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Held => "Held",
            Self::Connected => "Connected",
            Self::Away => "Not connected",
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    area: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    show: Show,
    #[serde(default)]
    after: String,
}

impl Wanted {
    fn path(&self, show: Show, after: &str) -> String {
        path_with(
            Page::Pumps.path(),
            &[
                ("q", self.q.trim()),
                ("area", &self.area),
                ("model", &self.model),
                ("show", show.as_str()),
                ("after", after),
            ],
        )
    }
}

struct Row {
    line: Line,
    path: String,
    serial: String,
    area: String,
    software: String,
}

impl Row {
    fn of(listing: &PumpListing, app: &App, clock: Clock) -> Self {
        let software: Vec<_> = listing
            .pump
            .components
            .iter()
            .map(|part| format!("{} {}", part.name, part.version))
            .collect();
        Self {
            line: Line::of(listing, app, clock.now),
            path: pump_path(listing.pump.id),
            serial: listing.pump.serial.to_string(),
            area: listing
                .care_area_name
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            software: software.join(", "),
        }
    }
}

/// A name to choose.
struct Named {
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "desk_pumps.html")]
struct PumpsPage {
    frame: Frame,
    wanted: Wanted,
    areas: Vec<Named>,
    models: Vec<Named>,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    more: Option<String>,
    csv: String,
    narrowed: bool,
}

struct Read {
    areas: Vec<Named>,
    models: Vec<Named>,
    rows: Vec<Row>,
    next: Option<String>,
    csv: String,
}

fn read(app: &App, wanted: &Wanted) -> Result<Read, Problem> {
    let clock = Clock::of(app);
    let q: String = wanted.q.trim().chars().take(TEXT_MAX).collect();
    let (areas, models, filter, page) = app.store.read(|db| {
        let (areas, models) = (db.care_area_list()?, db.model_list()?);
        let filter = PumpFilter {
            text: (!q.is_empty()).then(|| q.clone()),
            care_area: areas
                .iter()
                .find(|area| area.name.as_str() == wanted.area)
                .map(|area| area.id),
            model: models
                .iter()
                .find(|model| model.name.as_str() == wanted.model)
                .map(|model| model.id),
            tag: None,
            held: (wanted.show == Show::Held).then_some(true),
            connected: match wanted.show {
                Show::Connected => Some(true),
                Show::Away => Some(false),
                Show::All | Show::Held => None,
            },
        };
        let after = (!wanted.after.is_empty()).then_some(wanted.after.as_str());
        let page = db.pump_list(&filter, after, PAGE)?;
        Ok((areas, models, filter, page))
    })?;
    let csv = path_with(
        "/api/v1/pumps/export",
        &[
            ("text", &q),
            (
                "care_area",
                &filter.care_area.map(|id| id.to_string()).unwrap_or_default(),
            ),
            (
                "model",
                &filter.model.map(|id| id.to_string()).unwrap_or_default(),
            ),
            (
                "held",
                &filter.held.map(|held| held.to_string()).unwrap_or_default(),
            ),
            (
                "connected",
                &filter
                    .connected
                    .map(|connected| connected.to_string())
                    .unwrap_or_default(),
            ),
        ],
    );
    let named = |name: &str, chosen: &str| Named {
        name: name.to_owned(),
        chosen: name == chosen,
    };
    Ok(Read {
        areas: areas
            .iter()
            .map(|area| named(area.name.as_str(), &wanted.area))
            .collect(),
        models: models
            .iter()
            .map(|model| named(model.name.as_str(), &wanted.model))
            .collect(),
        rows: page
            .items
            .iter()
            .map(|listing| Row::of(listing, app, clock))
            .collect(),
        next: page.next,
        csv,
    })
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, wanted: Query<Wanted>) -> Answer {
    let wanted = wanted.into_inner();
    let asked = wanted.clone();
    let read = web.run(move |app| read(app, &asked)).await?;
    let choices = Show::ALL
        .into_iter()
        .map(|show| Choice {
            label: show.label().to_owned(),
            path: wanted.path(show, ""),
            current: show == wanted.show,
        })
        .collect();
    rendered(&PumpsPage {
        frame: Frame::of(&web, &visitor),
        areas: read.areas,
        models: read.models,
        choices,
        rows: read.rows,
        more: read.next.map(|after| wanted.path(wanted.show, &after)),
        csv: read.csv,
        narrowed: wanted.path(wanted.show, &wanted.after) != Page::Pumps.path(),
        wanted,
    })
}
