//! Where everybody begins.

use actix_web::web::Data;
use fleet::access::Permission;

use super::{
    Answer, Web,
    gate::{self, Visitor},
    page::Page,
    see,
};
use crate::{api::caller::Caller, app::App};

/// The page of somebody's work.
pub(super) fn of(app: &App, caller: &Caller) -> Page {
    let reads = fleet::access::reach(&caller.identified.principal, Permission::PumpRead, app.now()).is_ok();
    match (reads, gate::is_of_ward(caller)) {
        (false, _) => Page::Me,
        (true, true) => Page::Ward,
        (true, false) => Page::Overview,
    }
}

pub(super) async fn show(web: Data<Web>, visitor: Visitor) -> Answer {
    Ok(see(of(web.app(), &visitor.caller).path()))
}
