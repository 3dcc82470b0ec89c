//! Where a nurse begins: what waits in the care areas of one's own.

use actix_web::web::Data;
use askama::Template;
use fleet::access::{CareAreas, Role};

use super::{
    Answer, Web,
    board::{Facts, Row},
    door,
    frame::Frame,
    gate::Visitor,
    need::{self, Need},
    page as rendered,
};
use crate::api::problem::Problem;

struct Content {
    needs: Vec<Need>,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "ward.html")]
struct WardPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "ward_part.html")]
struct WardPart {
    content: Content,
}

/// Whether a care area is one that somebody works in; for whoever has none of their own, every one is.
fn is_own(visitor: &Visitor, row: &Row) -> bool {
    let grants = &visitor.caller.identified.principal.grants;
    let mut of_ward = grants
        .iter()
        .filter(|grant| matches!(grant.role, Role::Nurse | Role::ChargeNurse))
        .peekable();
    of_ward.peek().is_none()
        || of_ward.any(|grant| match &grant.care_areas {
            CareAreas::All => true,
            CareAreas::Named(named) => named.contains(&row.id),
        })
}

async fn content(web: &Data<Web>, visitor: &Visitor) -> Result<Content, Problem> {
    let signs = door::signs(web, &visitor.caller);
    let visitor = visitor.clone();
    web.run(move |app| {
        let id = visitor.caller.identified.principal.account;
        let (facts, account) = app
            .store
            .read(|db| Ok((Facts::read(db)?, db.account_fetch(id)?)))?;
        let mut board = facts.board(app, app.now());
        board.rows.retain(|row| is_own(&visitor, row));
        let mut needs = need::of(app, &visitor, &board);
        if signs && account.pin_hash.is_none() && account.totp_sealed.is_none() {
            needs.insert(0, need::second_factor());
        }
        Ok::<_, Problem>(Content {
            needs,
            rows: board.rows,
        })
    })
    .await
}

pub(super) async fn show(web: Data<Web>, visitor: Visitor) -> Answer {
    let content = content(&web, &visitor).await?;
    let frame = Frame::of(&web, &visitor);
    let title = match content.rows.as_slice() {
        [only] => only.name.to_string(),
        _ => frame.title.clone(),
    };
    rendered(&WardPage {
        frame: frame.titled(title),
        content,
    })
}

pub(super) async fn part(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&WardPart {
        content: content(&web, &visitor).await?,
    })
}
