//! What is known of a pump at one moment, with names instead of ids: what releases and filters are matched against.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{HoldKind, Status};
use crate::{
    id::PumpId,
    text::{AdvisoryId, AssetTag, ComponentName, ComponentVersion, HardwareId, Name, SerialNumber, Tag},
    version::VersionScheme,
};

/// The number that a pump's firmware raises and never lowers (S9). A pump refuses firmware whose counter is below its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = u32))]
pub struct SecurityCounter(pub u32);

impl std::fmt::Display for SecurityCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A component, with the scheme of its maker as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledComponent {
    pub name: ComponentName,
    pub version: ComponentVersion,
    pub scheme: VersionScheme,
}

/// The drug library on a pump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledLibrary {
    pub name: Name,
    pub version: ComponentVersion,
}

/// A pump at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PumpFacts {
    pub id: PumpId,
    pub serial: SerialNumber,
    pub asset_tag: Option<AssetTag>,
    pub manufacturer: Name,
    pub model: Name,
    pub hardware_id: Option<HardwareId>,
    /// Attached modules (wireless, battery, PCA).
    pub modules: BTreeSet<Name>,
    /// What it last reported; empty when it never did.
    pub components: Vec<InstalledComponent>,
    /// Its security counter, once reported.
    pub counter: Option<SecurityCounter>,
    pub drug_library: Option<InstalledLibrary>,
    pub care_area: Option<Name>,
    pub location: Option<Name>,
    pub tags: BTreeSet<Tag>,
    pub status: Status,
    pub hold: Option<HoldKind>,
    /// The manufacturer supports it no longer.
    pub past_support: bool,
    /// Advisories that touch it and are not fixed on it.
    pub vulnerabilities: BTreeSet<AdvisoryId>,
}

impl PumpFacts {
    /// An installed component by name.
    #[must_use]
    pub fn component(&self, name: &ComponentName) -> Option<&InstalledComponent> {
        self.components.iter().find(|component| &component.name == name)
    }

    /// The number in its serial number: see [`numeric_part`].
    #[must_use]
    pub fn serial_number(&self) -> Option<u64> {
        numeric_part(&self.serial)
    }
}

/// The last run of digits in a serial number, by which makers divide their production: 138852 in `SN 138852` and in
/// `A7-138852B`. Nothing when there is no digit, or more of them than 18.
#[must_use]
pub fn numeric_part(serial: &SerialNumber) -> Option<u64> {
    let digits = serial
        .as_str()
        .rsplit(|c: char| !c.is_ascii_digit())
        .find(|run| !run.is_empty())?;
    if digits.len() > 18 {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    /// A pump in service in MICU that everything fits.
    pub(crate) fn a_pump() -> PumpFacts {
        let component = |name: &str, version: &str, scheme| InstalledComponent {
            name: ComponentName::new(name).unwrap(),
            version: ComponentVersion::new(version).unwrap(),
            scheme,
        };
        let name = |text| Name::new(text).unwrap();
        PumpFacts {
            id: PumpId::from_uuid(Uuid::from_u128(1)),
            serial: SerialNumber::new("SN-138852").unwrap(),
            asset_tag: Some(AssetTag::new("BM-10442").unwrap()),
            manufacturer: name("Acme Medical"),
            model: name("Volumat 7"),
            hardware_id: Some(HardwareId::new("HW-C").unwrap()),
            modules: [name("wireless-b")].into(),
            components: vec![
                component("main", "9.10", VersionScheme::Dotted),
                component("wireless", "v9a", VersionScheme::DottedSuffix),
                component("boot", "REV-C", VersionScheme::Unknown),
            ],
            counter: Some(SecurityCounter(41)),
            drug_library: Some(InstalledLibrary {
                name: name("Adult ICU"),
                version: ComponentVersion::new("2026-03-01").unwrap(),
            }),
            care_area: Some(name("MICU")),
            location: Some(name("Clean store 2")),
            tags: [Tag::new("pilot").unwrap()].into(),
            status: Status::InService,
            hold: None,
            past_support: false,
            vulnerabilities: [AdvisoryId::new("CVE-2026-1001").unwrap()].into(),
        }
    }

    #[test]
    fn the_numeric_part_is_the_last_run_of_digits() {
        let check = |serial: &str, expected| {
            assert_eq!(
                numeric_part(&SerialNumber::new(serial).unwrap()),
                expected,
                "{serial}"
            );
        };
        check("138852", Some(138_852));
        check("SN-0138852", Some(138_852));
        check("A7-138852B", Some(138_852));
        check("ABC", None);
        check("12-ABC-", Some(12));
        check("999999999999999999", Some(999_999_999_999_999_999));
        check("1000000000000000000", None);
        check("٣", None);
    }
}
