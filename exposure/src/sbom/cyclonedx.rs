//! `CycloneDX` 1.4 to 1.7, JSON.

use serde::Deserialize;

use super::{Component, ComponentKind, ComponentList, Format, Hash, MAX, said};
use crate::{
    Timestamp,
    read::{Fault, at_most, clip},
};

#[derive(Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    component: Option<Box<Raw>>,
}

#[derive(Deserialize)]
pub(super) struct Raw {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    purl: Option<String>,
    #[serde(default)]
    cpe: Option<String>,
    #[serde(default)]
    publisher: Option<String>,
    #[serde(default)]
    supplier: Option<Organisation>,
    /// Since 1.6.
    #[serde(default)]
    manufacturer: Option<Organisation>,
    #[serde(default, deserialize_with = "at_most::<100, _, _>")]
    hashes: Vec<RawHash>,
    #[serde(default, deserialize_with = "at_most::<MAX, _, _>")]
    components: Vec<Raw>,
}

#[derive(Deserialize)]
struct Organisation {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawHash {
    alg: String,
    content: String,
}

pub(super) fn list(raw: super::Raw) -> Result<ComponentList, Fault> {
    let version = raw.spec_version.unwrap_or_default();
    if !matches!(version.as_str(), "1.4" | "1.5" | "1.6" | "1.7") {
        return Err(Fault::Unsupported {
            what: "`specVersion`",
            found: clip(&version, 20),
            supported: "CycloneDX 1.4 to 1.7",
        });
    }
    let mut list = ComponentList {
        format: Format::CycloneDx,
        format_version: version,
        subject: None,
        made_at: None,
        components: Vec::new(),
    };
    if let Some(metadata) = raw.metadata {
        list.made_at = metadata.timestamp;
        if let Some(subject) = metadata.component {
            list.subject = said(Some(&subject.name));
            add_all(
                &mut list.components,
                subject.components,
                "metadata.component.components",
                None,
            )?;
        }
    }
    add_all(&mut list.components, raw.components, "components", None)?;
    Ok(list)
}

/// Flattens a level; how deep levels go is bounded where the bytes are read.
fn add_all(
    kept: &mut Vec<Component>,
    raws: Vec<Raw>,
    place: &str,
    within: Option<usize>,
) -> Result<(), Fault> {
    for (index, raw) in raws.into_iter().enumerate() {
        if kept.len() == MAX {
            return Err(Fault::Contradicts {
                detail: format!("it has more than {MAX} components"),
            });
        }
        let place = format!("{place}[{index}]");
        let inner = format!("{place}.components");
        let number = kept.len();
        let (component, children) = component(raw, place, within);
        kept.push(component);
        add_all(kept, children, &inner, Some(number))?;
    }
    Ok(())
}

fn component(raw: Raw, place: String, within: Option<usize>) -> (Component, Vec<Raw>) {
    let kind = match raw.kind.as_str() {
        "device" | "device-driver" => ComponentKind::Device,
        "firmware" => ComponentKind::Firmware,
        "operating-system" | "platform" => ComponentKind::OperatingSystem,
        _ => ComponentKind::Software,
    };
    let kind = if raw.kind == "device-driver" {
        ComponentKind::Software
    } else {
        kind
    };
    let mut component = Component::new(kind, &raw.name, place, within);
    component.version = said(raw.version.as_deref());
    let names = [raw.supplier, raw.manufacturer]
        .map(|organisation| organisation.and_then(|organisation| organisation.name));
    let [supplier, manufacturer] = &names;
    component.supplier = [supplier, &raw.publisher, manufacturer, &raw.group]
        .into_iter()
        .find_map(|name| said(name.as_deref()));
    if let Some(cpe) = said(raw.cpe.as_deref()) {
        component.set_cpe(&cpe);
    }
    if let Some(purl) = raw.purl.as_deref().filter(|purl| !purl.is_empty()) {
        component.set_purl(purl);
    }
    component.hashes = raw
        .hashes
        .into_iter()
        .map(|hash| Hash {
            algorithm: clip(&hash.alg, 20),
            digits: clip(&hash.content, 128),
        })
        .collect();
    (component, raw.components)
}
