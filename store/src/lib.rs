//! The data layer: every line of SQL of the gateway, for SQLite and for PostgreSQL.
//!
//! A [`Store`] is opened by URL, and lends a [`Db`] for the length of a closure: [`Store::read`] sees one instant,
//! [`Store::write`] is one transaction that commits as a whole or leaves nothing. All queries are methods of [`Db`],
//! noun first, one file per aggregate.
//!
//! ```no_run
//! # fn main() -> Result<(), store::StoreError> {
//! use store::{DatabaseUrl, Store};
//!
//! let store = Store::open(&"sqlite:///var/lib/gateway/gateway.db".parse::<DatabaseUrl>()?)?;
//! store.migrate()?;
//! store.write(|db| db.setting_set("site", "General Hospital"))?;
//! assert_eq!(store.read(|db| db.setting_get("site"))?.as_deref(), Some("General Hospital"));
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here knows a clock or makes an identifier; both come in as arguments. Times are exact to the microsecond,
//! the finest that both databases keep.

#![forbid(unsafe_code)]

mod bulk;
mod connection;
mod db;
mod error;
mod establish;
mod migrate;
mod page;
mod pool;
mod schema;
mod sql;
mod touched;
mod url;
mod writer;

mod account;
mod audit;
mod authority;
mod certificate;
mod device;
mod drug_library;
mod enrol_token;
mod event;
mod expected;
mod exposure;
mod firmware;
mod free_hours;
mod glass;
mod grant;
mod hold;
mod idempotency;
mod order;
mod place;
mod presence;
mod pump;
mod report;
mod rollout;
mod service_token;
mod session;
mod setting;
mod signature;
mod telemetry;
mod ward_floor;

pub use account::AccountRecord;
pub use audit::{AuditFilter, AuditRow, CheckpointRecord};
pub use authority::{AnchorRecord, AuthorityRecord, CrlRecord, ServerCertificateRecord};
pub use certificate::{
    CertificateFilter, CertificateListing, RegistryChanges, RegistryRow, StoredCertificate,
};
pub use db::Db;
pub use device::DeviceRecord;
pub use drug_library::DrugLibraryRecord;
pub use error::{Outage, StoreError};
pub use event::{EventFilter, EventListing};
pub use exposure::{
    AdvisoryRecord, ComponentListDocument, ComponentListRecord, DecisionRecord, ExposureRecord, FeedRecord,
    PumpMade,
};
pub use firmware::{ReleaseRecord, RepositoryRecord};
pub use glass::GlassUseRecord;
pub use hold::{HoldFilter, HoldRecord, RetestRecord, RetestResult};
pub use idempotency::IdempotencyRecord;
pub use order::OrderRow;
pub use page::{PAGE_MAX, Page};
pub use place::{CareAreaRecord, LocationRecord, ManufacturerRecord, ModelRecord};
pub use pool::Store;
pub use presence::PresenceChange;
pub use pump::{Heard, PumpCounts, PumpFilter, PumpListing, PumpOnBoard, PumpPatch, PumpSoftware, Said};
pub use report::{Recorded, ReportRow};
pub use rollout::{
    AssignmentRecord, BriefingCount, CheckRecord, RolloutRecord, Standing, TicketRecord, TicketStanding,
    WaveRecord,
};
pub use service_token::ServiceTokenRecord;
pub use session::SessionRecord;
pub use signature::{SignatureFilter, SignatureRecord, Verification};
pub use telemetry::Thinned;
pub use touched::Touched;
pub use url::{DatabaseUrl, DatabaseUrlError};
pub use ward_floor::WardFloorRecord;
