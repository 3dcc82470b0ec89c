//! Health and metrics, for the machine the gateway runs on.
//!
//! `/healthz`: the process lives. `/readyz`: it can do its work (the record answers, revocation lists are fresh).
//! `/metrics`: Prometheus text (OpenMetrics).

use std::sync::{Arc, OnceLock, atomic::Ordering};

use actix_web::{HttpResponse, web};
use fleet::certificate::{Expiry, expiry};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{app::App, audit::forward::Progress, firmware::Figures, mqtt::Counters};

/// Every metric of the process.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    pumps: Family<PumpLabel, Gauge>,
    certificates: Family<ExpiryLabel, Gauge>,
    days_left: Gauge,
    answers: Family<AnswerLabel, Counter>,
    tls_refusals: Family<TlsLabel, Counter>,
    audit_entries: Gauge,
    audit_sent: Family<WayLabel, Gauge>,
    audit_failures: Family<WayLabel, Gauge>,
    audit_behind: Family<WayLabel, Gauge>,
    ways: Arc<OnceLock<Vec<Way>>>,
}

/// A way of the audit trail out of the house, and how far it is.
type Way = (&'static str, Arc<Progress>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabel {
    way: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TlsLabel {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    listener: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PumpLabel {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ExpiryLabel {
    class: &'static str,
}

impl Metrics {
    /// Registers the endpoint's counters, the firmware room's, and our own gauges.
    #[must_use]
    pub fn new(counters: &Counters, firmware: &Figures) -> Self {
        let mut registry = Registry::with_prefix("pump_gateway");
        counters.register(&mut registry);
        firmware.register(&mut registry);
        let pumps = Family::<PumpLabel, Gauge>::default();
        registry.register("pumps", "Pumps on record, by state", pumps.clone());
        let certificates = Family::<ExpiryLabel, Gauge>::default();
        registry.register(
            "certificates",
            "Newest certificate of each pump, by how urgent its renewal is",
            certificates.clone(),
        );
        let days_left = Gauge::default();
        registry.register(
            "certificate_days_left_p1",
            "Days until expiry that 99 of 100 pumps' certificates still have",
            days_left.clone(),
        );
        let answers = Family::<AnswerLabel, Counter>::default();
        registry.register(
            "http_answers",
            "Answers of the HTTPS listeners, refusals among them",
            answers.clone(),
        );
        let tls_refusals = Family::<TlsLabel, Counter>::default();
        registry.register(
            "https_handshakes_refused",
            "TLS handshakes of the HTTPS listeners that failed",
            tls_refusals.clone(),
        );
        let audit_entries = Gauge::default();
        registry.register(
            "audit_entries",
            "Entries of the audit trail",
            audit_entries.clone(),
        );
        let mut of_way = |name: &str, help: &str| {
            let family = Family::<WayLabel, Gauge>::default();
            registry.register(name, help, family.clone());
            family
        };
        let audit_sent = of_way("audit_forwarded", "Audit entries sent on since the start");
        let audit_failures = of_way(
            "audit_forward_failures",
            "Failed attempts to send audit entries on",
        );
        let audit_behind = of_way("audit_forward_behind", "Audit entries that were not sent on yet");
        Self {
            registry: Arc::new(registry),
            audit_entries,
            audit_sent,
            audit_failures,
            audit_behind,
            ways: Arc::default(),
            pumps,
            certificates,
            days_left,
            answers,
            tls_refusals,
        }
    }

    /// Counts a TLS handshake that failed. Returns whether to log it: the first hundred of a kind, then every hundredth.
    pub fn tls_refused(&self, listener: &'static str, reason: &'static str) -> bool {
        let before = self
            .tls_refusals
            .get_or_create(&TlsLabel { listener, reason })
            .inc();
        before < 100 || before.is_multiple_of(100)
    }

    /// Knows the ways of the audit trail out of the house.
    pub fn forwards(&self, ways: &[Way]) {
        // Set once, at the start.
        let _ = self.ways.set(ways.to_vec());
    }

    fn refresh_ways(&self) {
        for (way, progress) in self.ways.get().into_iter().flatten() {
            let label = WayLabel { way };
            let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            let sent = whole(progress.sent.load(Ordering::Relaxed));
            let failures = whole(progress.failures.load(Ordering::Relaxed));
            let behind = progress.behind.load(Ordering::Relaxed);
            self.audit_sent.get_or_create(&label).set(sent);
            self.audit_failures.get_or_create(&label).set(failures);
            self.audit_behind.get_or_create(&label).set(behind);
        }
    }

    /// Counts an answer of a listener.
    pub fn answered(&self, listener: &'static str, status: u16) {
        self.answers
            .get_or_create(&AnswerLabel { listener, status })
            .inc();
    }

    fn refresh(&self, app: &App) -> Result<(), store::StoreError> {
        let now = app.now();
        let (counts, mut expiries, audit) = app
            .store
            .read(|db| Ok((db.pump_counts()?, db.certificate_expiries()?, db.audit_head()?)))?;
        self.audit_entries.set(audit.0);
        self.refresh_ways();
        for (state, count) in [
            ("total", counts.total),
            ("connected", counts.connected),
            ("held", counts.held),
            ("retired", counts.retired),
        ] {
            self.pumps.get_or_create(&PumpLabel { state }).set(count);
        }
        for class in Expiry::ALL {
            let count = expiries
                .iter()
                .filter(|(_, from, to)| expiry(*from, *to, now) == class)
                .count();
            let label = ExpiryLabel {
                class: class.as_str(),
            };
            self.certificates
                .get_or_create(&label)
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        expiries.sort_by_key(|(_, _, not_after)| *not_after);
        let p1 = expiries
            .get(expiries.len() / 100)
            .map_or(0, |(_, _, not_after)| (*not_after - now).num_days());
        self.days_left.set(p1);
        Ok(())
    }
}

/// Routes of the operations listener.
pub fn configure(app: App, metrics: Metrics) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .app_data(web::Data::new(app))
            .app_data(web::Data::new(metrics))
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(export));
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(app: web::Data<App>) -> HttpResponse {
    let checked = web::block(move || {
        app.store
            .read(|db| db.pump_counts())
            .map_err(|error| error.to_string())?;
        if app.authorities.crl_is_stale(app.now()) {
            return Err("the revocation list is out of date".to_owned());
        }
        Ok(())
    })
    .await;
    match checked {
        Ok(Ok(())) => HttpResponse::Ok().body("ready\n"),
        Ok(Err(problem)) => HttpResponse::ServiceUnavailable().body(format!("not ready: {problem}\n")),
        Err(_) => HttpResponse::ServiceUnavailable().body("not ready: stopping\n"),
    }
}

async fn export(app: web::Data<App>, metrics: web::Data<Metrics>) -> HttpResponse {
    let text = web::block(move || {
        metrics.refresh(&app).map_err(|error| error.to_string())?;
        let mut text = String::new();
        encode(&mut text, &metrics.registry).map_err(|error| error.to_string())?;
        Ok::<_, String>(text)
    })
    .await;
    match text {
        Ok(Ok(text)) => HttpResponse::Ok()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text),
        Ok(Err(problem)) => HttpResponse::ServiceUnavailable().body(format!("{problem}\n")),
        Err(_) => HttpResponse::ServiceUnavailable().body("stopping\n"),
    }
}
