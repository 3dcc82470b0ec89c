//! Every rollout: those under way first, then those that are over.

use std::collections::HashMap;

use actix_web::web::Data;
use askama::Template;
use fleet::rollout::state::RolloutState;
use store::RolloutRecord;

use super::Clock;
use crate::{
    api::problem::Problem,
    app::App,
    web::{Answer, Web, frame::Frame, gate::Visitor, icon::Icon, page as rendered, when::When, words},
};

/// No more are shown that are over.
const MOST_OVER: usize = 100;

struct Line {
    name: String,
    path: String,
    release: String,
    icon: Icon,
    state: &'static str,
    since: When,
    is_emergency: bool,
    why: Option<String>,
}

struct Content {
    under_way: Vec<Line>,
    over: Vec<Line>,
}

#[derive(Template)]
#[template(path = "desk_rollouts.html")]
struct RolloutsPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "desk_rollouts_part.html")]
struct RolloutsPart {
    content: Content,
}

const fn is_over(state: RolloutState) -> bool {
    matches!(state, RolloutState::Completed | RolloutState::Cancelled)
}

fn read(app: &App) -> Result<Content, Problem> {
    let clock = Clock::of(app);
    let (rollouts, releases) = app
        .store
        .read(|db| Ok((db.rollout_list()?, db.release_list()?)))?;
    let releases: HashMap<_, _> = releases
        .into_iter()
        .map(|release| (release.id, format!("{} {}", release.name, release.version)))
        .collect();
    let line = |row: &RolloutRecord| Line {
        name: row.name.to_string(),
        path: format!("/rollouts/{}", row.id),
        release: releases.get(&row.release).cloned().unwrap_or_default(),
        icon: words::of_rollout(row.state),
        state: row.state.label(),
        since: clock.when(row.since),
        is_emergency: row.emergency.is_some(),
        why: row.why.as_ref().map(ToString::to_string),
    };
    let (over, under_way): (Vec<_>, Vec<_>) = rollouts.iter().partition(|row| is_over(row.state));
    Ok(Content {
        under_way: under_way.into_iter().map(line).collect(),
        over: over.into_iter().take(MOST_OVER).map(line).collect(),
    })
}

async fn content(web: &Data<Web>) -> Result<Content, Problem> {
    web.run(read).await
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&RolloutsPage {
        content: content(&web).await?,
        frame: Frame::of(&web, &visitor),
    })
}

pub(in crate::web) async fn part(web: Data<Web>, _: Visitor) -> Answer {
    rendered(&RolloutsPart {
        content: content(&web).await?,
    })
}
