//! A charge nurse looks at what came of a wave, and lets the next begin, or says why not now.

use actix_web::{
    HttpRequest,
    web::{Data, Form, Query},
};
use askama::Template;
use fleet::signature::Meaning;
use serde::Deserialize;

use super::{
    factors::{Fields, Typed, refuse, sign_with},
    target::{Asked as Came, Done},
    wave::{Ask, Asked, Shown, asked},
};
use crate::{
    api::problem::Problem,
    web::{
        Answer, Web,
        form::{Note, again},
        frame::Frame,
        gate::Visitor,
        home, page as rendered,
        page::Page,
        see, words,
    },
};

#[derive(Template)]
#[template(path = "ward_approve.html")]
struct ApprovePage {
    frame: Frame,
    note: Note,
    done: Option<Done>,
    /// The first that is to be signed, and no other: one decision at a time.
    one: Option<Asked>,
    /// So many come after it.
    more: usize,
    fields: Fields,
    /// Why not, as it was typed.
    reason: String,
}

async fn page(web: &Data<Web>, visitor: &Visitor) -> Result<ApprovePage, Problem> {
    let asker = visitor.clone();
    let (mut all, fields) = web
        .run(move |app| {
            let all = asked(app, &asker, Ask::Approval)?;
            Ok::<_, Problem>((all, Fields::of(app, &asker)?))
        })
        .await?;
    all.retain(|one| !one.is_signed);
    let more = all.len().saturating_sub(1);
    let frame = Frame::of(web, visitor).below(home::of(web.app(), &visitor.caller).path(), "Pumps");
    Ok(ApprovePage {
        frame,
        note: None,
        done: None,
        one: all.into_iter().next(),
        more,
        fields,
        reason: String::new(),
    })
}

fn done(what: Done) -> String {
    format!("{}?done={}", Page::Approve.path(), what.as_str())
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, came: Query<Came>) -> Answer {
    let page = page(&web, &visitor).await?;
    rendered(&ApprovePage {
        done: came.done,
        ..page
    })
}

#[derive(Deserialize)]
pub(in crate::web) struct Signing {
    #[serde(flatten)]
    shown: Shown,
    #[serde(flatten)]
    typed: Typed,
}

/// Signs for the care area.
pub(in crate::web) async fn sign(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<Signing>,
) -> Answer {
    let Signing { shown, typed } = filled.into_inner();
    let wanted = shown.wanted(Meaning::ApprovedForWave);
    let signed = sign_with(&web, &request, &visitor, &typed, wanted).await;
    let signed = signed.map(|()| done(Done::Approved));
    answer(&web, &visitor, signed, String::new()).await
}

#[derive(Deserialize)]
pub(in crate::web) struct Refusing {
    #[serde(flatten)]
    shown: Shown,
    reason: String,
}

/// Says not now. It takes a reason, and no password: saying no must be easy.
pub(in crate::web) async fn not_now(web: Data<Web>, visitor: Visitor, filled: Form<Refusing>) -> Answer {
    let Refusing { shown, reason } = filled.into_inner();
    let wanted = shown.wanted(Meaning::ApprovedForWave);
    let refused = refuse(&web, &visitor, wanted, &reason).await;
    answer(&web, &visitor, refused.map(|()| done(Done::NotNow)), reason).await
}

async fn answer(web: &Data<Web>, visitor: &Visitor, done: Result<String, Problem>, reason: String) -> Answer {
    match done {
        Ok(path) => Ok(see(&path)),
        Err(problem) => {
            let mut page = page(web, visitor).await?;
            page.note = Some(words::problem(&problem));
            page.reason = reason;
            again(&page, &problem)
        }
    }
}
