//! What published vulnerabilities say about the pumps of one hospital.
//!
//! Everything here is a pure function over bytes and plain data: files are handed in as readers, and nothing opens a file,
//! a socket, a database or a clock.
//!
//! | room | what is decided there |
//! |---|---|
//! | [`read`] | which files are read at all: size, depth, encoding; a refused file says why and where |
//! | [`detect`] | which of the formats a file that was dropped on a page is |
//! | [`feed`] | CSAF advisories, pages of the NVD, the catalogue of known exploited vulnerabilities, in one shape: [`Advisory`] |
//! | [`sbom`] | `CycloneDX` and SPDX in one shape: [`ComponentList`], and what differs between two |
//! | [`name`] | names of vendors and products, CPE names, package URLs, vulnerability ids |
//! | [`version`] | one comparator for each scheme of versions, and ranges; what can not be compared says so |
//! | [`matching`] | a pump's facts against advisories: affected, not affected, fixed, partly fixed, needs review |
//! | [`score`], [`order`] | scores with their source, side by side; what to do first, and why |
//! | [`metrics`] | how many are patched, and how long that takes |
//!
//! Two rules hold everywhere. What can not be read, has no version, or is ambiguous becomes *needs review* and never *not
//! affected*. And every result explains itself in words and names the document that it rests on.

#![forbid(unsafe_code)]

pub mod detect;
pub mod feed;
pub mod matching;
pub mod metrics;
pub mod name;
pub mod order;
pub mod read;
pub mod sbom;
pub mod score;
pub mod version;

pub use feed::Advisory;
pub use sbom::ComponentList;

/// An instant in UTC.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
