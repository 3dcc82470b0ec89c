//! Names: how the same vendor and the same product are spelt by different people.
//!
//! An SBOM says *The Apache Software Foundation*, the NVD says `apache`; an advisory says *Becton, Dickinson and Company
//! (BD)*, a hospital says *BD*. The rules here only fold what carries no meaning (case, punctuation, legal forms). Whatever
//! needs a guess is not the same name but [`Alike::Perhaps`], and a person is asked.

mod cpe;
mod product;
mod purl;
mod vulnerability;

pub use cpe::{Cpe, CpeError, Part, Value};
pub use product::{Alike, ProductName, VendorName};
pub use purl::{Purl, PurlError};
pub use vulnerability::{VulnerabilityId, VulnerabilityIdError};
