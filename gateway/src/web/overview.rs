//! The overview: what needs somebody now, then how each care area stands.

use actix_web::web::Data;
use askama::Template;

use super::{
    Answer, Web,
    board::{Board, Facts},
    door,
    frame::Frame,
    gate::Visitor,
    need::{self, Need},
    page as rendered,
};
use crate::api::problem::Problem;

/// What stands on it.
struct Content {
    needs: Vec<Need>,
    board: Board,
    total: usize,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    content: Content,
}

#[derive(Template)]
#[template(path = "overview_part.html")]
struct OverviewPart {
    content: Content,
}

async fn content(web: &Data<Web>, visitor: &Visitor) -> Result<Content, Problem> {
    let signs = door::signs(web, &visitor.caller);
    let visitor = visitor.clone();
    web.run(move |app| {
        let now = app.now();
        let id = visitor.caller.identified.principal.account;
        let (facts, account) = app
            .store
            .read(|db| Ok((Facts::read(db)?, db.account_fetch(id)?)))?;
        let board = facts.board(app, now);
        let mut needs = need::of(app, &visitor, &board);
        if signs && account.pin_hash.is_none() && account.totp_sealed.is_none() {
            needs.insert(0, need::second_factor());
        }
        let counted = board.rows.iter().map(|row| row.counts.total()).sum::<usize>();
        Ok::<_, Problem>(Content {
            needs,
            total: counted + board.elsewhere.total(),
            board,
        })
    })
    .await
}

pub(super) async fn show(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&OverviewPage {
        frame: Frame::of(&web, &visitor),
        content: content(&web, &visitor).await?,
    })
}

pub(super) async fn part(web: Data<Web>, visitor: Visitor) -> Answer {
    rendered(&OverviewPart {
        content: content(&web, &visitor).await?,
    })
}
