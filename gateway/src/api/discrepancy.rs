//! Where the list of expected pumps and the pumps that enrolled disagree.

use std::collections::HashMap;

use actix_web::{
    get,
    web::{Data, Json},
};
use fleet::{
    id::{ExpectedPumpId, PumpId},
    inventory::{Discrepancy, EnrolledPump, ExpectedPump, reconcile},
    text::{AssetTag, Name, SerialNumber},
};
use serde::Serialize;
use store::ModelRecord;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, DateTime, page::PageView};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(discrepancy_list);
}

/// Which way list and fleet disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DiscrepancyKind {
    /// It enrolled, and is on no list.
    Unknown,
    /// It is on the list, and never enrolled.
    NeverSeen,
    /// It enrolled, and has not been heard of for long.
    Silent,
    /// Several pumps under one serial number.
    SameSerial,
    /// Several pumps with one asset tag.
    SameAssetTag,
    /// Several pumps with one network address.
    SameMac,
}

/// A disagreement that a person should settle.
#[derive(Serialize, ToSchema)]
struct DiscrepancyView {
    kind: DiscrepancyKind,
    /// What is wrong, in words.
    summary: String,
    /// The pumps it is about.
    pumps: Vec<ConcernedView>,
    /// The line of the list it is about.
    expected: Option<MissedView>,
    /// Since when.
    since: Option<DateTime>,
}

/// A pump that a disagreement is about.
#[derive(Serialize, ToSchema)]
struct ConcernedView {
    id: PumpId,
    serial: SerialNumber,
    asset_tag: Option<AssetTag>,
}

/// A pump on the list that nobody has seen.
#[derive(Serialize, ToSchema)]
struct MissedView {
    id: ExpectedPumpId,
    serial: SerialNumber,
    model: Option<Name>,
    asset_tag: Option<AssetTag>,
}

/// What the words are made of.
struct Records {
    pumps: HashMap<PumpId, EnrolledPump>,
    expected: HashMap<ExpectedPumpId, ExpectedPump>,
    models: Vec<ModelRecord>,
}

impl Records {
    fn view(&self, discrepancy: Discrepancy) -> DiscrepancyView {
        let (kind, summary, pumps, since) = match discrepancy {
            Discrepancy::Unknown { pump } => (
                DiscrepancyKind::Unknown,
                "enrolled, and is not on the list".to_owned(),
                vec![pump],
                None,
            ),
            Discrepancy::NeverSeen { expected, listed_at } => {
                let summary = "on the list, and never enrolled".to_owned();
                return DiscrepancyView {
                    kind: DiscrepancyKind::NeverSeen,
                    summary,
                    pumps: Vec::new(),
                    expected: self.missed(expected),
                    since: Some(listed_at),
                };
            }
            Discrepancy::Silent { pump, last_seen } => (
                DiscrepancyKind::Silent,
                "enrolled, and has not been heard of for long".to_owned(),
                vec![pump],
                Some(last_seen),
            ),
            Discrepancy::SameSerial { serial, pumps } => (
                DiscrepancyKind::SameSerial,
                format!(
                    "serial number {serial} belongs to {} pumps of different models",
                    pumps.len()
                ),
                pumps,
                None,
            ),
            Discrepancy::SameAssetTag { asset_tag, pumps } => (
                DiscrepancyKind::SameAssetTag,
                format!("asset tag {asset_tag} is on {} pumps", pumps.len()),
                pumps,
                None,
            ),
            Discrepancy::SameMac { mac, pumps } => (
                DiscrepancyKind::SameMac,
                format!("network address {mac} is known of {} pumps", pumps.len()),
                pumps,
                None,
            ),
        };
        let pumps = pumps.into_iter().filter_map(|id| self.concerned(id)).collect();
        DiscrepancyView {
            kind,
            summary,
            pumps,
            expected: None,
            since,
        }
    }

    fn concerned(&self, id: PumpId) -> Option<ConcernedView> {
        let pump = self.pumps.get(&id)?;
        Some(ConcernedView {
            id,
            serial: pump.serial.clone(),
            asset_tag: pump.asset_tag.clone(),
        })
    }

    fn missed(&self, id: ExpectedPumpId) -> Option<MissedView> {
        let expected = self.expected.get(&id)?;
        let model = self.models.iter().find(|model| model.id == expected.model);
        Some(MissedView {
            id,
            serial: expected.serial.clone(),
            model: model.map(|model| model.name.clone()),
            asset_tag: expected.asset_tag.clone(),
        })
    }
}

type DiscrepancyPage = PageView<DiscrepancyView>;

/// Unknown, missing and duplicate pumps.
#[utoipa::path(tag = "expected", responses((status = OK, body = DiscrepancyPage)))]
#[get("/discrepancies")]
async fn discrepancy_list(api: Data<Api>) -> Answer<Json<PageView<DiscrepancyView>>> {
    let views = api
        .run(|app| {
            let (expected, enrolled, models) = app
                .store
                .read(|db| Ok((db.expected_all()?, db.enrolled_all()?, db.model_list()?)))?;
            let found = reconcile(&expected, &enrolled, app.settings.missing_after, app.now());
            let records = Records {
                pumps: enrolled.into_iter().map(|pump| (pump.id, pump)).collect(),
                expected: expected.into_iter().map(|pump| (pump.id, pump)).collect(),
                models,
            };
            let views: Vec<_> = found
                .into_iter()
                .map(|discrepancy| records.view(discrepancy))
                .collect();
            Ok::<_, store::StoreError>(views)
        })
        .await?;
    Ok(Json(PageView::whole(views)))
}
