//! The ward: where a nurse begins, and what is done there with a phone in one hand.
//!
//! | room | what is done there |
//! |---|---|
//! | here | what waits in the care areas of one's own |
//! | [`scan`] | a scan, and what is said of the pump |
//! | [`report`] | something is wrong with it |
//! | [`sign`] | a nurse signs it as verified, from what `results` shows |
//! | [`briefing`], [`approve`] | what comes, and what came of it, from what `wave` shows |
//! | `target`, `factors` | which pump is meant; what is shown beside a signature |

pub(super) mod approve;
pub(super) mod briefing;
mod factors;
pub(super) mod report;
mod results;
pub(super) mod scan;
pub(super) mod sign;
mod target;
mod wave;

use actix_web::web::Data;
use askama::Template;
use fleet::access::{CareAreas, Role};

use super::{
    Answer, Web,
    board::{Facts, Row},
    door,
    frame::Frame,
    gate::Visitor,
    icon::Icon,
    need::{self, Need},
    page as rendered,
    page::Page,
};
use crate::{api::problem::Problem, app::App};
use wave::Ask;

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

/// What somebody is asked about software updates: a briefing to read or to sign, a wave to approve.
fn of_updates(app: &App, visitor: &Visitor) -> Result<Vec<Need>, Problem> {
    let mut needs = Vec::new();
    for one in wave::asked(app, visitor, Ask::Approval)?
        .iter()
        .filter(|one| !one.is_signed)
    {
        needs.push(Need {
            icon: Icon::Attention,
            what: format!("{}: approve wave {}", one.area, one.number),
            why: format!("Software update {}", one.release),
            action: "Look at it",
            path: Page::Approve.path().to_owned(),
        });
    }
    for one in wave::asked(app, visitor, Ask::Briefing)?
        .iter()
        .filter(|one| !one.is_signed || !one.may_sign)
    {
        needs.push(Need {
            icon: Icon::Attention,
            what: format!("{}: briefing", one.area),
            why: format!("Software update {}", one.release),
            action: "Read it",
            path: Page::Briefing.path().to_owned(),
        });
    }
    Ok(needs)
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
        needs.extend(of_updates(app, &visitor)?);
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
