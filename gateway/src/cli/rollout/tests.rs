use super::*;
use crate::cli::output::tests::captured;

const TIMES: Times = Times {
    now: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
    zone: chrono::FixedOffset::east_opt(0),
};

fn whole() -> Whole {
    read(json!({
        "id": "r", "name": "Volumat 9.12", "release": "x", "state": "running", "state_label": "Running",
        "since": "2027-01-15T07:00:00Z", "begins_at": "2027-01-15T06:00:00Z", "why": null, "emergency": null, "spec": {},
        "waves": [{
            "id": "w1", "number": 1, "name": "Canary", "state": "open", "state_label": "Open", "since": "2027-01-15T07:30:00Z",
            "counts": { "planned": 1, "awaiting_signoff": 1 },
            "assignments": [
                { "pump": "p1", "serial": "SN-1", "care_area": "MICU", "state": "planned", "state_label": "Planned",
                  "since": "2027-01-15T07:30:00Z", "target": "a.bin", "left_behind": false, "setback": "patient attached" },
                { "pump": "p2", "serial": "SN-2", "care_area": null, "state": "cancelled", "state_label": "Taken out",
                  "since": "2027-01-15T07:40:00Z", "target": "a.bin", "left_behind": true, "last_heard": "2027-01-08T10:00:00Z" }
            ]
        }]
    }))
    .unwrap()
}

fn waits_of_it() -> Vec<Waiting> {
    let wait = |wave: Option<&str>, pump: Option<&str>, what: &str| Waiting {
        wave: wave.map(str::to_owned),
        pump: pump.map(str::to_owned),
        what: what.to_owned(),
    };
    vec![
        wait(Some("w1"), None, "1 of 2 pumps are under way or still to begin"),
        wait(Some("w2"), None, "wave 1 has to pass first"),
        wait(
            None,
            Some("p1"),
            "the pump is in use (infusing, patient attached)",
        ),
        wait(None, Some("p3"), "not this one's"),
    ]
}

#[test]
fn why_says_all_three_and_nothing_of_others() {
    let mut whole = whole();
    let wave = whole.waves.remove(0);
    let place = Place {
        rollout: whole.rollout,
        assignment: wave.assignments[0].clone(),
        wave,
    };
    let why = Why::of(waits_of_it(), &place);
    let (mut output, out, _) = captured(false);
    output.sheet(why.lines(&place, &TIMES)).unwrap();
    insta::assert_snapshot!(out.text(), @r"
    rollout       Volumat 9.12: Running, since 2027-01-15 07:00:00 +00:00
    wave          1, Canary: Open, since 2027-01-15 07:30:00 +00:00
    waits for     1 of 2 pumps are under way or still to begin
    pump          Planned, since 2027-01-15 07:30:00 +00:00
    last setback  patient attached
    waits for     the pump is in use (infusing, patient attached)
    ");
    assert_eq!(
        why.document(&place)["wave"]["waits_for"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let idle = Why::default().lines(&place, &TIMES);
    assert_eq!(idle.last().unwrap().1, Cell::from("nothing"));
}

#[test]
fn a_pump_that_was_left_behind_says_so_and_when_it_was_last_heard_of() {
    let whole = whole();
    let wave = &whole.waves[0];
    let cells = wave.assignments[1].cells(wave, &TIMES);
    assert_eq!(cells.len(), Assignment::COLUMNS.len());
    assert_eq!(cells[5], Cell::from("2027-01-08 10:00"));
    assert_eq!(wave.cells(&TIMES).len(), Wave::COLUMNS.len());
    assert_eq!(whole.rollout.cells(&TIMES).len(), Rollout::COLUMNS.len());
}
