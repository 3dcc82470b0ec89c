//! The pumps of one care area: all of them, or those that wait for something.

use actix_web::web::{Data, Path, Query};
use askama::Template;
use fleet::{pump::Status, text::Name};
use serde::Deserialize;
use store::{PumpFilter, StoreError};

use super::{
    Answer, Web,
    board::{Facts, Row, area_path},
    frame::Frame,
    gate::Visitor,
    home, page as rendered,
    pump::Line,
};
use crate::{api::problem::Problem, app::App};

/// Which pumps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    #[default]
    All,
    Ready,
    Sign,
    Held,
    Missing,
}

impl Show {
    const ALL: [Self; 5] = [Self::All, Self::Ready, Self::Sign, Self::Held, Self::Missing];

    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Ready => "ready",
            Self::Sign => "sign",
            Self::Held => "held",
            Self::Missing => "missing",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Ready => "Ready",
            Self::Sign => "To sign",
            Self::Held => "Held",
            Self::Missing => "Missing",
        }
    }

    const fn fits(self, line: &Line) -> bool {
        match self {
            Self::All => true,
            Self::Ready => line.ready,
            Self::Sign => matches!(line.status, Status::AwaitingSignOff),
            Self::Held => matches!(line.status, Status::Held | Status::Sequestered),
            Self::Missing => matches!(line.status, Status::Missing),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    show: Show,
}

/// A choice of what to show.
struct Choice {
    label: &'static str,
    path: String,
    current: bool,
}

struct Content {
    row: Row,
    lines: Vec<Line>,
    choices: Vec<Choice>,
    show: Show,
    live: String,
    /// There are more pumps than are shown.
    more: bool,
}

#[derive(Template)]
#[template(path = "area.html")]
struct AreaPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "area_part.html")]
struct AreaPart {
    content: Content,
}

/// No care area has more pumps on one page.
const MOST: u32 = 500;

fn read(app: &App, name: &str, show: Show) -> Result<Content, Problem> {
    let now = app.now();
    let missing = || StoreError::NotFound {
        what: "care area",
        id: name.chars().take(Name::MAX).collect(),
    };
    let (facts, page) = app.store.read(|db| {
        let area = db
            .care_area_list()?
            .into_iter()
            .find(|area| area.name.as_str() == name)
            .ok_or_else(missing)?;
        let filter = PumpFilter {
            care_area: Some(area.id),
            held: (show == Show::Held).then_some(true),
            ..PumpFilter::default()
        };
        Ok((Facts::read(db)?, db.pump_list(&filter, None, MOST)?))
    })?;
    let board = facts.board(app, now);
    let row = board
        .rows
        .into_iter()
        .find(|row| row.name.as_str() == name)
        .ok_or_else(missing)?;
    let mut lines: Vec<_> = page
        .items
        .iter()
        .filter(|listing| listing.pump.retired_at.is_none())
        .map(|listing| Line::of(listing, app, now))
        .filter(|line| show.fits(line))
        .collect();
    lines.sort_by(|a, b| a.name.cmp(&b.name));
    let path = area_path(&row.name);
    Ok(Content {
        lines,
        choices: Show::ALL
            .into_iter()
            .map(|choice| Choice {
                label: choice.label(),
                path: format!("{path}?show={}", choice.as_str()),
                current: choice == show,
            })
            .collect(),
        show,
        live: format!("{path}/part?show={}", show.as_str()),
        more: page.next.is_some(),
        row,
    })
}

pub(super) async fn show(
    web: Data<Web>,
    visitor: Visitor,
    name: Path<String>,
    wanted: Query<Wanted>,
) -> Answer {
    let (name, show) = (name.into_inner(), wanted.show);
    let content = web.run(move |app| read(app, &name, show)).await?;
    let frame = Frame::of(&web, &visitor).titled(content.row.name.as_str());
    let up = home::of(web.app(), &visitor.caller);
    rendered(&AreaPage {
        frame: frame.below(up.path(), up.title()),
        content,
    })
}

pub(super) async fn part(web: Data<Web>, name: Path<String>, wanted: Query<Wanted>) -> Answer {
    let (name, show) = (name.into_inner(), wanted.show);
    let content = web.run(move |app| read(app, &name, show)).await?;
    rendered(&AreaPart { content })
}
