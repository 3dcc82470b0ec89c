//! SPDX 2.2 and 2.3, JSON. Packages become components; files and snippets do not.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Component, ComponentKind, ComponentList, Format, Hash, said};
use crate::{
    Timestamp,
    read::{Fault, at_most, clip},
};

#[derive(Deserialize)]
pub(super) struct CreationInfo {
    #[serde(default)]
    created: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(default)]
    version_info: Option<String>,
    #[serde(default)]
    supplier: Option<String>,
    #[serde(default)]
    originator: Option<String>,
    /// Since 2.3.
    #[serde(default)]
    primary_package_purpose: Option<String>,
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    checksums: Vec<Checksum>,
    #[serde(default, deserialize_with = "at_most::<1_000, _, _>")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_type: String,
    reference_locator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    spdx_element_id: String,
    #[serde(rename = "relationshipType")]
    kind: String,
    related_spdx_element: String,
}

pub(super) fn list(raw: super::Raw) -> Result<ComponentList, Fault> {
    let version = raw.spdx_version.unwrap_or_default();
    let Some(version) = version
        .strip_prefix("SPDX-")
        .filter(|version| matches!(*version, "2.2" | "2.3"))
    else {
        return Err(Fault::Unsupported {
            what: "`spdxVersion`",
            found: clip(&version, 20),
            supported: "SPDX-2.2 and SPDX-2.3",
        });
    };
    let mut numbers = BTreeMap::new();
    for (number, package) in raw.packages.iter().enumerate() {
        if numbers.insert(package.id.clone(), number).is_some() {
            return Err(Fault::Contradicts {
                detail: format!("it defines the package `{}` twice", clip(&package.id, 80)),
            });
        }
    }
    let mut components: Vec<Component> = raw.packages.into_iter().enumerate().map(component).collect();
    for relationship in &raw.relationships {
        let (holder, held) = match relationship.kind.as_str() {
            "CONTAINS" | "DEPENDS_ON" => (&relationship.spdx_element_id, &relationship.related_spdx_element),
            "CONTAINED_BY" | "DEPENDENCY_OF" => {
                (&relationship.related_spdx_element, &relationship.spdx_element_id)
            }
            _ => continue,
        };
        if let (Some(holder), Some(held)) = (numbers.get(holder), numbers.get(held))
            && holder != held
            && let Some(component) = components.get_mut(*held)
        {
            component.within.get_or_insert(*holder);
        }
    }
    Ok(ComponentList {
        format: Format::Spdx,
        format_version: version.to_owned(),
        subject: said(raw.name.as_deref()),
        made_at: raw.creation_info.and_then(|info| info.created),
        components,
    })
}

fn component((number, package): (usize, Package)) -> Component {
    let kind = match package.primary_package_purpose.as_deref() {
        Some("DEVICE") => ComponentKind::Device,
        Some("FIRMWARE") => ComponentKind::Firmware,
        Some("OPERATING-SYSTEM" | "OPERATING_SYSTEM") => ComponentKind::OperatingSystem,
        _ => ComponentKind::Software,
    };
    let mut component = Component::new(kind, &package.name, format!("packages[{number}]"), None);
    component.version = said(package.version_info.as_deref());
    // `Organization: ACME (mail@example.com)`: the mail address is a person's, and not kept.
    let organisation = |text: &Option<String>| {
        let name = said(text.as_deref())?;
        let name = name.strip_prefix("Organization:").unwrap_or(&name);
        said(name.split('(').next())
    };
    component.supplier = [package.supplier, package.originator]
        .iter()
        .filter(|name| !name.as_deref().is_some_and(|name| name.starts_with("Person:")))
        .find_map(organisation);
    for reference in &package.external_refs {
        match reference.reference_type.as_str() {
            "purl" if component.purl.is_none() => component.set_purl(&reference.reference_locator),
            "cpe23Type" | "cpe22Type" if component.cpe.is_none() => {
                component.set_cpe(&reference.reference_locator);
            }
            _ => {}
        }
    }
    component.hashes = package
        .checksums
        .into_iter()
        .map(|sum| Hash {
            algorithm: clip(&sum.algorithm, 20),
            digits: clip(&sum.checksum_value, 128),
        })
        .collect();
    component
}
