//! The pumps that enrolled.
//!
//! | file | what is there |
//! |---|---|
//! | [`view`], [`export`] | a pump as it is shown, and as a line of a spreadsheet |
//! | [`list`] | finding pumps: lists, scans, the export |
//! | [`edit`] | one pump: showing and correcting its record |
//! | [`action`] | holding, retiring, ordering |
//! | [`tag`] | the hospital's tags on it |
//! | [`history`] | what it said, what it was issued, what happened to it |

mod action;
mod edit;
mod export;
mod history;
mod list;
mod tag;
mod view;

use fleet::{id::PumpId, pump::Pump};
use serde::Deserialize;
use store::{Db, PumpListing, StoreError};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api};
use view::{ContactView, Present, PumpView};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    // Lists first: their words would pass for ids.
    config
        .configure(list::routes)
        .configure(edit::routes)
        .configure(action::routes)
        .configure(tag::routes)
        .configure(history::routes);
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct PumpPath {
    /// Which pump.
    id: PumpId,
}

impl Api {
    /// What a pump is compared with when it is shown.
    fn present(&self) -> Present {
        Present {
            now: self.0.app.now(),
            day: self.day(),
            missing_after: self.0.app.settings.missing_after,
        }
    }
}

/// One pump as it is now, and how to reach its manufacturer.
async fn single(api: &Api, id: PumpId) -> Answer<PumpView> {
    let (listing, contact) = api
        .run(move |app| app.store.read(|db| with_contact(db, id)))
        .await?;
    Ok(PumpView {
        contact,
        ..PumpView::of(listing, api.present())
    })
}

fn with_contact(db: &mut Db<'_>, id: PumpId) -> Result<(PumpListing, Option<ContactView>), StoreError> {
    let Pump { serial, model, .. } = db.pump_fetch(id)?;
    let listing = db
        .pump_find(serial.as_str())?
        .into_iter()
        .find(|listing| listing.pump.id == id);
    let listing = listing.ok_or_else(|| StoreError::NotFound {
        what: "pump",
        id: id.to_string(),
    })?;
    let maker = db
        .model_list()?
        .into_iter()
        .find(|known| known.id == model)
        .map(|known| known.manufacturer);
    let makers = db.manufacturer_list()?;
    let contact = makers
        .into_iter()
        .find(|known| Some(known.id) == maker)
        .map(ContactView::from);
    Ok((listing, contact))
}
