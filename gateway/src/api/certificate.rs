//! Pumps' certificates.

use std::collections::BTreeMap;

use actix_web::{
    get, post,
    web::{Data, Json, Path, Query},
};
use chrono::{Datelike, Days, NaiveDate};
use fleet::{
    Timestamp,
    certificate::{
        CertificateRecord, CertificateStatus, Expiry, Fingerprint, RevocationReason, SerialHex, expiry,
    },
    id::{AuthorityId, PumpId},
    text::{AssetTag, SerialNumber},
};
use pem::{EncodeConfig, LineEnding, Pem, encode_config};
use serde::{Deserialize, Serialize};
use store::{CertificateFilter, CertificateListing, StoredCertificate};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    Answer, Api, DateTime,
    caller::Caller,
    page::{PageView, limit},
};
use crate::command::certificate;

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    // The forecast first: its word would pass for a name.
    config
        .service(certificate_forecast)
        .service(certificate_list)
        .service(certificate_show)
        .service(certificate_revoke);
}

/// A certificate that was issued to a pump.
#[derive(Serialize, ToSchema)]
pub(super) struct CertificateView {
    /// SHA-256 of the certificate.
    #[schema(value_type = String)]
    fingerprint: Fingerprint,
    /// Its serial number, in hexadecimal digits.
    #[schema(value_type = String)]
    serial: SerialHex,
    pump: PumpId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pump_serial: Option<SerialNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_tag: Option<AssetTag>,
    authority: AuthorityId,
    not_before: DateTime,
    not_after: DateTime,
    issued_at: DateTime,
    /// When it first opened a connection.
    first_used_at: Option<DateTime>,
    status: CertificateStatus,
    revoked_at: Option<DateTime>,
    revocation_reason: Option<RevocationReason>,
    /// Only where one certificate is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pem: Option<String>,
}

impl CertificateView {
    pub(super) fn of(record: CertificateRecord, now: Timestamp) -> Self {
        let status = record.status(now);
        let CertificateRecord {
            fingerprint,
            serial,
            pump,
            authority,
            key: _,
            not_before,
            not_after,
            issued_at,
            first_used_at,
            revoked,
        } = record;
        Self {
            fingerprint,
            serial,
            pump,
            pump_serial: None,
            asset_tag: None,
            authority,
            not_before,
            not_after,
            issued_at,
            first_used_at,
            status,
            revoked_at: revoked.map(|(at, _)| at),
            revocation_reason: revoked.map(|(_, reason)| reason),
            pem: None,
        }
    }

    fn listed(listing: CertificateListing, now: Timestamp) -> Self {
        Self {
            pump_serial: Some(listing.serial),
            asset_tag: listing.asset_tag,
            ..Self::of(listing.record, now)
        }
    }

    fn single(stored: StoredCertificate, now: Timestamp) -> Self {
        Self {
            pem: Some(pem(stored.der)),
            ..Self::of(stored.record, now)
        }
    }
}

/// A certificate as people pass it on.
pub(super) fn pem(der: Vec<u8>) -> String {
    let lines = EncodeConfig::new().set_line_ending(LineEnding::LF);
    encode_config(&Pem::new("CERTIFICATE", der), lines)
}

/// When certificates run out.
#[derive(Serialize, ToSchema)]
struct ForecastView {
    /// Each class, the most urgent first.
    classes: Vec<ClassView>,
    /// This week and the twelve after it, by the Monday on which each begins.
    by_week: Vec<WeekView>,
}

/// Certificates of one class.
#[derive(Serialize, ToSchema)]
struct ClassView {
    class: Expiry,
    /// The class in words.
    label: &'static str,
    count: usize,
}

/// Certificates that run out in one week.
#[derive(Serialize, ToSchema)]
struct WeekView {
    week_start: NaiveDate,
    count: usize,
}

const WEEKS: u64 = 13;

/// Counts each pump's newest certificate by when it runs out.
fn forecast(lives: &[(PumpId, Timestamp, Timestamp)], now: Timestamp) -> ForecastView {
    let classes = Expiry::ALL
        .into_iter()
        .map(|class| ClassView {
            class,
            label: class.label(),
            count: count_of(class, lives, now),
        })
        .collect();
    let monday = monday(now.date_naive());
    let mut weeks: BTreeMap<NaiveDate, usize> = (0..WEEKS)
        .filter_map(|week| Some((monday.checked_add_days(Days::new(7 * week))?, 0)))
        .collect();
    for (_, _, not_after) in lives {
        if let Some(count) = weeks.get_mut(&self::monday(not_after.date_naive())) {
            *count += 1;
        }
    }
    let by_week = weeks
        .into_iter()
        .map(|(week_start, count)| WeekView { week_start, count })
        .collect();
    ForecastView { classes, by_week }
}

/// How many certificates are of a class.
pub(super) fn count_of(class: Expiry, lives: &[(PumpId, Timestamp, Timestamp)], now: Timestamp) -> usize {
    lives
        .iter()
        .filter(|(_, from, to)| expiry(*from, *to, now) == class)
        .count()
}

fn monday(day: NaiveDate) -> NaiveDate {
    let since = u64::from(day.weekday().num_days_from_monday());
    day.checked_sub_days(Days::new(since)).unwrap_or(day)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CertificateQuery {
    /// Of this pump.
    pump: Option<PumpId>,
    /// Which are this, now.
    #[param(inline)]
    status: Option<StatusWord>,
    /// Signed by this authority.
    authority: Option<AuthorityId>,
    /// `next` of the page before.
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// [`CertificateStatus`] as it is asked for.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StatusWord {
    Valid,
    NotYetValid,
    Expired,
    Revoked,
}

impl From<StatusWord> for CertificateStatus {
    fn from(word: StatusWord) -> Self {
        match word {
            StatusWord::Valid => Self::Valid,
            StatusWord::NotYetValid => Self::NotYetValid,
            StatusWord::Expired => Self::Expired,
            StatusWord::Revoked => Self::Revoked,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct CertificatePath {
    /// The serial number, the fingerprint, or the first digits of either (at least 8).
    name: String,
}

/// Why a certificate is revoked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Revocation {
    reason: RevocationReason,
}

type CertificatePage = PageView<CertificateView>;

/// How many certificates run out when: each pump's newest one counts.
#[utoipa::path(tag = "certificates", responses((status = OK, body = ForecastView)))]
#[get("/certificates/forecast")]
async fn certificate_forecast(api: Data<Api>) -> Answer<Json<ForecastView>> {
    let lives = api
        .run(|app| app.store.read(|db| db.certificate_expiries()))
        .await?;
    Ok(Json(forecast(&lives, api.0.app.now())))
}

/// Certificates, the newest first.
#[utoipa::path(tag = "certificates", params(CertificateQuery), responses((status = OK, body = CertificatePage)))]
#[get("/certificates")]
async fn certificate_list(
    api: Data<Api>,
    query: Query<CertificateQuery>,
) -> Answer<Json<PageView<CertificateView>>> {
    let limit = limit(query.limit)?;
    let now = api.0.app.now();
    let page = api
        .run(move |app| {
            let filter = CertificateFilter {
                pump: query.pump,
                authority: query.authority,
                status: query.status.map(|word| (word.into(), now)),
            };
            app.store
                .read(|db| db.certificate_list(&filter, query.after.as_deref(), limit))
        })
        .await?;
    Ok(Json(PageView::of(page, |listing| {
        CertificateView::listed(listing, now)
    })))
}

/// One certificate, with its PEM.
#[utoipa::path(
    tag = "certificates",
    params(CertificatePath),
    responses(
        (status = OK, body = CertificateView),
        (status = CONFLICT, description = "`ambiguous_certificate`: `candidates` are fingerprints"),
    )
)]
#[get("/certificates/{name}")]
async fn certificate_show(api: Data<Api>, path: Path<CertificatePath>) -> Answer<Json<CertificateView>> {
    let stored = api.run(move |app| certificate::show(app, &path.name)).await?;
    Ok(Json(CertificateView::single(stored, api.0.app.now())))
}

/// Revokes a certificate and closes the pump's connection. Doing it again changes nothing.
#[utoipa::path(
    tag = "certificates",
    params(CertificatePath),
    responses(
        (status = OK, body = CertificateView),
        (status = CONFLICT, description = "`ambiguous_certificate`: `candidates` are fingerprints"),
    )
)]
#[post("/certificates/{name}/revoke")]
async fn certificate_revoke(
    api: Data<Api>,
    Caller { actor, .. }: Caller,
    path: Path<CertificatePath>,
    revocation: Json<Revocation>,
) -> Answer<Json<CertificateView>> {
    let stored = api
        .run(move |app| certificate::revoke(app, &actor, &path.name, revocation.reason))
        .await?;
    Ok(Json(CertificateView::single(stored, api.0.app.now())))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_forecast_counts_every_certificate_in_one_class_and_at_most_one_week() {
        // A Wednesday.
        let now: Timestamp = "2027-03-10T12:00:00Z".parse().unwrap();
        let ends_in = |days: i64| {
            let end = now + TimeDelta::days(days);
            (
                PumpId::from_uuid(Uuid::from_u128(1)),
                end - TimeDelta::days(90),
                end,
            )
        };
        let lives = [
            ends_in(-20),
            ends_in(0),
            ends_in(3),
            ends_in(5),
            ends_in(60),
            ends_in(80),
            ends_in(90),
        ];
        let forecast = forecast(&lives, now);
        let classes: Vec<_> = forecast
            .classes
            .iter()
            .map(|class| (class.class, class.count))
            .collect();
        assert_eq!(
            classes,
            [
                (Expiry::Expired, 1),
                (Expiry::WithinDay, 1),
                (Expiry::WithinWeek, 2),
                (Expiry::Overdue, 0),
                (Expiry::Fine, 3)
            ]
        );
        assert_eq!(forecast.by_week.len(), 13);
        assert_eq!(
            forecast.by_week[0].week_start,
            NaiveDate::from_ymd_opt(2027, 3, 8).unwrap()
        );
        assert_eq!(forecast.by_week[0].count, 2, "Wednesday and Saturday");
        assert_eq!(forecast.by_week[1].count, 1, "Monday");
        let in_weeks: usize = forecast.by_week.iter().map(|week| week.count).sum();
        assert_eq!(
            in_weeks, 5,
            "one ended before, one ends after the thirteenth week"
        );
    }
}
