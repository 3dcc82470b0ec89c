//! Does a pump's report of itself fit what we know it to be? Where it does not, somebody should look.

use crate::{
    event::EventKind,
    pump::{Component, MacAddress},
    text::SerialNumber,
};

/// What the registry knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownIdentity<'a> {
    /// The serial number the certificate was issued for.
    pub serial: &'a SerialNumber,
    /// Addresses from the import or from the first report; empty when none is known yet.
    pub macs: &'a [MacAddress],
    /// Component versions from the last report; empty when there was none.
    pub components: &'a [Component],
}

/// What the pump reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedIdentity<'a> {
    pub serial: &'a SerialNumber,
    pub macs: &'a [MacAddress],
    pub components: &'a [Component],
    /// Another pump that is known by one of the reported addresses.
    pub mac_shared_with: Option<&'a SerialNumber>,
}

/// A contradiction, as an event to raise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: EventKind,
    pub detail: String,
}

/// Compares a report with the record. An empty result is a pump that is what it was.
#[must_use]
pub fn compare(known: &KnownIdentity<'_>, reported: &ReportedIdentity<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if known.serial != reported.serial {
        findings.push(Finding {
            kind: EventKind::SerialMismatch,
            detail: format!("enrolled as {}, reports {}", known.serial, reported.serial),
        });
    }
    let strangers: Vec<_> = reported
        .macs
        .iter()
        .filter(|mac| !known.macs.contains(mac))
        .collect();
    if !known.macs.is_empty() && !strangers.is_empty() {
        findings.push(Finding {
            kind: EventKind::MacChanged,
            detail: format!("known by {}, reports {}", list(known.macs), list(reported.macs)),
        });
    }
    if let Some(other) = reported.mac_shared_with {
        findings.push(Finding {
            kind: EventKind::MacShared,
            detail: format!(
                "{} is also known as an address of pump {other}",
                list(reported.macs)
            ),
        });
    }
    let changes = component_changes(known.components, reported.components);
    if !known.components.is_empty() && !changes.is_empty() {
        findings.push(Finding {
            kind: EventKind::ComponentsChanged,
            detail: changes.join(", "),
        });
    }
    findings
}

fn list(macs: &[MacAddress]) -> String {
    macs.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn component_changes(old: &[Component], new: &[Component]) -> Vec<String> {
    let version_in = |set: &[Component], name| {
        set.iter()
            .find(|component| component.name == name)
            .map(|component| component.version.clone())
    };
    let changed_or_gone = old
        .iter()
        .filter_map(|was| match version_in(new, was.name.clone()) {
            Some(version) if version == was.version => None,
            Some(version) => Some(format!("{} {} → {version}", was.name, was.version)),
            None => Some(format!("{} {} → gone", was.name, was.version)),
        });
    let added = new
        .iter()
        .filter(|is| version_in(old, is.name.clone()).is_none())
        .map(|is| format!("{} new: {}", is.name, is.version));
    changed_or_gone.chain(added).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{ComponentName, ComponentVersion};

    fn component(name: &str, version: &str) -> Component {
        Component {
            name: ComponentName::new(name).unwrap(),
            version: ComponentVersion::new(version).unwrap(),
        }
    }

    #[test]
    fn each_contradiction_is_an_event() {
        let serial = SerialNumber::new("SN-1").unwrap();
        let other = SerialNumber::new("SN-2").unwrap();
        let a: MacAddress = "00:1a:2b:00:00:01".parse().unwrap();
        let b: MacAddress = "00:1a:2b:00:00:02".parse().unwrap();
        let old = [component("main", "9.32"), component("wireless", "1.0")];
        let new = [component("main", "9.33"), component("pca", "2")];
        let known = KnownIdentity {
            serial: &serial,
            macs: &[a],
            components: &old,
        };
        let same = ReportedIdentity {
            serial: &serial,
            macs: &[a],
            components: &old,
            mac_shared_with: None,
        };
        let check = |reported: ReportedIdentity<'_>, expected: &[EventKind]| {
            let kinds: Vec<_> = compare(&known, &reported)
                .into_iter()
                .map(|finding| finding.kind)
                .collect();
            assert_eq!(kinds, expected);
        };
        check(same.clone(), &[]);
        check(
            ReportedIdentity {
                serial: &other,
                ..same.clone()
            },
            &[EventKind::SerialMismatch],
        );
        check(
            ReportedIdentity {
                macs: &[b],
                ..same.clone()
            },
            &[EventKind::MacChanged],
        );
        check(
            ReportedIdentity {
                macs: &[a, b],
                ..same.clone()
            },
            &[EventKind::MacChanged],
        );
        check(
            ReportedIdentity {
                mac_shared_with: Some(&other),
                ..same.clone()
            },
            &[EventKind::MacShared],
        );
        check(
            ReportedIdentity {
                components: &new,
                ..same.clone()
            },
            &[EventKind::ComponentsChanged],
        );

        let detail = &compare(
            &known,
            &ReportedIdentity {
                components: &new,
                ..same.clone()
            },
        )[0]
        .detail;
        assert_eq!(detail, "main 9.32 → 9.33, wireless 1.0 → gone, pca new: 2");

        let blank = KnownIdentity {
            serial: &serial,
            macs: &[],
            components: &[],
        };
        assert!(
            compare(&blank, &same).is_empty(),
            "a first report fills the record, it contradicts nothing"
        );
    }
}
