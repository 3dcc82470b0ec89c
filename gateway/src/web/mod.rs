//! The pages that people use, served beside the API from the staff listener.
//!
//! Rendered here, from the same reads and the same [`crate::command`]s that the API stands on: one transaction, one place of each
//! rule, the same rights. A page works without a script where a form suffices; the script adds what is live.
//!
//! | room | what is done there |
//! |---|---|
//! | [`page`] | every page, and what it takes: the one table |
//! | `gate` | who is asking, whether they may, and what is told to those who may not |
//! | `frame`, `theme`, `asset` | what surrounds every page, how it looks, its files |
//! | [`live`] | pages that lie open are told what changed |
//! | [`words`] | every English word that is not in a template |
//! | `when`, `icon`, `form`, `qr` | times, shapes, forms, codes to scan |
//! | `board`, `need`, `pump` | what several pages show: care areas, what waits for somebody, pumps |
//! | [`desk`] | the pages of biomed |
//! | the others | the pages |

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of `Db<'_>` is of one lifetime and a reading lends any: without the closure it does not compile"
)]

mod asset;
mod board;
mod form;
mod frame;
mod gate;
mod icon;
pub mod live;
mod need;
pub mod page;
mod pump;
mod qr;
mod theme;
mod when;
pub mod words;

mod area;
mod desk;
mod door;
mod home;
mod me;
mod overview;
mod ward;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use actix_web::{
    HttpResponse, Resource,
    http::header,
    middleware::from_fn,
    web::{self, Data},
};
use askama::Template;
use tokio::sync::watch;

use crate::{
    api::{
        Api, headers,
        problem::{Problem, ProblemCode},
        refusal,
    },
    app::App,
};
use live::Live;
use page::Page;

/// What the pages share. Clones are the same pages.
#[derive(Clone)]
pub struct Web(Arc<Inner>);

struct Inner {
    api: Api,
    live: Live,
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Web")
    }
}

/// The answer of a handler. What goes wrong becomes a page at the gate.
type Answer = Result<HttpResponse, Problem>;

impl Web {
    /// The pages of a gateway, which they share with its API. Streams end when `stopped` becomes true.
    #[must_use]
    pub fn new(api: Api, stopped: watch::Receiver<bool>) -> Self {
        let live = Live::new(&api.app().store, stopped);
        Self(Arc::new(Inner { api, live }))
    }

    /// Mounts the pages: everything that the API did not take.
    pub fn configure(&self) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
        let pages = self.clone();
        move |config| {
            config
                .app_data(Data::new(pages))
                .app_data(form::config())
                .service(
                    web::scope("")
                        .wrap(from_fn(gate::admit))
                        .wrap(from_fn(gate::dress))
                        .wrap(from_fn(headers::log))
                        .configure(routes)
                        .default_service(web::to(nothing_here)),
                );
        }
    }

    fn app(&self) -> &App {
        self.0.api.app()
    }

    fn api(&self) -> &Api {
        &self.0.api
    }

    /// Does what may block where that is allowed.
    async fn run<T: Send + 'static, E: Into<Problem> + Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem> {
        self.0.api.run(work).await
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config.service(asset::serve);
    for page in Page::ALL {
        config.service(route(*page, web::resource(page.path())));
    }
}

/// Who answers which page. A page without a handler does not compile.
fn route(page: Page, at: Resource) -> Resource {
    let (get, post) = (web::get, web::post);
    match page {
        Page::Root => at.route(get().to(home::show)),
        Page::Login => at.route(get().to(door::show)).route(post().to(door::knock)),
        Page::Logout => at.route(post().to(door::leave)),
        Page::Theme => at.route(post().to(theme::choose)),
        Page::Me => at.route(get().to(me::show)),
        Page::MePassword => at
            .route(get().to(me::password_form))
            .route(post().to(me::password_change)),
        Page::MePin => at.route(get().to(me::pin_form)).route(post().to(me::pin_set)),
        Page::MeAuthenticator => at
            .route(get().to(me::authenticator_form))
            .route(post().to(me::authenticator_begin)),
        Page::MeAuthenticatorConfirm => at.route(post().to(me::authenticator_confirm)),
        Page::Events => at.route(get().to(live::stream)),
        Page::Overview => at.route(get().to(overview::show)),
        Page::OverviewPart => at.route(get().to(overview::part)),
        Page::Ward => at.route(get().to(ward::show)),
        Page::WardPart => at.route(get().to(ward::part)),
        Page::Scan => at.route(get().to(ward::scan::show)),
        Page::ScanPart => at.route(get().to(ward::scan::part)),
        Page::Report => at
            .route(get().to(ward::report::show))
            .route(post().to(ward::report::send)),
        Page::SignOff => at
            .route(get().to(ward::sign::show))
            .route(post().to(ward::sign::send)),
        Page::Briefing => at
            .route(get().to(ward::briefing::show))
            .route(post().to(ward::briefing::read)),
        Page::BriefingSign => at.route(post().to(ward::briefing::sign)),
        Page::Approve => at
            .route(get().to(ward::approve::show))
            .route(post().to(ward::approve::sign)),
        Page::ApproveNot => at.route(post().to(ward::approve::not_now)),
        Page::Area => at.route(get().to(area::show)),
        Page::AreaPart => at.route(get().to(area::part)),
        Page::Pumps => at.route(get().to(desk::pumps::show)),
        Page::Pump => at.route(get().to(desk::pump::show)),
        Page::PumpPart => at.route(get().to(desk::pump::part)),
        Page::Releases => at.route(get().to(desk::releases::list)),
        Page::Release => at.route(get().to(desk::releases::show)),
        Page::Rollouts => at.route(get().to(desk::rollouts::show)),
        Page::RolloutsPart => at.route(get().to(desk::rollouts::part)),
        Page::Rollout => at.route(get().to(desk::rollout::show)),
        Page::RolloutPart => at.route(get().to(desk::rollout::part)),
        Page::RolloutAct => at
            .route(get().to(desk::act::rollout_form))
            .route(post().to(desk::act::rollout_act)),
        Page::RolloutApprove => at
            .route(get().to(desk::sign::approve_form))
            .route(post().to(desk::sign::approve)),
        Page::RolloutPump => at
            .route(get().to(desk::act::pump_form))
            .route(post().to(desk::act::pump_act)),
    }
}

async fn nothing_here() -> Answer {
    Err(Problem::new(ProblemCode::NoSuchRoute, "there is no such page"))
}

/// A template as an answer.
fn page(template: &impl Template) -> Answer {
    let text = template.render().map_err(|error| refusal::internal(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(text))
}

/// Elsewhere, after a form was dealt with: going back or loading anew does not send it again.
fn see(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path.to_owned()))
        .finish()
}
