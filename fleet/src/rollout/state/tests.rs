use std::{collections::BTreeSet, fmt::Write};

use super::*;

/// Writes a machine out as a table, and checks what holds of every machine.
macro_rules! table_of {
    ($State:ident, $Event:ident) => {{
        let mut table = String::new();
        let mut reached = BTreeSet::from([$State::ALL[0]]);
        let mut happened = BTreeSet::new();
        for from in $State::ALL {
            assert_eq!($State::from_word(from.as_str()), Some(*from));
            assert_eq!(
                serde_json::to_string(from).unwrap(),
                format!("\"{}\"", from.as_str())
            );
            writeln!(table, "{} ({})", from.as_str(), from.label()).unwrap();
            for event in $Event::ALL {
                match from.transition(*event) {
                    Ok(to) => {
                        assert_ne!(to, *from, "nothing happens to {from:?} by {event:?}");
                        reached.insert(to);
                        happened.insert(*event);
                        writeln!(table, "    {:<18} → {}", event.as_str(), to.as_str()).unwrap();
                    }
                    Err(refused) => {
                        let words = refused.to_string();
                        assert!(
                            words.contains(from.as_str()) && words.contains(event.as_str()),
                            "{words}"
                        );
                    }
                }
            }
        }
        assert_eq!(reached.len(), $State::ALL.len(), "a state that nothing leads to");
        assert_eq!(
            happened.len(),
            $Event::ALL.len(),
            "an event that can never happen"
        );
        table
    }};
}

#[test]
fn the_machine_of_an_assignment() {
    insta::assert_snapshot!(table_of!(AssignmentState, AssignmentEvent));
}

#[test]
fn the_machine_of_a_wave() {
    insta::assert_snapshot!(table_of!(WaveState, WaveEvent));
}

#[test]
fn the_machine_of_a_rollout() {
    insta::assert_snapshot!(table_of!(RolloutState, RolloutEvent));
}

/// Whatever went wrong, a failed pump comes back only by the release of its hold, and never into the middle of the way.
#[test]
fn s4_nothing_leads_from_a_failure_back_to_a_patient_but_the_release_of_the_hold() {
    for from in AssignmentState::ALL
        .iter()
        .filter(|state| state.stage() == Stage::Failed)
    {
        for event in AssignmentEvent::ALL {
            let Ok(to) = from.transition(*event) else { continue };
            assert!(
                to.stage() == Stage::Failed || *event == AssignmentEvent::HoldReleased,
                "{from:?} {event:?}"
            );
        }
    }
}

#[test]
fn an_illegal_transition_names_both() {
    let refused = WaveState::Passed.transition(WaveEvent::Opened).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`opened` can not happen to a wave that is `passed`; read it again, and act on what it is now"
    );
}
