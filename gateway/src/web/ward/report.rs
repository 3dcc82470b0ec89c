//! Something is wrong with a pump: whoever sees it says so, and the pump is held. The same command as the API's holds it.

use actix_web::web::{Data, Form, Query};
use askama::Template;
use fleet::{id::PumpId, pump::HoldKind, text::Reason};
use serde::Deserialize;

use super::target::{self, Asked, Done, Named};
use crate::{
    api::problem::{Problem, ProblemCode},
    command::hold,
    web::{
        Answer, Web,
        form::{self, Note, Token, again},
        frame::Frame,
        gate::Visitor,
        page as rendered,
        page::Page,
        see,
        words::{self, Trouble},
    },
};

#[derive(Template)]
#[template(path = "ward_report.html")]
struct ReportPage {
    frame: Frame,
    note: Note,
    named: Named,
    token: Token,
    /// What was chosen and typed.
    trouble: Option<Trouble>,
    text: String,
}

fn page(web: &Web, visitor: &Visitor, named: Named) -> ReportPage {
    ReportPage {
        frame: Frame::of(web, visitor).below(named.scan.clone(), named.line.name.clone()),
        note: None,
        named,
        token: Token::fresh(),
        trouble: None,
        text: String::new(),
    }
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    if asked.text().is_none() {
        return Ok(see(Page::Scan.path()));
    }
    let named = web
        .run(move |app| {
            let listing = app.store.read(|db| Ok(asked.one(db)))??;
            Ok::<_, Problem>(Named::of(&listing, app, app.now()))
        })
        .await?;
    rendered(&page(&web, &visitor, named))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Filled {
    token: Token,
    pump: PumpId,
    #[serde(default)]
    trouble: Option<Trouble>,
    #[serde(default)]
    text: String,
}

/// What goes on record, or why it can not.
fn reason(filled: &Filled) -> Result<Reason, Problem> {
    let invalid = |detail: String| Problem::new(ProblemCode::InvalidValue, detail);
    let trouble = filled
        .trouble
        .ok_or_else(|| invalid("choose what is wrong".to_owned()))?;
    let text = filled.text.replace(['\r', '\n'], " ");
    Reason::new(&trouble.reason(&text)).map_err(|error| invalid(error.to_string()))
}

/// Holds the pump, once.
pub(in crate::web) async fn send(web: Data<Web>, visitor: Visitor, filled: Form<Filled>) -> Answer {
    let filled = filled.into_inner();
    let id = filled.pump;
    let named = web
        .run(move |app| {
            let listing = app.store.read(|db| Ok(target::by_id(db, id)))??;
            Ok::<_, Problem>(Named::of(&listing, app, app.now()))
        })
        .await?;
    let held = match reason(&filled) {
        Err(problem) => Err(problem),
        Ok(reason) => {
            let actor = visitor.caller.actor.clone();
            let after = named.after(Done::Reported);
            let said = [id.to_string(), reason.to_string()];
            let said: Vec<_> = said.iter().map(String::as_str).collect();
            form::once(&web, &visitor, &filled.token, &said, move |app| {
                hold::set(app, &actor, id, HoldKind::Clinical, &reason).map(|()| after)
            })
            .await
        }
    };
    match held {
        Ok(path) => Ok(see(&path)),
        Err(problem) => {
            let page = ReportPage {
                note: Some(words::problem(&problem)),
                trouble: filled.trouble,
                text: filled.text,
                ..page(&web, &visitor, named)
            };
            again(&page, &problem)
        }
    }
}
