//! What an update changes at the bedside: everybody says that they read it, a charge nurse signs for the care area.

use actix_web::{
    HttpRequest,
    web::{Data, Form, Query},
};
use askama::Template;
use fleet::{
    id::{CareAreaId, WaveId},
    signature::Meaning,
};
use serde::Deserialize;

use super::{
    factors::{Fields, Typed, sign_with},
    target::{Asked as Came, Done},
    wave::{Ask, Asked, Shown, asked},
};
use crate::{
    api::problem::Problem,
    command::rollout,
    web::{
        Answer, Web,
        form::{self, Note, Token, again},
        frame::Frame,
        gate::Visitor,
        home, page as rendered,
        page::Page,
        see, words,
    },
};

#[derive(Template)]
#[template(path = "ward_briefing.html")]
struct BriefingPage {
    frame: Frame,
    note: Note,
    done: Option<Done>,
    all: Vec<Asked>,
    token: Token,
    fields: Fields,
}

async fn page(web: &Data<Web>, visitor: &Visitor) -> Result<BriefingPage, Problem> {
    let asker = visitor.clone();
    let (all, fields) = web
        .run(move |app| {
            let all = asked(app, &asker, Ask::Briefing)?;
            Ok::<_, Problem>((all, Fields::of(app, &asker)?))
        })
        .await?;
    Ok(BriefingPage {
        frame: Frame::of(web, visitor).below(home::of(web.app(), &visitor.caller).path(), "Pumps"),
        note: None,
        done: None,
        all,
        token: Token::fresh(),
        fields,
    })
}

fn done() -> String {
    format!("{}?done={}", Page::Briefing.path(), Done::Briefed.as_str())
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, came: Query<Came>) -> Answer {
    let page = page(&web, &visitor).await?;
    rendered(&BriefingPage {
        done: came.done,
        ..page
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Read {
    token: Token,
    wave: WaveId,
    care_area: CareAreaId,
}

/// Somebody read it.
pub(in crate::web) async fn read(web: Data<Web>, visitor: Visitor, read: Form<Read>) -> Answer {
    let Read {
        token,
        wave,
        care_area,
    } = read.into_inner();
    let actor = visitor.caller.actor.clone();
    let said = [wave.to_string(), care_area.to_string()];
    let said: Vec<_> = said.iter().map(String::as_str).collect();
    let on_record = form::once(&web, &visitor, &token, &said, move |app| {
        rollout::briefing_read(app, &actor, wave, care_area).map(|()| done())
    })
    .await;
    answer(&web, &visitor, on_record).await
}

#[derive(Deserialize)]
pub(in crate::web) struct Signing {
    #[serde(flatten)]
    shown: Shown,
    #[serde(flatten)]
    typed: Typed,
}

/// A charge nurse signs for the care area.
pub(in crate::web) async fn sign(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<Signing>,
) -> Answer {
    let Signing { shown, typed } = filled.into_inner();
    let wanted = shown.wanted(Meaning::BriefingAcknowledged);
    let signed = sign_with(&web, &request, &visitor, &typed, wanted).await;
    answer(&web, &visitor, signed.map(|()| done())).await
}

async fn answer(web: &Data<Web>, visitor: &Visitor, done: Result<String, Problem>) -> Answer {
    match done {
        Ok(path) => Ok(see(&path)),
        Err(problem) => {
            let mut page = page(web, visitor).await?;
            page.note = Some(words::problem(&problem));
            again(&page, &problem)
        }
    }
}
