//! The pages at a desk in biomed: dense, in order, all morning long.
//!
//! | room | what is there |
//! |---|---|
//! | `rollouts`, `rollout` | every rollout, and one with its waves, gates and pumps |
//! | `gate` | the conditions between two waves, met or not |
//! | `pumps`, `pump` | every pump, and one |
//! | `releases` | releases, and one |
//! | `act` | what people do to a rollout and to single pumps of it, each with a reason |
//! | `sign` | what a signature takes, and giving one |

pub(super) mod act;
mod gate;
pub(super) mod pump;
pub(super) mod pumps;
pub(super) mod releases;
pub(super) mod rollout;
pub(super) mod rollouts;
pub(super) mod sign;

use askama::Template;
use chrono_tz::Tz;
use fleet::{Timestamp, id::PumpId};

use super::{Answer, page as rendered, when::When};
use crate::{api::problem::Problem, app::App};

/// What time it is, and by which clocks.
#[derive(Debug, Clone, Copy)]
struct Clock {
    now: Timestamp,
    zone: Tz,
}

impl Clock {
    fn of(app: &App) -> Self {
        Self {
            now: app.now(),
            zone: app.people.zone,
        }
    }

    fn when(self, at: Timestamp) -> When {
        When::of(at, self.now, self.zone)
    }

    /// In the middle of a sentence.
    fn say(self, at: Timestamp) -> String {
        self.when(at).words
    }
}

/// Where the page of a pump is.
fn pump_path(id: PumpId) -> String {
    format!("/pumps/{id}")
}

/// A line of particulars.
#[derive(Debug, Clone)]
struct Fact {
    name: String,
    value: String,
}

/// A line, where there is something to say.
fn fact(name: &str, value: Option<String>) -> Option<Fact> {
    let name = name.to_owned();
    value.map(|value| Fact { name, value })
}

/// A link that is a button, or a button's words and where it leads.
#[derive(Debug, Clone)]
struct Go {
    label: &'static str,
    path: String,
}

/// One of several views of the same list.
#[derive(Debug, Clone)]
struct Choice {
    label: String,
    path: String,
    current: bool,
}

/// A form again, with what went wrong above it and under the status of that.
fn again(page: &impl Template, problem: &Problem) -> Answer {
    let mut answer = rendered(page)?;
    *answer.status_mut() = problem.code().status();
    Ok(answer)
}

/// A path with a query; what is empty is left out.
fn path_with(path: &str, query: &[(&str, &str)]) -> String {
    let given = query.iter().filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(given)
        .finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}
