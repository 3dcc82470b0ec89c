//! Sign-off: what the pump proved after its update, with units and limits, and a nurse's signature on exactly that.

use actix_web::{
    HttpRequest,
    web::{Data, Form, Query},
};
use askama::Template;
use fleet::{
    id::PumpId,
    signature::{Digest, Meaning, SubjectKind},
};
use serde::Deserialize;

use super::{
    factors::{Fields, Typed, sign_with},
    results::Results,
    target::{self, Asked, Done, Named},
};
use crate::{
    api::problem::Problem,
    app::App,
    command::{sign, subject},
    web::{
        Answer, Web,
        form::{Note, again},
        frame::Frame,
        gate::Visitor,
        page as rendered,
        page::Page,
        see, words,
    },
};

const MEANING: Meaning = Meaning::VerifiedForClinicalUse;

struct Content {
    named: Named,
    version: i64,
    hash: Digest,
    /// Why it can not be signed at this moment.
    obstacle: Option<String>,
    results: Option<Results>,
    fields: Fields,
}

#[derive(Template)]
#[template(path = "ward_sign.html")]
struct SignPage {
    frame: Frame,
    note: Note,
    content: Content,
    fields: Fields,
}

fn read(app: &App, visitor: &Visitor, which: &Which) -> Result<Content, Problem> {
    let now = app.now();
    let (listing, shown, results) = app.store.read(|db| {
        let listing = match which {
            Which::Asked(asked) => asked.one(db),
            Which::Id(id) => target::by_id(db, *id),
        };
        let listing = match listing {
            Ok(listing) => listing,
            Err(problem) => return Ok(Err(problem)),
        };
        let id = listing.pump.id;
        let shown = subject::show(db, SubjectKind::Pump, id.as_uuid(), Some(MEANING), now);
        let results = Results::read(db, id, now)?;
        Ok(shown
            .map(|shown| (listing, shown, results))
            .map_err(Problem::from))
    })??;
    Ok(Content {
        named: Named::of(&listing, app, now),
        version: shown.subject.version,
        hash: shown.subject.content_hash,
        obstacle: shown.obstacle.map(|obstacle| obstacle.to_string()),
        results,
        fields: Fields::of(app, visitor)?,
    })
}

enum Which {
    Asked(Asked),
    Id(PumpId),
}

async fn page(web: &Data<Web>, visitor: &Visitor, which: Which) -> Result<SignPage, Problem> {
    let asker = visitor.clone();
    let content = web.run(move |app| read(app, &asker, &which)).await?;
    let named = &content.named;
    let frame = Frame::of(web, visitor)
        .below(named.scan.clone(), named.line.name.clone())
        .titled(format!("Sign off {}", named.line.name));
    Ok(SignPage {
        frame,
        note: None,
        fields: content.fields,
        content,
    })
}

pub(in crate::web) async fn show(web: Data<Web>, visitor: Visitor, asked: Query<Asked>) -> Answer {
    let asked = asked.into_inner();
    if asked.text().is_none() {
        return Ok(see(Page::Scan.path()));
    }
    rendered(&page(&web, &visitor, Which::Asked(asked)).await?)
}

#[derive(Deserialize)]
pub(in crate::web) struct Filled {
    pump: PumpId,
    version: i64,
    content_hash: Digest,
    #[serde(flatten)]
    typed: Typed,
}

/// Signs what was shown, or shows what there is now.
pub(in crate::web) async fn send(
    web: Data<Web>,
    visitor: Visitor,
    request: HttpRequest,
    filled: Form<Filled>,
) -> Answer {
    let Filled {
        pump,
        version,
        content_hash,
        typed,
    } = filled.into_inner();
    let wanted = sign::Wanted {
        kind: SubjectKind::Pump,
        id: pump.as_uuid(),
        version,
        content_hash,
        meaning: MEANING,
        care_area: None,
        comment: None,
    };
    let signed = sign_with(&web, &request, &visitor, &typed, wanted).await;
    let mut page = page(&web, &visitor, Which::Id(pump)).await?;
    match signed {
        Ok(()) => Ok(see(&page.content.named.after(Done::Signed))),
        Err(problem) => {
            page.note = Some(words::problem(&problem));
            again(&page, &problem)
        }
    }
}
