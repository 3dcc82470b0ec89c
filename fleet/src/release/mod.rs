//! A manufacturer's release: what it brings, for which pumps, and what they owe afterwards.
//!
//! The [`Manifest`] is a JSON document among the TUF targets of a release, so the manufacturer's keys vouch for it. It is
//! read whole and refused whole: every problem is named with its field ([`Manifest::read`]). Which file a pump gets, or why it
//! gets none, is one function: [`choose_target`].
//!
//! Its schema is published in `docs/schemas/release-manifest.json`, an example in `docs/release-manifest.example.json`.

mod check;
mod choose;
mod class;
mod manifest;
mod repository;
mod target;

pub use check::{ManifestError, Problem, ProblemKind};
pub use choose::{NotEligible, choose_target};
pub use class::ReleaseClass;
pub use manifest::{
    Advisory, BroughtComponent, Extent, FromRule, LibraryRule, Manifest, ManifestV1, Security, Step,
};
pub use repository::{RepositoryName, RepositoryNameError};
pub use target::{SerialRange, Target, TargetPath, TargetPathError};

#[cfg(test)]
pub(crate) mod tests;
