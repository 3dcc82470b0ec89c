//! What people do to a rollout as a whole, and to single pumps of it: each on a page of its own that says what it does, and asks why.

use actix_web::web::{Data, Form, Path};
use askama::Template;
use fleet::{
    id::{PumpId, RolloutId},
    text::Reason,
};
use serde::Deserialize;

use super::again;
use crate::{
    api::problem::{Problem, ProblemCode},
    command::rollout::{self, Act},
    web::{Answer, Web, form::Note, frame::Frame, gate::Visitor, page as rendered, see, words},
};

/// Everything that is done to a rollout, each with its word in a path.
pub(super) const ACTS: [(&str, Act); 6] = [
    ("submit", Act::Submit),
    ("resume", Act::Resume),
    ("pause", Act::Pause),
    ("halt", Act::Halt),
    ("send-back", Act::SendBack),
    ("cancel", Act::Cancel),
];

/// Where something is done to a rollout.
pub(super) fn act_path(id: RolloutId, word: &str) -> String {
    format!("/rollouts/{id}/act/{word}")
}

fn no_such_act() -> Problem {
    Problem::new(ProblemCode::NoSuchRoute, "there is no such page")
}

fn act_of(word: &str) -> Result<Act, Problem> {
    let known = ACTS.iter().find(|(known, _)| *known == word);
    known.map(|(_, act)| *act).ok_or_else(no_such_act)
}

/// What is done to a pump of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PumpAct {
    TryAgain,
    TakeOut,
}

impl PumpAct {
    fn of(word: &str) -> Result<Self, Problem> {
        match word {
            "try-again" => Ok(Self::TryAgain),
            "take-out" => Ok(Self::TakeOut),
            _ => Err(no_such_act()),
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::TryAgain => "Try again",
            Self::TakeOut => "Take out",
        }
    }

    const fn does(self) -> &'static str {
        match self {
            Self::TryAgain => {
                "Its time runs anew. Every rule holds for it as for the others, and nothing is sent while it is in use."
            }
            Self::TakeOut => {
                "It keeps what it runs, and does not count for what its wave has to come to. If it was told to install, that is taken back first."
            }
        }
    }
}

#[derive(Template)]
#[template(path = "desk_act.html")]
struct ActPage {
    frame: Frame,
    note: Note,
    /// What it is done to.
    of: String,
    does: &'static str,
    label: &'static str,
    needs_reason: bool,
    is_grave: bool,
    reason: String,
    back: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Why {
    #[serde(default)]
    reason: String,
}

fn read_reason(text: &str) -> Result<Option<Reason>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Reason::new(text)
        .map(Some)
        .map_err(|error| Problem::new(ProblemCode::InvalidValue, error.to_string()))
}

async fn rollout_page(
    web: &Data<Web>,
    visitor: &Visitor,
    id: RolloutId,
    act: Act,
    note: Note,
    reason: String,
) -> Result<ActPage, Problem> {
    let row = web
        .run(move |app| app.store.read(|db| db.rollout_fetch(id)))
        .await?;
    let back = format!("/rollouts/{id}");
    Ok(ActPage {
        frame: Frame::of(web, visitor)
            .titled(words::act(act))
            .below(back.clone(), row.name.as_str()),
        note,
        of: row.name.to_string(),
        does: words::act_does(act),
        label: words::act(act),
        needs_reason: act.needs_reason(),
        is_grave: act == Act::Cancel,
        reason,
        back,
    })
}

pub(in crate::web) async fn rollout_form(
    web: Data<Web>,
    visitor: Visitor,
    path: Path<(RolloutId, String)>,
) -> Answer {
    let (id, word) = path.into_inner();
    let act = act_of(&word)?;
    rendered(&rollout_page(&web, &visitor, id, act, None, String::new()).await?)
}

pub(in crate::web) async fn rollout_act(
    web: Data<Web>,
    visitor: Visitor,
    path: Path<(RolloutId, String)>,
    filled: Form<Why>,
) -> Answer {
    let (id, word) = path.into_inner();
    let act = act_of(&word)?;
    let Why { reason: text } = filled.into_inner();
    let actor = visitor.caller.actor.clone();
    let done = match read_reason(&text) {
        Ok(reason) => {
            web.run(move |app| rollout::act(app, &actor, id, act, reason.as_ref()))
                .await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => Ok(see(&format!("/rollouts/{id}"))),
        Err(problem) => {
            let note = Some(words::problem(&problem));
            again(
                &rollout_page(&web, &visitor, id, act, note, text).await?,
                &problem,
            )
        }
    }
}

async fn pump_page(
    web: &Data<Web>,
    visitor: &Visitor,
    (id, pump): (RolloutId, PumpId),
    act: PumpAct,
    note: Note,
    reason: String,
) -> Result<ActPage, Problem> {
    let (row, pump) = web
        .run(move |app| {
            app.store
                .read(|db| Ok((db.rollout_fetch(id)?, db.pump_fetch(pump)?)))
        })
        .await?;
    let back = format!("/rollouts/{id}");
    let name = pump
        .asset_tag
        .map_or_else(|| pump.serial.to_string(), |tag| tag.to_string());
    Ok(ActPage {
        frame: Frame::of(web, visitor)
            .titled(format!("{}: {name}", act.label()))
            .below(back.clone(), row.name.as_str()),
        note,
        of: row.name.to_string(),
        does: act.does(),
        label: act.label(),
        needs_reason: true,
        is_grave: false,
        reason,
        back,
    })
}

pub(in crate::web) async fn pump_form(
    web: Data<Web>,
    visitor: Visitor,
    path: Path<(RolloutId, PumpId, String)>,
) -> Answer {
    let (id, pump, word) = path.into_inner();
    let act = PumpAct::of(&word)?;
    rendered(&pump_page(&web, &visitor, (id, pump), act, None, String::new()).await?)
}

pub(in crate::web) async fn pump_act(
    web: Data<Web>,
    visitor: Visitor,
    path: Path<(RolloutId, PumpId, String)>,
    filled: Form<Why>,
) -> Answer {
    let (id, pump, word) = path.into_inner();
    let act = PumpAct::of(&word)?;
    let Why { reason: text } = filled.into_inner();
    let actor = visitor.caller.actor.clone();
    let done = match read_reason(&text) {
        Ok(Some(reason)) => {
            web.run(move |app| match act {
                PumpAct::TryAgain => rollout::try_again(app, &actor, pump, Some(id), &reason),
                PumpAct::TakeOut => rollout::take_out(app, &actor, pump, Some(id), &reason),
            })
            .await
        }
        Ok(None) => Err(crate::command::CommandError::ReasonNeeded.into()),
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see(&format!("/rollouts/{id}"))),
        Err(problem) => {
            let note = Some(words::problem(&problem));
            again(
                &pump_page(&web, &visitor, (id, pump), act, note, text).await?,
                &problem,
            )
        }
    }
}
