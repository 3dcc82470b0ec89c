//! The document itself.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ReleaseClass, Target};
use crate::{
    check::CheckSpec,
    pump::{Component, SecurityCounter},
    text::{AdvisoryId, BedsideLine, ComponentName, ComponentVersion, HardwareId, Name, Prompt},
    version::{VersionRange, VersionScheme},
};

/// How long each list may be, in the schema and in the check alike.
pub(super) mod most {
    pub(in super::super) const MODELS: usize = 32;
    pub(in super::super) const COMPONENTS: usize = 64;
    pub(in super::super) const HARDWARE: usize = 64;
    pub(in super::super) const MODULES: usize = 16;
    pub(in super::super) const RANGES: usize = 16;
    pub(in super::super) const LIBRARIES: usize = 64;
    pub(in super::super) const TARGETS: usize = 64;
    pub(in super::super) const STEPS: usize = 16;
    pub(in super::super) const CHECKS: usize = 64;
    pub(in super::super) const BEDSIDE_LINES: usize = 8;
    pub(in super::super) const FIXES: usize = 256;
}

/// The schema version of the manifest. It is written as the number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ManifestV1;

impl Serialize for ManifestV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for ManifestV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(serde::de::Error::custom(format_args!(
                "manifest version {other} is not known; use 1"
            ))),
        }
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ManifestV1 {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ManifestVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": 1, "description": "Schema version of the manifest." })
    }
}

/// One firmware release by one manufacturer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    pub v: ManifestV1,
    /// What people call it.
    pub name: Name,
    /// Its own version, for people; pumps compare those of components.
    pub version: ComponentVersion,
    pub manufacturer: Name,
    /// The models it is for, as pumps report them.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::MODELS)))]
    pub models: Vec<Name>,
    pub class: ReleaseClass,
    /// The component versions on a pump afterwards.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::COMPONENTS)))]
    pub brings: Vec<BroughtComponent>,
    pub security: Security,
    /// Hardware revisions it runs on; none given is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::HARDWARE)))]
    pub hardware: Vec<HardwareId>,
    /// Modules that must be attached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::MODULES)))]
    pub needs_modules: Vec<Name>,
    /// Modules it does not work with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::MODULES)))]
    pub refuses_modules: Vec<Name>,
    /// From which versions there is a path; a component that is not named may have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::COMPONENTS)))]
    pub from: Vec<FromRule>,
    /// Drug libraries that fit; none given is any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::LIBRARIES)))]
    pub drug_libraries: Vec<LibraryRule>,
    /// The files, each with the pumps it is for.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::TARGETS)))]
    pub targets: Vec<Target>,
    /// What has to be done on the pump around the installation, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::STEPS)))]
    pub steps: Vec<Step>,
    /// What a pump proves afterwards; the class says what can not be left out.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::CHECKS)))]
    pub checks: Vec<CheckSpec>,
    /// What a nurse reads before the update: plain text, a line at a time.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::BEDSIDE_LINES)))]
    pub bedside: Vec<BedsideLine>,
    /// Advisories that it fixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "json-schema", schemars(length(max = most::FIXES)))]
    pub fixes: Vec<Advisory>,
}

/// A component as it is after the update, and how its versions compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct BroughtComponent {
    pub name: ComponentName,
    pub version: ComponentVersion,
    pub scheme: VersionScheme,
}

/// The numbers that keep old holes closed (S9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Security {
    /// The release's own counter. A pump with a higher one can not take it; an emergency return is old code under a new counter.
    pub counter: SecurityCounter,
    /// The least counter that a pump may return to after this release.
    pub floor: SecurityCounter,
}

impl Security {
    /// S9: whether a pump may go back to what has this counter.
    #[must_use]
    pub fn may_return_to(self, previous: SecurityCounter) -> bool {
        previous >= self.floor
    }
}

/// The versions of one component from which there is a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct FromRule {
    pub component: ComponentName,
    pub scheme: VersionScheme,
    /// It must be in one of these.
    #[cfg_attr(feature = "json-schema", schemars(length(min = 1, max = most::RANGES)))]
    pub ranges: Vec<VersionRange>,
}

/// Drug libraries that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct LibraryRule {
    /// The library's name; none given is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    pub scheme: VersionScheme,
    #[serde(default, skip_serializing_if = "VersionRange::is_any")]
    pub range: VersionRange,
}

/// Something that has to be done on the pump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum Step {
    /// The pump restarts, so many times.
    Reboot {
        #[cfg_attr(feature = "json-schema", schemars(range(min = 1, max = 5)))]
        times: u8,
    },
    /// A person does something, such as taking the battery out for a minute.
    Person { prompt: Prompt },
}

impl Step {
    /// The most restarts in one step.
    pub const TIMES_MAX: u8 = 5;
}

/// An advisory that the release fixes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Advisory {
    pub id: AdvisoryId,
    pub extent: Extent,
}

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Extent {
    Fully,
    /// The pump stays exposed, if less.
    Partly,
}

impl Manifest {
    /// Every component of a pump after this target of the release, sorted by name: what is brought, and what stays.
    #[must_use]
    pub fn after(&self, target: &Target, before: &[Component]) -> Vec<Component> {
        let brought = self.brings(target).iter().map(|brought| Component {
            name: brought.name.clone(),
            version: brought.version.clone(),
        });
        let all: BTreeMap<_, _> = before
            .iter()
            .cloned()
            .chain(brought)
            .map(|part| (part.name.clone(), part))
            .collect();
        all.into_values().collect()
    }

    /// The component versions that a target of the release brings.
    #[must_use]
    pub fn brings<'a>(&'a self, target: &'a Target) -> &'a [BroughtComponent] {
        if target.brings.is_empty() {
            &self.brings
        } else {
            &target.brings
        }
    }
}

impl BroughtComponent {
    /// Whether a pump has it already. What does not compare is the same only to the letter.
    #[must_use]
    pub fn is(&self, installed: &ComponentVersion) -> bool {
        &self.version == installed || self.scheme.compare(&self.version, installed) == Ok(Ordering::Equal)
    }
}
