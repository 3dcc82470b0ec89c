//! The fleet in a dozen numbers.

use actix_web::{
    get,
    web::{Data, Json},
};
use chrono::TimeDelta;
use fleet::{Timestamp, certificate::Expiry, event::Severity};
use serde::Serialize;
use store::{Db, EventFilter, PAGE_MAX, StoreError};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{Answer, Api, certificate::count_of};

pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config.service(summary_show);
}

/// The fleet in numbers.
#[derive(Serialize, ToSchema)]
struct SummaryView {
    pumps: PumpNumbers,
    certificates: CertificateNumbers,
    events_24h: EventNumbers,
}

/// Pumps.
#[derive(Serialize, ToSchema)]
struct PumpNumbers {
    /// On record, retired ones left out.
    total: i64,
    connected: i64,
    held: i64,
    retired: i64,
    /// On the list of expected pumps.
    expected: usize,
    /// Not heard of for longer than the hospital accepts.
    missing: usize,
}

/// Each pump's newest certificate, in the class that is the most urgent.
#[derive(Serialize, ToSchema)]
struct CertificateNumbers {
    /// All as it should be.
    valid: usize,
    /// Renewal is overdue.
    overdue: usize,
    /// Less than a week left.
    within_week: usize,
    /// Less than a day left.
    within_day: usize,
    expired: usize,
}

/// Events of the last 24 hours.
#[derive(Debug, Default, Serialize, ToSchema)]
struct EventNumbers {
    note: usize,
    attention: usize,
    alarm: usize,
    /// There were more events than are counted here.
    more: bool,
}

/// So many pages of events are counted, and no more: the numbers are asked for often.
const PAGES: usize = 20;

fn count_events(db: &mut Db<'_>, since: Timestamp) -> Result<EventNumbers, StoreError> {
    let filter = EventFilter {
        since: Some(since),
        ..EventFilter::default()
    };
    let mut numbers = EventNumbers::default();
    let mut after = None;
    for _ in 0..PAGES {
        let page = db.event_list(&filter, after.as_deref(), PAGE_MAX)?;
        for listing in &page.items {
            match listing.event.kind.severity() {
                Severity::Note => numbers.note += 1,
                Severity::Attention => numbers.attention += 1,
                Severity::Alarm => numbers.alarm += 1,
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(numbers);
        }
    }
    numbers.more = true;
    Ok(numbers)
}

/// The fleet in numbers.
#[utoipa::path(tag = "pumps", responses((status = OK, body = SummaryView)))]
#[get("/summary")]
async fn summary_show(api: Data<Api>) -> Answer<Json<SummaryView>> {
    let now = api.0.app.now();
    let missing_after = api.0.app.settings.missing_after;
    let summary = api
        .run(move |app| {
            app.store.read(|db| {
                let counts = db.pump_counts()?;
                let lives = db.certificate_expiries()?;
                let certificates = |class| count_of(class, &lives, now);
                let enrolled = db.enrolled_all()?;
                Ok(SummaryView {
                    pumps: PumpNumbers {
                        total: counts.total,
                        connected: counts.connected,
                        held: counts.held,
                        retired: counts.retired,
                        expected: db.expected_all()?.len(),
                        missing: enrolled
                            .iter()
                            .filter(|pump| now - pump.last_seen > missing_after)
                            .count(),
                    },
                    certificates: CertificateNumbers {
                        valid: certificates(Expiry::Fine),
                        overdue: certificates(Expiry::Overdue),
                        within_week: certificates(Expiry::WithinWeek),
                        within_day: certificates(Expiry::WithinDay),
                        expired: certificates(Expiry::Expired),
                    },
                    events_24h: count_events(db, now - TimeDelta::hours(24))?,
                })
            })
        })
        .await?;
    Ok(Json(summary))
}
