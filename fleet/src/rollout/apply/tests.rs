use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::text::{ComponentName, ComponentVersion};

const NOW: Timestamp = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();

fn set(main: &str) -> VersionSet {
    VersionSet::new(vec![Component {
        name: ComponentName::new("main").unwrap(),
        version: ComponentVersion::new(main).unwrap(),
    }])
    .unwrap()
}

fn ticket(n: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(n))
}

fn tracked(state: AssignmentState) -> Tracked {
    let has_booted = matches!(
        state,
        AssignmentState::TrialBoot
            | AssignmentState::SelfTest
            | AssignmentState::AwaitingSignoff
            | AssignmentState::InService
    );
    Tracked {
        state,
        ticket: Some(ticket(1)),
        before: set("1.0"),
        named: set("2.0"),
        roll_back_ordered: false,
        heard: 10,
        booted: has_booted.then_some(8),
        versions_proved: state == AssignmentState::InService,
    }
}

/// Every kind of thing that a pump says.
fn sayings() -> Vec<(&'static str, PumpSays)> {
    let (ours, other) = (ticket(1), ticket(2));
    vec![
        ("staged", PumpSays::Staged { ticket: ours }),
        (
            "download failed",
            PumpSays::DownloadFailed {
                ticket: ours,
                words: None,
            },
        ),
        (
            "refused",
            PumpSays::Refused {
                ticket: ours,
                words: None,
            },
        ),
        (
            "refused another",
            PumpSays::Refused {
                ticket: other,
                words: None,
            },
        ),
        ("ticket returned", PumpSays::TicketReturned { ticket: ours }),
        ("activating", PumpSays::Activating { ticket: ours }),
        ("activating another", PumpSays::Activating { ticket: other }),
        ("restarted on trial", PumpSays::Restarted { trial: true }),
        ("restarted", PumpSays::Restarted { trial: false }),
        ("checks begun", PumpSays::ChecksBegun),
        ("rolled back", PumpSays::RolledBack),
        ("runs old", PumpSays::Versions(set("1.0"))),
        ("runs named", PumpSays::Versions(set("2.0"))),
        ("runs other", PumpSays::Versions(set("6.6.6"))),
        ("proves named", PumpSays::Proof(set("2.0"))),
        ("proves other", PumpSays::Proof(set("6.6.6"))),
    ]
}

/// What every report does in every state, for people to read.
#[test]
fn the_table_of_reports() {
    use std::fmt::Write;

    let mut table = String::new();
    for state in AssignmentState::ALL {
        writeln!(table, "{}", state.as_str()).unwrap();
        for (name, says) in sayings() {
            let (after, changes) = apply(&tracked(*state), &PumpReport { sequence: 11, says }, NOW);
            let mut words = Vec::new();
            for change in &changes {
                words.push(match change {
                    Change::Moved { to, .. } => format!("→ {}", to.as_str()),
                    Change::Setback { .. } => "one more setback".to_owned(),
                    Change::TicketGone { .. } => "ticket gone".to_owned(),
                    Change::Versions { proved: true } => "versions proved".to_owned(),
                    Change::Versions { proved: false } => "versions disproved".to_owned(),
                    Change::Hold { why } => format!("held: {why}"),
                });
            }
            assert_eq!(after.heard, 11);
            if !words.is_empty() {
                writeln!(table, "    {name:<19} {}", words.join(", ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_failure_always_holds_the_pump() {
    for state in AssignmentState::ALL {
        for (name, says) in sayings() {
            let (after, changes) = apply(&tracked(*state), &PumpReport { sequence: 11, says }, NOW);
            let is_held = changes.iter().any(|change| matches!(change, Change::Hold { .. }));
            let failed = after.state != *state && after.state.stage() == Stage::Failed;
            assert_eq!(is_held, failed, "{state:?} {name}");
        }
    }
}

/// The versions come late, after the checks began: they count, because nothing later says them again.
#[test]
fn a_late_report_of_versions_counts_if_it_is_of_this_start() {
    let check = |sequence: u64, main: &str, expected: AssignmentState, proved: bool| {
        let says = PumpSays::Versions(set(main));
        let (after, _) = apply(
            &tracked(AssignmentState::SelfTest),
            &PumpReport { sequence, says },
            NOW,
        );
        assert_eq!(
            (after.state, after.versions_proved),
            (expected, proved),
            "{sequence} {main}"
        );
    };
    check(9, "2.0", AssignmentState::SelfTest, true);
    check(9, "6.6.6", AssignmentState::Quarantined, false);
    check(7, "2.0", AssignmentState::SelfTest, false);
    check(7, "1.0", AssignmentState::SelfTest, false);
    check(11, "1.0", AssignmentState::RolledBack, false);
}

#[test]
fn a_component_is_there_once() {
    let component = |version: &str| Component {
        name: ComponentName::new("main").unwrap(),
        version: ComponentVersion::new(version).unwrap(),
    };
    let refused = VersionSet::new(vec![component("1.0"), component("2.0")]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the component main is given twice; a pump runs one version of each"
    );
}

#[test]
fn a_pump_without_an_assignment_explains_every_change() {
    assert_eq!(unexplained(None, &set("1.0")), None);
    assert_eq!(unexplained(Some(&set("1.0")), &set("1.0")), None);
    assert_eq!(
        unexplained(Some(&set("1.0")), &set("1.1")),
        Some(HeldBecause::ChangedWithoutTicket)
    );
}

/// What an honest pump says from its order to install on.
fn honest() -> Vec<PumpReport> {
    [
        PumpSays::Activating { ticket: ticket(1) },
        PumpSays::Restarted { trial: true },
        PumpSays::Versions(set("2.0")),
        PumpSays::ChecksBegun,
    ]
    .into_iter()
    .zip(11..)
    .map(|(says, sequence)| PumpReport { sequence, says })
    .collect()
}

proptest! {
    /// However the reports of an honest pump come, late, twice or in another order, it ends with its checks and is never held.
    #[test]
    fn an_honest_pump_is_never_held_for_the_order_of_its_reports(
        order in Just(honest()).prop_shuffle(),
        again in prop::collection::vec(0..4_usize, 0..8),
    ) {
        let mut now_tracked = tracked(AssignmentState::AwaitingSafe);
        let copies = again.into_iter().filter_map(|index| order.get(index).cloned());
        for report in order.iter().cloned().chain(copies.collect::<Vec<_>>()) {
            let (after, changes) = apply(&now_tracked, &report, NOW);
            let is_held = changes.iter().any(|change| matches!(change, Change::Hold { .. }));
            prop_assert!(!is_held, "{:?} {:?}", report, changes);
            now_tracked = after;
        }
        prop_assert_eq!(now_tracked.state, AssignmentState::SelfTest);
    }

    /// Applying a report again changes nothing, whatever the pump says.
    #[test]
    fn a_report_counts_once(
        state in prop::sample::select(AssignmentState::ALL),
        said in prop::collection::vec((0..14_usize, 1..20_u64), 1..12),
    ) {
        let mut now_tracked = tracked(state);
        for (which, sequence) in said {
            let report = PumpReport { sequence, says: sayings()[which].1.clone() };
            let (after, _) = apply(&now_tracked, &report, NOW);
            let (again, changes) = apply(&after, &report, NOW);
            prop_assert_eq!(&again, &after);
            prop_assert!(changes.is_empty(), "{:?} {:?}", report, changes);
            now_tracked = after;
        }
    }
}
