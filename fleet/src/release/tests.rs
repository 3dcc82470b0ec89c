use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    check::{CheckKind, owed},
    pump::{HoldKind, PumpFacts, SecurityCounter, Status, a_pump},
    text::{HardwareId, Name, SerialNumber},
};

/// The example that manufacturers read: a release of infusion-control code with two files, one for serial numbers up to
/// 138852 and one from there on.
const EXAMPLE: &str = include_str!("../../../docs/release-manifest.example.json");

fn document() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

fn read(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::read(document.to_string().as_bytes())
}

pub(crate) fn manifest() -> Manifest {
    read(&document()).unwrap()
}

#[test]
fn a_manifest_reads_back_as_it_is_written() {
    let manifest = Manifest::read(EXAMPLE.as_bytes()).unwrap();
    let again = Manifest::read(&serde_json::to_vec(&manifest).unwrap()).unwrap();
    assert_eq!(again, manifest);
}

#[test]
fn what_makes_no_sense_is_named_with_its_field() {
    let check = |pointer: &str, value: Value, expected: &str| {
        let mut document = document();
        *document
            .pointer_mut(pointer)
            .unwrap_or_else(|| panic!("{pointer}")) = value;
        let ManifestError::Invalid { problems } = read(&document).unwrap_err() else {
            panic!("{pointer}: not a matter of sense");
        };
        let got: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(got, [expected]);
    };
    check("/models", json!([]), "`models`: has 0 items; give 1 to 32");
    check("/models", json!(["A", "A"]), "`models[1]`: `A` is there twice");
    check(
        "/brings/1/version",
        json!("REV-C"),
        "`brings[1].version`: version `REV-C` does not compare: by the scheme `dotted_suffix` it would be numbers between dots, perhaps with letters at the end, as in 8.00.02c",
    );
    check(
        "/security/floor",
        json!(43),
        "`security.floor`: is 43, above the release's own counter 42",
    );
    check(
        "/refuses_modules",
        json!(["wireless-b"]),
        "`refuses_modules[0]`: is both needed and refused",
    );
    check(
        "/from/0/scheme",
        json!("dotted_suffix"),
        "`from[0].scheme`: by the scheme `dotted_suffix`, while the release brings this component by `dotted`",
    );
    check(
        "/from/0/ranges",
        json!([]),
        "`from[0].ranges`: has 0 items; give 1 to 16",
    );
    check(
        "/from/0/ranges/1/at_least",
        json!("10"),
        "`from[0].ranges[1]`: no version is in the range 10 or later and up to 9.12; the lower bound lies above the upper one",
    );
    check(
        "/drug_libraries/1/range",
        json!({ "below": "2" }),
        "`drug_libraries[1].range`: `below`: version `2` does not compare: how this component's versions are ordered is not known",
    );
    check(
        "/targets/1/serials/from",
        json!(138_852),
        "`targets[1]`: could be for the same pump as `volumat7/9.12/early.bin`; tell them apart by serial numbers, hardware or modules",
    );
    check(
        "/targets/1/path",
        json!("volumat7/9.12/early.bin"),
        "`targets[1]`: `volumat7/9.12/early.bin` is there twice",
    );
    check(
        "/targets/0/serials",
        json!({ "from": 9, "to": 8 }),
        "`targets[0].serials`: holds no serial number; `from` lies above `to`, or neither is given",
    );
    check("/steps/0/times", json!(6), "`steps[0].times`: is 6; give 1 to 5");
    check("/bedside", json!([]), "`bedside`: has 0 items; give 1 to 8");
    check(
        "/fixes/1/id",
        json!("CVE-2026-1001"),
        "`fixes[1]`: `CVE-2026-1001` is there twice",
    );
    check(
        "/checks/3/expect/guard_band",
        json!(-1.0),
        "`checks[3]`: `guard_band` is below zero",
    );
    check(
        "/checks/3/expect/guard_band",
        json!(31.0),
        "`checks[3]`: no reading could pass: `low` + `guard_band` lies above `high` - `guard_band`",
    );
    check(
        "/checks/3/expect/unit",
        json!("volt"),
        "`checks[3]`: a check of kind `occlusion_pressure` is not read in V",
    );
    check(
        "/checks/6/expect",
        json!({ "reading": "quantity", "unit": "volt", "guard_band": 0.0 }),
        "`checks[6]`: has neither `low` nor `high`; nothing could fail it",
    );
    check(
        "/checks/7/conduct",
        json!({ "by": "person" }),
        "`checks`: lacks a check that a release of its class owes: flow_accuracy by a person with an instrument",
    );
}

#[test]
fn no_class_can_forget_a_check_that_it_owes() {
    for class in ReleaseClass::ALL {
        for duty in owed(class) {
            let mut manifest = manifest();
            manifest.class = class;
            manifest.checks.retain(|check| check.kind != duty.kind);
            let problems = manifest.problems();
            assert!(
                problems.contains(&Problem {
                    field: "checks".into(),
                    kind: ProblemKind::Owed(*duty)
                }),
                "{class:?} {duty}"
            );
        }
    }
    let mut manifest = manifest();
    manifest.checks.retain(|check| check.kind != CheckKind::SelfTest);
    assert!(Manifest::read(&serde_json::to_vec(&manifest).unwrap()).is_err());
}

#[test]
fn what_is_not_of_the_schema_is_refused() {
    let check = |pointer: &str, value: Value, expected: &str| {
        let mut document = document();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().insert(key.to_owned(), value);
        let error = read(&document).unwrap_err();
        assert!(
            matches!(error, ManifestError::Malformed { .. }),
            "{pointer}: {error}"
        );
        assert!(error.to_string().contains(expected), "{pointer}: {error}");
    };
    check("/v", json!(2), "manifest version 2 is not known; use 1");
    check("/pump_count", json!(2), "unknown field `pump_count`");
    check("/targets/0/serial", json!(1), "unknown field `serial`");
    check(
        "/targets/0/path",
        json!("../../etc/passwd"),
        "not the path of a target",
    );
    check("/targets/0/path", json!("/etc"), "not the path of a target");
    check("/targets/0/path", json!("a\\b"), "not the path of a target");
    check("/targets/0/serials", json!({ "from": -1 }), "invalid value");
    check("/class", json!("cosmetic"), "unknown variant `cosmetic`");
    check("/name", json!(" "), "name is empty");
    check("/checks/0/expect/hi", json!(1.0), "unknown field `hi`");
    check("/checks/1/expect/low", json!(1.0), "unknown field `low`");
    check(
        "/checks/7/conduct/instruments",
        json!("x"),
        "unknown field `instruments`",
    );
    check("/steps/1/times", json!(2), "unknown field `times`");
    check(
        "/checks/0/conduct/instrument",
        json!("x"),
        "unknown field `instrument`",
    );
    check("/\u{1b}[2J", json!(2), "unknown field `?[2J`");
    let huge = vec![b' '; Manifest::MAX_BYTES + 1];
    assert!(matches!(
        Manifest::read(&huge),
        Err(ManifestError::TooLarge { .. })
    ));
    assert!(Manifest::read("[".repeat(100_000).as_bytes()).is_err());
}

fn choose(change: fn(&mut Manifest, &mut PumpFacts)) -> Result<String, (&'static str, String)> {
    let (mut manifest, mut pump) = (manifest(), a_pump());
    change(&mut manifest, &mut pump);
    choose_target(&manifest, &pump)
        .map(|target| target.path.to_string())
        .map_err(|reason| (reason.as_str(), reason.to_string()))
}

fn serial(text: &str) -> SerialNumber {
    SerialNumber::new(text).unwrap()
}

#[test]
fn the_serial_number_chooses_the_file() {
    let check = |number: u64, expected: &str| {
        let mut pump = a_pump();
        pump.serial = serial(&format!("SN-{number}"));
        assert_eq!(
            choose_target(&manifest(), &pump).unwrap().path.as_str(),
            expected,
            "{number}"
        );
    };
    check(0, "volumat7/9.12/early.bin");
    check(138_852, "volumat7/9.12/early.bin");
    check(138_853, "volumat7/9.12/main.bin");
    check(999_999_999_999_999_999, "volumat7/9.12/main.bin");
    let manifest = manifest();
    assert_eq!(manifest.brings(&manifest.targets[0])[0].version.as_str(), "9.12a");
    assert_eq!(manifest.brings(&manifest.targets[1])[0].version.as_str(), "9.12");
}

fn left_out(change: fn(&mut Manifest, &mut PumpFacts), word: &str, words: &str) {
    assert_eq!(choose(change).unwrap_err(), (word, words.to_owned()));
}

#[test]
fn each_reason_to_leave_a_pump_out_is_enough_alone() {
    let check = left_out;
    check(
        |_, p| p.status = Status::Retired,
        "retired",
        "retired: it has left the hospital",
    );
    check(
        |_, p| p.hold = Some(HoldKind::Sequestered),
        "sequestered",
        "sequestered: it is evidence and nothing may touch it",
    );
    check(
        |_, p| p.hold = Some(HoldKind::Clinical),
        "held",
        "held: release the hold first",
    );
    check(
        |_, p| p.hold = Some(HoldKind::SecurityIsolation),
        "held",
        "held: release the hold first",
    );
    check(
        |_, p| p.past_support = true,
        "past_support",
        "past support: its manufacturer supports it no longer",
    );
    check(
        |_, p| p.manufacturer = Name::new("Bolus").unwrap(),
        "other_manufacturer",
        "another manufacturer: it is by Bolus, the release by Acme Medical",
    );
    check(
        |_, p| p.model = Name::new("Volumat 8").unwrap(),
        "other_model",
        "another model: the release is not for Volumat 8",
    );
    check(
        |_, p| p.hardware_id = None,
        "hardware_unknown",
        "hardware not known: it has not reported its hardware id; refresh its inventory",
    );
    check(
        |_, p| p.hardware_id = Some(HardwareId::new("HW-A").unwrap()),
        "wrong_hardware",
        "wrong hardware: the release does not run on HW-A",
    );
    check(
        |_, p| p.modules.clear(),
        "module_missing",
        "module missing: the release needs wireless-b",
    );
    check(
        |_, p| p.modules.extend([Name::new("pca").unwrap()]),
        "module_refused",
        "module in the way: the release does not work with pca",
    );
    check(
        |_, p| p.serial = SerialNumber::new("ABC").unwrap(),
        "serial_unreadable",
        "serial number ABC holds no number that the release could choose a file by; ask its manufacturer",
    );
    check(
        |m, _| m.targets.truncate(0),
        "no_target",
        "no file of the release is for serial number SN-138852 with its hardware and modules",
    );
    check(
        |m, _| m.targets[1].serials = None,
        "several_targets",
        "two files of the release are for it (volumat7/9.12/early.bin, volumat7/9.12/main.bin); ask its manufacturer",
    );
}

#[test]
fn each_reason_in_its_versions_is_enough_alone() {
    let check = left_out;
    check(
        |m, p| {
            m.targets[0].brings.clear();
            p.components[0].version = "9.12.0".parse().unwrap();
            p.components[1].version = "9B".parse().unwrap();
        },
        "already_installed",
        "already there: it has every version that the release brings",
    );
    check(
        |_, p| p.counter = None,
        "counter_unknown",
        "security counter not known: it has not reported it; refresh its inventory",
    );
    check(
        |_, p| p.counter = Some(SecurityCounter(43)),
        "below_security_floor",
        "below the security floor: its counter is 43, the release's only 42",
    );
    check(
        |_, p| p.components.clear(),
        "component_unknown",
        "version not known: it has not reported its main; refresh its inventory",
    );
    check(
        |_, p| p.components[0].version = "9.8".parse().unwrap(),
        "no_path",
        "no path from its version: main is 9.8, the release needs 8.2 or later and before 9, or 9.9 or later and up to 9.12",
    );
    check(
        |_, p| p.components[0].version = "9x9".parse().unwrap(),
        "version_unclear",
        "needs review: main: version `9x9` does not compare: by the scheme `dotted` it would be numbers between dots as in 9.02.01",
    );
    check(
        |_, p| p.drug_library = None,
        "drug_library_unknown",
        "drug library not known: it has not reported one, and the release needs Adult ICU, 2026-01 or later, or NICU, REV-C",
    );
    check(
        |_, p| p.drug_library.as_mut().unwrap().version = "2025-12-31".parse().unwrap(),
        "drug_library",
        "drug library: it has Adult ICU 2025-12-31, the release needs Adult ICU, 2026-01 or later, or NICU, REV-C",
    );
    check(
        |_, p| p.drug_library.as_mut().unwrap().version = "spring".parse().unwrap(),
        "drug_library_unclear",
        "needs review: drug library: version `spring` does not compare: by the scheme `date` it would be a date as in 2026-03-01, perhaps with a build number as in 2026-03-01.2",
    );
}

#[test]
fn s9_a_pump_returns_only_to_what_the_floor_allows() {
    let security = manifest().security;
    assert!(!security.may_return_to(SecurityCounter(39)));
    assert!(security.may_return_to(SecurityCounter(40)));
}

mod page;

proptest! {
    /// S9: whatever else is true, a pump with a higher counter gets no file.
    #[test]
    fn s9_nothing_goes_below_the_counter(counter in 43_u32.., number in 0_u64..300_000, version in "[0-9]{1,2}\\.[0-9]{1,2}") {
        let mut pump = a_pump();
        pump.counter = Some(SecurityCounter(counter));
        pump.serial = serial(&format!("SN-{number}"));
        pump.components[0].version = version.parse().unwrap();
        prop_assert!(choose_target(&manifest(), &pump).is_err());
    }

    /// Of ranges that do not overlap, a pump fits one or none.
    #[test]
    fn no_pump_has_two_files(cut in 1_u64..1_000_000, number in 0_u64..1_000_000) {
        let mut manifest = manifest();
        manifest.targets[0].serials = Some(SerialRange { from: None, to: Some(cut - 1) });
        manifest.targets[1].serials = Some(SerialRange { from: Some(cut), to: None });
        prop_assert_eq!(manifest.problems(), vec![]);
        let mut pump = a_pump();
        pump.serial = serial(&number.to_string());
        let chosen = choose_target(&manifest, &pump).unwrap();
        prop_assert_eq!(&chosen.path, &manifest.targets[usize::from(number >= cut)].path);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Manifest::read(&bytes).is_err());
    }

    /// Any one value replaced by another is refused or still makes sense; nothing panics.
    #[test]
    fn no_change_panics(field in 0_usize..18, value in prop_oneof![Just(json!(null)), Just(json!([])), Just(json!("x")), Just(json!(1e300)), Just(json!({}))]) {
        let mut document = document();
        if let Some(member) = document.as_object_mut().unwrap().values_mut().nth(field) {
            *member = value;
        }
        if let Ok(manifest) = read(&document) {
            prop_assert!(manifest.problems().is_empty());
        }
    }
}
