//! One rollout: its state and the one next decision, its waves with the gates between them, its pumps and why each waits.

use std::collections::{HashMap, HashSet};

use actix_web::web::{Data, Path, Query};
use askama::Template;
use fleet::{
    access::Permission,
    id::{AssignmentId, PumpId, RolloutId},
    rollout::{
        Subject, Wait,
        gate::{Tally, Unmet, before_opening, before_the_next},
        snapshot::{AssignmentFacts, WaveFacts},
        state::{AssignmentEvent, AssignmentState, RolloutState, Stage, WaveState},
    },
};
use serde::Deserialize;
use store::{Db, PumpFilter, RolloutRecord, StoreError};

use super::{
    Choice, Clock, Go,
    act::{ACTS, act_path},
    gate::{self, Gate},
    path_with, pump_path,
};
use crate::{
    api::problem::Problem,
    app::App,
    command::rollout::{self, Outlook},
    web::{
        Answer, Web, frame::Frame, gate::Visitor, icon::Icon, page as rendered, page::Page, pump::Line,
        when::When, words,
    },
};

/// So many pumps on one page.
const PAGE: usize = 100;
/// So many pumps a search finds at most.
const FOUND: u32 = 1_000;

/// Which pumps are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Show {
    #[default]
    All,
    Waiting,
    UnderWay,
    Sign,
    Failed,
    CatchUp,
    Done,
}

impl Show {
    const ALL: [Self; 7] = [
        Self::All,
        Self::Waiting,
        Self::UnderWay,
        Self::Sign,
        Self::Failed,
        Self::CatchUp,
        Self::Done,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Waiting => "waiting",
            Self::UnderWay => "under_way",
            Self::Sign => "sign",
            Self::Failed => "failed",
            Self::CatchUp => "catch_up",
            Self::Done => "done",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Waiting => "Waiting",
            Self::UnderWay => "Under way",
            Self::Sign => "To sign",
            Self::Failed => "Failed",
            Self::CatchUp => "Catch-up list",
            Self::Done => "Done",
        }
    }

    fn fits(self, one: &AssignmentFacts) -> bool {
        let stage = one.state.stage();
        match self {
            Self::All => true,
            Self::Waiting => matches!(stage, Stage::Waiting | Stage::Preparing),
            Self::UnderWay => stage == Stage::Updating && one.state != AssignmentState::AwaitingSignoff,
            Self::Sign => one.state == AssignmentState::AwaitingSignoff,
            Self::Failed => stage == Stage::Failed,
            Self::CatchUp => one.left_behind && stage == Stage::Left,
            Self::Done => stage == Stage::Verified,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Wanted {
    #[serde(default)]
    show: Show,
    #[serde(default)]
    q: String,
    after: Option<AssignmentId>,
}

/// The one thing to decide next.
struct Next {
    what: String,
    why: String,
    go: Option<Go>,
}

/// A wave with the gate behind it.
struct Column {
    number: u32,
    name: String,
    icon: Icon,
    state: &'static str,
    since: When,
    total: u32,
    counts: Vec<String>,
    gate: Gate,
}

struct Row {
    line: Line,
    path: String,
    wave: u32,
    icon: Icon,
    state: &'static str,
    since: When,
    why: Option<String>,
    goes: Vec<Go>,
}

struct Content {
    path: String,
    live: String,
    name: String,
    release: String,
    release_path: String,
    author: String,
    emergency: Option<String>,
    icon: Icon,
    state: &'static str,
    since: When,
    why: Option<String>,
    next: Next,
    goes: Vec<Go>,
    first: Gate,
    columns: Vec<Column>,
    choices: Vec<Choice>,
    show: Show,
    q: String,
    rows: Vec<Row>,
    fits: usize,
    more: Option<String>,
}

#[derive(Template)]
#[template(path = "desk_rollout.html")]
struct RolloutPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "desk_rollout_part.html")]
struct RolloutPart {
    content: Content,
}

/// Who a failure or a signature comes before.
const fn urgency(one: &AssignmentFacts) -> u8 {
    match one.state.stage() {
        Stage::Failed => 0,
        Stage::Updating => 1,
        Stage::Preparing => 2,
        Stage::Waiting => 3,
        Stage::Left => 4,
        Stage::Verified => 5,
    }
}

fn read(app: &App, visitor: &Visitor, id: RolloutId, wanted: &Wanted) -> Result<Content, Problem> {
    let clock = Clock::of(app);
    let content = app.store.read(|db| build(db, app, visitor, clock, id, wanted))?;
    Ok(content)
}

fn build(
    db: &mut Db<'_>,
    app: &App,
    visitor: &Visitor,
    clock: Clock,
    id: RolloutId,
    wanted: &Wanted,
) -> Result<Content, StoreError> {
    let row = db.rollout_fetch(id)?;
    let release = db.release_fetch(row.release)?;
    let author = db.account_fetch(row.author)?;
    let Outlook { facts, waiting } = rollout::outlook(db, app, id, clock.now)?;
    let waits: HashMap<AssignmentId, Wait> = waiting
        .into_iter()
        .filter_map(|waiting| match waiting.who {
            Subject::Pump { assignment, .. } => Some((assignment, waiting.what)),
            Subject::Rollout(_) | Subject::Wave(_) => None,
        })
        .collect();
    let names: HashMap<_, _> = db
        .wave_of(&[id])?
        .into_iter()
        .map(|wave| (wave.id, wave.name))
        .collect();
    let columns = facts
        .waves
        .iter()
        .enumerate()
        .map(|(place, wave)| Column {
            number: wave.number,
            name: names.get(&wave.id).map(ToString::to_string).unwrap_or_default(),
            icon: words::of_wave(wave.state),
            state: wave.state.label(),
            since: clock.when(wave.since),
            total: Tally::of(&wave.assignments).total,
            counts: counts(wave),
            gate: gate::behind(&facts, wave, facts.waves.get(place + 1), clock),
        })
        .collect();
    let all: Vec<_> = facts
        .waves
        .iter()
        .flat_map(|wave| wave.assignments.iter().map(move |one| (wave.number, one)))
        .collect();
    let path = format!("/rollouts/{id}");
    let listed = list(db, app, clock, &path, wanted, &all, &waits, visitor)?;
    let choices = Show::ALL
        .into_iter()
        .map(|show| (show, all.iter().filter(|(_, one)| show.fits(one)).count()))
        .filter(|(show, count)| *count > 0 || *show == Show::All || *show == wanted.show)
        .map(|(show, count)| Choice {
            label: format!("{} {count}", show.label()),
            path: path_with(&path, &[("show", show.as_str()), ("q", &wanted.q)]),
            current: show == wanted.show,
        })
        .collect();
    let after = wanted.after.map(|after| after.to_string()).unwrap_or_default();
    Ok(Content {
        live: path_with(
            &format!("{path}/part"),
            &[
                ("show", wanted.show.as_str()),
                ("q", &wanted.q),
                ("after", &after),
            ],
        ),
        name: row.name.to_string(),
        release: format!("{} {}", release.name, release.version),
        release_path: format!("/releases/{}", release.id),
        emergency: row.emergency.as_ref().map(ToString::to_string),
        icon: words::of_rollout(row.state),
        state: row.state.label(),
        since: clock.when(row.since),
        why: row.why.as_ref().map(ToString::to_string),
        next: next(
            app,
            visitor,
            &row,
            author.printed_name.as_str(),
            &facts.waves,
            &facts,
            clock,
        ),
        author: author.printed_name.to_string(),
        goes: goes(app, visitor, &row),
        first: gate::before_the_first(&facts, clock),
        columns,
        choices,
        show: wanted.show,
        q: wanted.q.clone(),
        rows: listed.rows,
        fits: listed.fits,
        more: listed.more,
        path,
    })
}

/// How far the pumps of a wave are, in words; nothing of what there is none of.
fn counts(wave: &WaveFacts) -> Vec<String> {
    let tally = Tally::of(&wave.assignments);
    let to_sign = wave
        .assignments
        .iter()
        .filter(|one| one.state == AssignmentState::AwaitingSignoff)
        .count();
    let to_sign = u32::try_from(to_sign).unwrap_or(u32::MAX);
    [
        (tally.verified, "done"),
        (tally.unsettled.saturating_sub(to_sign), "to do"),
        (to_sign, "to sign"),
        (tally.failures, "failed"),
        (tally.left_behind, "on the catch-up list"),
        (tally.taken_out, "taken out"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect()
}

/// What whoever looks may do to it now.
fn goes(app: &App, visitor: &Visitor, row: &RolloutRecord) -> Vec<Go> {
    ACTS.iter()
        .filter(|(_, act)| row.state.transition(act.event()).is_ok())
        .filter(|(_, act)| visitor.reach(app, act.permission()).is_some())
        .map(|(word, act)| Go {
            label: words::act(*act),
            path: act_path(row.id, word),
        })
        .collect()
}

fn next(
    app: &App,
    visitor: &Visitor,
    row: &RolloutRecord,
    author: &str,
    waves: &[WaveFacts],
    facts: &fleet::rollout::snapshot::RolloutFacts,
    clock: Clock,
) -> Next {
    let own = visitor.caller.actor.account() == Some(row.author);
    let act = |word: &str| {
        let (_, act) = ACTS.iter().find(|(known, _)| *known == word)?;
        visitor.reach(app, act.permission())?;
        Some(Go {
            label: words::act(*act),
            path: act_path(row.id, word),
        })
    };
    let (what, why, go) = match row.state {
        RolloutState::Draft => (
            "It is a draft".to_owned(),
            "Nothing happens until it is submitted and somebody else approved it.".to_owned(),
            act("submit"),
        ),
        RolloutState::AwaitingApproval => {
            let may = visitor.reach(app, Permission::SignRollout).is_some() && !own;
            (
                "It waits for approval".to_owned(),
                format!("By somebody in charge of biomed, other than {author}, who wrote it."),
                may.then(|| Go {
                    label: "Look and approve",
                    path: format!("/rollouts/{}/approve", row.id),
                }),
            )
        }
        RolloutState::Scheduled => (
            format!("It begins at {}", clock.say(row.begins_at)),
            "It is approved. Nobody has to do anything.".to_owned(),
            None,
        ),
        RolloutState::Running => {
            let (what, why) = running(waves, facts, clock);
            (what, why, None)
        }
        RolloutState::Paused => (
            "It is paused".to_owned(),
            "No further pump begins until somebody lets it go on.".to_owned(),
            act("resume"),
        ),
        RolloutState::Halted => (
            "It is halted".to_owned(),
            "Look at the pumps that failed. Then let it go on with a reason, or cancel it.".to_owned(),
            act("resume"),
        ),
        RolloutState::Completed => (
            "It is complete".to_owned(),
            "Every wave passed. Pumps on the catch-up list keep what they run.".to_owned(),
            None,
        ),
        RolloutState::Cancelled => (
            "It was cancelled".to_owned(),
            "Pumps that were not updated keep what they run.".to_owned(),
            None,
        ),
    };
    Next { what, why, go }
}

/// What a rollout that runs waits for: the wave that is not through, and who is asked.
fn running(
    waves: &[WaveFacts],
    facts: &fleet::rollout::snapshot::RolloutFacts,
    clock: Clock,
) -> (String, String) {
    let Some(wave) = waves.iter().find(|wave| wave.state != WaveState::Passed) else {
        return (
            "Every wave passed".to_owned(),
            "It is completed in a moment.".to_owned(),
        );
    };
    let number = wave.number;
    let tally = Tally::of(&wave.assignments);
    let first = |unmet: &[Unmet]| {
        let say = |at| clock.say(at);
        let words: Vec<_> = unmet
            .iter()
            .take(3)
            .map(|unmet| words::unmet(unmet, &say))
            .collect();
        if words.is_empty() {
            "Nobody has to do anything.".to_owned()
        } else {
            format!("{}.", words.join("; "))
        }
    };
    match wave.state {
        WaveState::Pending => (
            format!("Wave {number} is next"),
            "Nobody has to do anything.".to_owned(),
        ),
        WaveState::Briefing => (
            format!("Wave {number} is being told what changes"),
            first(&before_opening(wave, &facts.limits)),
        ),
        WaveState::Open => (
            format!("Wave {number} is being updated"),
            format!(
                "{} of {} pumps are accounted for. Each goes when it is free.",
                tally.total.saturating_sub(tally.unsettled),
                tally.total
            ),
        ),
        WaveState::Soaking => (
            format!("Wave {number} is being watched"),
            first(&before_the_next(facts, wave, clock.now)),
        ),
        WaveState::AwaitingApproval => (
            format!("Wave {number} waits for its charge nurses"),
            first(&before_the_next(facts, wave, clock.now)),
        ),
        WaveState::Halted => (
            format!("Wave {number} is halted"),
            first(&before_the_next(facts, wave, clock.now)),
        ),
        WaveState::Passed => (format!("Wave {number} passed"), String::new()),
    }
}

/// The pumps of a page.
struct Listed {
    rows: Vec<Row>,
    fits: usize,
    more: Option<String>,
}

#[expect(clippy::too_many_arguments, reason = "one reading, split for the eye")]
fn list(
    db: &mut Db<'_>,
    app: &App,
    clock: Clock,
    path: &str,
    wanted: &Wanted,
    all: &[(u32, &AssignmentFacts)],
    waits: &HashMap<AssignmentId, Wait>,
    visitor: &Visitor,
) -> Result<Listed, StoreError> {
    let q = wanted.q.trim();
    let found: Option<HashSet<PumpId>> = if q.is_empty() {
        None
    } else {
        let filter = PumpFilter {
            text: Some(q.chars().take(128).collect()),
            ..PumpFilter::default()
        };
        let page = db.pump_list(&filter, None, FOUND)?;
        Some(page.items.into_iter().map(|listing| listing.pump.id).collect())
    };
    let mut fitting: Vec<_> = all
        .iter()
        .filter(|(_, one)| wanted.show.fits(one))
        .filter(|(_, one)| found.as_ref().is_none_or(|found| found.contains(&one.pump)))
        .collect();
    fitting.sort_by_key(|(wave, one)| (urgency(one), *wave, one.id));
    let from = wanted
        .after
        .and_then(|after| fitting.iter().position(|(_, one)| one.id == after))
        .map_or(0, |place| place + 1);
    let shown: Vec<_> = fitting.iter().skip(from).take(PAGE).collect();
    let more = (fitting.len() > from + PAGE)
        .then(|| shown.last())
        .flatten()
        .map(|(_, last)| {
            let after = last.id.to_string();
            path_with(
                path,
                &[("show", wanted.show.as_str()), ("q", q), ("after", &after)],
            )
        });
    let ids: Vec<_> = shown.iter().map(|(_, one)| one.pump).collect();
    let listings: HashMap<_, _> = db
        .pump_listing_of(&ids)?
        .into_iter()
        .map(|listing| (listing.pump.id, listing))
        .collect();
    let left: Vec<_> = shown
        .iter()
        .filter(|(_, one)| one.left_behind)
        .map(|(_, one)| one.id)
        .collect();
    let last_heard: HashMap<_, _> = db
        .assignment_fetch_of(&left)?
        .into_iter()
        .filter_map(|record| Some((record.id, record.last_heard?)))
        .collect();
    let runs = visitor.reach(app, Permission::RolloutRun).is_some();
    let rows = shown.into_iter().filter_map(|(wave, one)| {
        let listing = listings.get(&one.pump)?;
        let why = match (waits.get(&one.id), last_heard.get(&one.id)) {
            (Some(wait), _) => Some(words::wait(wait, &|at| clock.say(at))),
            (None, Some(at)) => Some(format!("Not done in time; last heard {}", clock.say(*at))),
            (None, None) => one
                .setback
                .as_ref()
                .and_then(|setback| setback.words.as_ref())
                .map(|said| format!("It said: {said}")),
        };
        let act = |label, word: &str| Go {
            label,
            path: format!("{path}/pumps/{}/{word}", one.pump),
        };
        let mut goes = Vec::new();
        if runs && one.state.transition(AssignmentEvent::TriedAgain).is_ok() {
            goes.push(act("Try again", "try-again"));
        }
        if runs && matches!(one.state.stage(), Stage::Waiting | Stage::Preparing) && !one.leaving {
            goes.push(act("Take out", "take-out"));
        }
        Some(Row {
            line: Line::of(listing, app, clock.now),
            path: pump_path(one.pump),
            wave: *wave,
            icon: words::of_update(one.state),
            state: words::update(one.state, one.left_behind),
            since: clock.when(one.since),
            why,
            goes,
        })
    });
    Ok(Listed {
        rows: rows.collect(),
        fits: fitting.len(),
        more,
    })
}

async fn content(
    web: &Data<Web>,
    visitor: &Visitor,
    id: RolloutId,
    wanted: Wanted,
) -> Result<Content, Problem> {
    let visitor = visitor.clone();
    web.run(move |app| read(app, &visitor, id, &wanted)).await
}

pub(in crate::web) async fn show(
    web: Data<Web>,
    visitor: Visitor,
    id: Path<RolloutId>,
    wanted: Query<Wanted>,
) -> Answer {
    let content = content(&web, &visitor, *id, wanted.into_inner()).await?;
    let frame = Frame::of(&web, &visitor).titled(content.name.clone());
    rendered(&RolloutPage {
        frame: frame.below(Page::Rollouts.path(), Page::Rollouts.title()),
        content,
    })
}

pub(in crate::web) async fn part(
    web: Data<Web>,
    visitor: Visitor,
    id: Path<RolloutId>,
    wanted: Query<Wanted>,
) -> Answer {
    rendered(&RolloutPart {
        content: content(&web, &visitor, *id, wanted.into_inner()).await?,
    })
}
