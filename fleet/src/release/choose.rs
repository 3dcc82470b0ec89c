//! Which file of a release a pump gets, or why it gets none, in words for the list of those left out.

use thiserror::Error;

use super::{FromRule, LibraryRule, Manifest, Target, TargetPath};
use crate::{
    pump::{HoldKind, PumpFacts, SecurityCounter, Status},
    text::{ComponentName, ComponentVersion, HardwareId, Name, SerialNumber},
    version::{VersionError, VersionRange},
};

/// Why a pump is left out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotEligible {
    #[error("retired: it has left the hospital")]
    Retired,
    #[error("sequestered: it is evidence and nothing may touch it")]
    Sequestered,
    #[error("held: release the hold first")]
    Held { kind: HoldKind },
    #[error("in no care area: nobody could sign for it; say where it belongs")]
    NoCareArea,
    #[error("past support: its manufacturer supports it no longer")]
    PastSupport,
    #[error("another manufacturer: it is by {pump}, the release by {release}")]
    OtherManufacturer { pump: Name, release: Name },
    #[error("another model: the release is not for {pump}")]
    OtherModel { pump: Name },
    #[error("hardware not known: it has not reported its hardware id; refresh its inventory")]
    HardwareUnknown,
    #[error("wrong hardware: the release does not run on {pump}")]
    WrongHardware { pump: HardwareId },
    #[error("module missing: the release needs {module}")]
    ModuleMissing { module: Name },
    #[error("module in the way: the release does not work with {module}")]
    ModuleRefused { module: Name },
    #[error(
        "serial number {serial} holds no number that the release could choose a file by; ask its manufacturer"
    )]
    SerialUnreadable { serial: SerialNumber },
    #[error("no file of the release is for serial number {serial} with its hardware and modules")]
    NoTarget { serial: SerialNumber },
    #[error("two files of the release are for it ({first}, {second}); ask its manufacturer")]
    SeveralTargets { first: TargetPath, second: TargetPath },
    #[error("already there: it has every version that the release brings")]
    AlreadyInstalled,
    #[error("security counter not known: it has not reported it; refresh its inventory")]
    CounterUnknown,
    #[error("below the security floor: its counter is {pump}, the release's only {release}")]
    BelowSecurityFloor {
        pump: SecurityCounter,
        release: SecurityCounter,
    },
    #[error("version not known: it has not reported its {component}; refresh its inventory")]
    ComponentUnknown { component: ComponentName },
    #[error("no path from its version: {component} is {installed}, the release needs {needs}")]
    NoPath {
        component: ComponentName,
        installed: ComponentVersion,
        needs: String,
    },
    #[error("needs review: {component}: {error}")]
    VersionUnclear {
        component: ComponentName,
        error: VersionError,
    },
    #[error("drug library not known: it has not reported one, and the release needs {needs}")]
    DrugLibraryUnknown { needs: String },
    #[error("drug library: it has {installed}, the release needs {needs}")]
    DrugLibrary { installed: String, needs: String },
    #[error("needs review: drug library: {error}")]
    DrugLibraryUnclear { error: VersionError },
}

impl NotEligible {
    /// The word by which those left out are counted.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Retired => "retired",
            Self::Sequestered => "sequestered",
            Self::NoCareArea => "no_care_area",
            Self::Held { .. } => "held",
            Self::PastSupport => "past_support",
            Self::OtherManufacturer { .. } => "other_manufacturer",
            Self::OtherModel { .. } => "other_model",
            Self::HardwareUnknown => "hardware_unknown",
            Self::WrongHardware { .. } => "wrong_hardware",
            Self::ModuleMissing { .. } => "module_missing",
            Self::ModuleRefused { .. } => "module_refused",
            Self::SerialUnreadable { .. } => "serial_unreadable",
            Self::NoTarget { .. } => "no_target",
            Self::SeveralTargets { .. } => "several_targets",
            Self::AlreadyInstalled => "already_installed",
            Self::CounterUnknown => "counter_unknown",
            Self::BelowSecurityFloor { .. } => "below_security_floor",
            Self::ComponentUnknown { .. } => "component_unknown",
            Self::NoPath { .. } => "no_path",
            Self::VersionUnclear { .. } => "version_unclear",
            Self::DrugLibraryUnknown { .. } => "drug_library_unknown",
            Self::DrugLibrary { .. } => "drug_library",
            Self::DrugLibraryUnclear { .. } => "drug_library_unclear",
        }
    }
}

/// The file of a release that a pump gets. All doubt leaves the pump out.
///
/// # Errors
/// The first [`NotEligible`] that applies, what no update can change first.
pub fn choose_target<'a>(manifest: &'a Manifest, pump: &PumpFacts) -> Result<&'a Target, NotEligible> {
    in_use(pump)?;
    made_for(manifest, pump)?;
    let target = only_target(manifest, pump)?;
    let has_all = manifest.brings(target).iter().all(|brought| {
        pump.component(&brought.name)
            .is_some_and(|installed| brought.is(&installed.version))
    });
    if has_all {
        return Err(NotEligible::AlreadyInstalled);
    }
    above_floor(manifest, pump)?;
    for rule in &manifest.from {
        has_path(rule, pump)?;
    }
    library_fits(&manifest.drug_libraries, pump)?;
    Ok(target)
}

fn in_use(pump: &PumpFacts) -> Result<(), NotEligible> {
    if pump.status == Status::Retired {
        return Err(NotEligible::Retired);
    }
    match pump.hold {
        Some(HoldKind::Sequestered) => return Err(NotEligible::Sequestered),
        Some(kind @ (HoldKind::Clinical | HoldKind::SecurityIsolation)) => {
            return Err(NotEligible::Held { kind });
        }
        None => {}
    }
    if pump.past_support {
        return Err(NotEligible::PastSupport);
    }
    Ok(())
}

fn made_for(manifest: &Manifest, pump: &PumpFacts) -> Result<(), NotEligible> {
    if manifest.manufacturer != pump.manufacturer {
        return Err(NotEligible::OtherManufacturer {
            pump: pump.manufacturer.clone(),
            release: manifest.manufacturer.clone(),
        });
    }
    if !manifest.models.contains(&pump.model) {
        return Err(NotEligible::OtherModel {
            pump: pump.model.clone(),
        });
    }
    let by_hardware = manifest.targets.iter().any(|target| !target.hardware.is_empty());
    match &pump.hardware_id {
        None if by_hardware || !manifest.hardware.is_empty() => return Err(NotEligible::HardwareUnknown),
        Some(id) if !manifest.hardware.is_empty() && !manifest.hardware.contains(id) => {
            return Err(NotEligible::WrongHardware { pump: id.clone() });
        }
        None | Some(_) => {}
    }
    let missing = manifest
        .needs_modules
        .iter()
        .find(|name| !pump.modules.contains(name));
    if let Some(module) = missing {
        return Err(NotEligible::ModuleMissing {
            module: module.clone(),
        });
    }
    let refused = manifest
        .refuses_modules
        .iter()
        .find(|name| pump.modules.contains(name));
    if let Some(module) = refused {
        return Err(NotEligible::ModuleRefused {
            module: module.clone(),
        });
    }
    Ok(())
}

fn only_target<'a>(manifest: &'a Manifest, pump: &PumpFacts) -> Result<&'a Target, NotEligible> {
    let serial = || pump.serial.clone();
    let mut fitting = manifest.targets.iter().filter(|target| target.fits(pump));
    match (fitting.next(), fitting.next()) {
        (Some(target), None) => Ok(target),
        (Some(first), Some(second)) => Err(NotEligible::SeveralTargets {
            first: first.path.clone(),
            second: second.path.clone(),
        }),
        (None, _)
            if pump.serial_number().is_none() && manifest.targets.iter().any(|t| t.serials.is_some()) =>
        {
            Err(NotEligible::SerialUnreadable { serial: serial() })
        }
        (None, _) => Err(NotEligible::NoTarget { serial: serial() }),
    }
}

/// S9.
fn above_floor(manifest: &Manifest, pump: &PumpFacts) -> Result<(), NotEligible> {
    let release = manifest.security.counter;
    match pump.counter {
        None => Err(NotEligible::CounterUnknown),
        Some(pump) if pump > release => Err(NotEligible::BelowSecurityFloor { pump, release }),
        Some(_) => Ok(()),
    }
}

fn has_path(rule: &FromRule, pump: &PumpFacts) -> Result<(), NotEligible> {
    let component = || rule.component.clone();
    let installed = &pump
        .component(&rule.component)
        .ok_or_else(|| NotEligible::ComponentUnknown {
            component: component(),
        })?
        .version;
    let mut unclear = None;
    for range in &rule.ranges {
        match range.contains(rule.scheme, installed) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => unclear = Some(error),
        }
    }
    Err(match unclear {
        Some(error) => NotEligible::VersionUnclear {
            component: component(),
            error,
        },
        None => NotEligible::NoPath {
            component: component(),
            installed: installed.clone(),
            needs: joined(rule.ranges.iter().map(VersionRange::to_string)),
        },
    })
}

fn library_fits(rules: &[LibraryRule], pump: &PumpFacts) -> Result<(), NotEligible> {
    if rules.is_empty() {
        return Ok(());
    }
    let needs = || joined(rules.iter().map(LibraryRule::to_string));
    let Some(installed) = &pump.drug_library else {
        return Err(NotEligible::DrugLibraryUnknown { needs: needs() });
    };
    let mut unclear = None;
    for rule in rules {
        if rule.name.as_ref().is_some_and(|name| name != &installed.name) {
            continue;
        }
        match rule.range.contains(rule.scheme, &installed.version) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) => unclear = Some(error),
        }
    }
    Err(match unclear {
        Some(error) => NotEligible::DrugLibraryUnclear { error },
        None => NotEligible::DrugLibrary {
            installed: format!("{} {}", installed.name, installed.version),
            needs: needs(),
        },
    })
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", or ")
}

impl std::fmt::Display for LibraryRule {
    /// As a person reads it: `Adult ICU, 2026-01-01 or later`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}, {}", self.range),
            None => write!(f, "any library, {}", self.range),
        }
    }
}
