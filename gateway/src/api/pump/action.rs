//! What people do to a pump. A hold is lifted elsewhere: that takes a retest and signatures (`api/hold.rs`).

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json, Path, Query},
};
use fleet::{id::OrderId, pump::HoldKind, text::Reason};
use serde::{Deserialize, Serialize};
use store::OrderRow;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    super::{
        Answer, Api, DateTime,
        caller::Caller,
        page::{PageView, limit},
    },
    PumpPath, single,
    view::PumpView,
};
use crate::command::{
    hold,
    pump::{self, Errand},
};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(pump_hold)
        .service(pump_retire)
        .service(pump_order_create)
        .service(pump_order_list)
        .service(pump_late_renewal_arm);
}

/// How and why to hold a pump.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHold {
    kind: HoldKind,
    reason: Reason,
}

/// Why a pump leaves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retirement {
    reason: Reason,
}

/// What is ordered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    kind: ErrandWord,
}

/// What a person may order of a pump.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ErrandWord {
    /// Send an inventory report now.
    ReportInventory,
    /// Renew the certificate now.
    RenewCertificate,
}

impl From<ErrandWord> for Errand {
    fn from(word: ErrandWord) -> Self {
        match word {
            ErrandWord::ReportInventory => Self::ReportInventory,
            ErrandWord::RenewCertificate => Self::RenewCertificate,
        }
    }
}

/// An order to a pump, and what became of it.
#[derive(Serialize, ToSchema)]
struct OrderView {
    id: OrderId,
    kind: String,
    at: DateTime,
    /// When the pump had it.
    delivered_at: Option<DateTime>,
    /// `done`, `when_free`, `refused` or `superseded`.
    outcome: Option<String>,
    outcome_at: Option<DateTime>,
    /// Why, where there is something to say.
    reason: Option<String>,
}

impl From<OrderRow> for OrderView {
    fn from(order: OrderRow) -> Self {
        let OrderRow {
            id,
            pump: _,
            at,
            kind,
            body: _,
            delivered_at,
            outcome,
            outcome_at,
            reason,
        } = order;
        Self {
            id,
            kind,
            at,
            delivered_at,
            outcome,
            outcome_at,
            reason,
        }
    }
}

/// Until when a late renewal may be made.
#[derive(Serialize, ToSchema)]
struct LateRenewalView {
    until: DateTime,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OrderQuery {
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

type OrderPage = PageView<OrderView>;

/// Puts a pump out of use. It never stops an infusion: it takes effect when the pump is free.
///
/// `clinical` also orders the pump to start nothing new; `security_isolation` revokes its certificates and closes its
/// connection; `sequestered` sends nothing at all. How it ends: `/holds`.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses(
        (status = OK, body = PumpView),
        (status = CONFLICT, description = "`already_held`: only a clinical hold can be made stricter; `pump_retired`"),
    )
)]
#[post("/pumps/{id}/hold")]
async fn pump_hold(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
    new: Json<NewHold>,
) -> Answer<Json<PumpView>> {
    let id = path.id;
    api.run(move |app| hold::set(app, &actor, id, new.kind, &new.reason))
        .await?;
    Ok(Json(single(&api, id).await?))
}

/// A pump leaves the hospital for good: its certificates are revoked, its connection is closed, its record stays.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses((status = OK, body = PumpView), (status = CONFLICT, description = "`pump_retired`: it left before"))
)]
#[post("/pumps/{id}/retire")]
async fn pump_retire(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
    retirement: Json<Retirement>,
) -> Answer<Json<PumpView>> {
    let id = path.id;
    api.run(move |app| pump::retire(app, &actor, id, &retirement.reason))
        .await?;
    Ok(Json(single(&api, id).await?))
}

/// Orders something of a pump: at once if it is connected, else when it comes back.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses(
        (status = CREATED, body = OrderView),
        (status = CONFLICT, description = "`hold_forbids_orders`, `pump_retired`"),
    )
)]
#[post("/pumps/{id}/orders")]
async fn pump_order_create(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
    order: Json<NewOrder>,
) -> Answer<HttpResponse> {
    let errand = order.kind.into();
    let order = api
        .run(move |app| pump::order(app, &actor, path.id, errand))
        .await?;
    Ok(HttpResponse::Created().json(OrderView::from(order)))
}

/// A pump's orders, the newest first.
#[utoipa::path(tag = "pumps", params(PumpPath, OrderQuery), responses((status = OK, body = OrderPage)))]
#[get("/pumps/{id}/orders")]
async fn pump_order_list(
    api: Data<Api>,
    path: Path<PumpPath>,
    query: Query<OrderQuery>,
) -> Answer<Json<PageView<OrderView>>> {
    let limit = limit(query.limit)?;
    let orders = api
        .run(move |app| {
            app.store.read(|db| {
                db.pump_fetch(path.id)?;
                db.order_list(path.id, limit)
            })
        })
        .await?;
    Ok(Json(PageView::whole(orders.into_iter().map(OrderView::from))))
}

/// Lets a pump whose certificate has expired renew it once, for some days.
#[utoipa::path(
    tag = "pumps",
    params(PumpPath),
    responses((status = OK, body = LateRenewalView), (status = CONFLICT, description = "`pump_retired`"))
)]
#[post("/pumps/{id}/late-renewal")]
async fn pump_late_renewal_arm(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<PumpPath>,
) -> Answer<Json<LateRenewalView>> {
    let until = api
        .run(move |app| pump::late_renewal_arm(app, &actor, path.id))
        .await?;
    Ok(Json(LateRenewalView { until }))
}
