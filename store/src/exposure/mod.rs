//! What pumps are made of, what was published about that, and what it means for them. What a document or a finding says is a text to
//! this layer: it is read and judged by the crate `exposure`, above.

mod advisory;
mod component;
mod found;

pub use advisory::{AdvisoryRecord, FeedRecord};
pub use component::{ComponentListDocument, ComponentListRecord, PumpMade};
pub use found::{DecisionRecord, ExposureRecord};
