use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{pump::a_pump, release::tests::manifest as a_manifest, text::SerialNumber};

fn pumps(many: u128) -> Vec<PumpFacts> {
    let areas = ["4 West", "ED", "MICU"];
    (1..=many)
        .map(|number| PumpFacts {
            id: PumpId::from_uuid(Uuid::from_u128(number)),
            serial: SerialNumber::new(&format!("SN-{number}")).unwrap(),
            care_area: Some(Name::new(areas[usize::try_from(number).unwrap() % 3]).unwrap()),
            ..a_pump()
        })
        .collect()
}

fn spec(waves: &str) -> Spec {
    serde_json::from_str(&format!(
        r#"{{"pumps": {{"filter": "model = \"Volumat 7\""}}, "waves": {waves}}}"#
    ))
    .unwrap()
}

#[test]
fn a_canary_is_spread_over_the_care_areas() {
    let spec = spec(
        r#"[{"name": "Canary", "takes": {"count": 3}}, {"name": "MICU", "takes": {"care_areas": ["MICU"]}},
        {"name": "Everybody else", "takes": "rest"}]"#,
    );
    spec.check().unwrap();
    let pumps = pumps(12);
    let division = spec.divide(&a_manifest(), &pumps);
    let area = |id: &PumpId| {
        pumps
            .iter()
            .find(|pump| pump.id == *id)
            .unwrap()
            .care_area
            .clone()
            .unwrap()
    };
    let canary: Vec<_> = division.waves[0]
        .iter()
        .map(|(id, _)| area(id).to_string())
        .collect();
    assert_eq!(canary, ["4 West", "ED", "MICU"]);
    assert!(
        division.waves[1]
            .iter()
            .all(|(id, _)| area(id).as_str() == "MICU")
    );
    assert_eq!(division.waves.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 6]);
    assert_eq!(division.in_no_wave, []);
}

#[test]
fn what_can_not_be_is_refused_in_words() {
    let check = |text: &str, expected: &str| {
        let spec: Spec = serde_json::from_str(text).unwrap();
        assert_eq!(spec.check().unwrap_err().to_string(), expected);
    };
    check(
        r#"{"pumps": {"list": []}, "waves": []}"#,
        "a rollout has 1 to 50 waves; this has 0",
    );
    check(
        r#"{"pumps": {"list": []}, "waves": [{"name": "A", "takes": "rest"}, {"name": "B", "takes": "rest"}]}"#,
        "wave 1 takes what is left, and others follow it; only the last can",
    );
    check(
        r#"{"pumps": {"list": []}, "waves": [{"name": "A", "takes": "rest"}],
            "windows": [{"opens": "0 22 * * *", "minutes": 0, "zone": "Europe/Berlin"}]}"#,
        "window 1: a window of 0 minutes can not be; give 1 minute to 24 hours",
    );
    check(
        r#"{"pumps": {"list": []}, "waves": [{"name": "A", "takes": "rest"}], "joins": {"at_most": 0}}"#,
        "1 to 10000 pumps may join a rollout; this says 0",
    );
    check(
        r#"{"pumps": {"list": []}, "waves": [{"name": "A", "takes": {"count": 3}}], "joins": {"at_most": 5}}"#,
        "the last wave takes a number of pumps, so none can join it later; let it take care areas, a filter, a list or what is left",
    );
    for text in [
        r#"{"pumps": {"filter": "model ="}, "waves": []}"#,
        r#"{"pumps": {"list": []}, "waves": [{"name": "A", "takes": {"percent": 101}}]}"#,
        r#"{"pumps": {"list": []}, "waves": [], "limit": {}}"#,
    ] {
        assert!(serde_json::from_str::<Spec>(text).is_err(), "{text}");
    }
}

#[test]
fn limits_are_written_in_seconds_and_what_is_left_out_is_usual() {
    let limits: LimitsSpec = serde_json::from_str(r#"{"soak_seconds": 90, "failure_percent": 10}"#).unwrap();
    let complete = limits.complete();
    assert_eq!(complete.soak, TimeDelta::seconds(90));
    assert_eq!(complete.failure_share, Percent::new(10).unwrap());
    assert_eq!(complete.attempts, Limits::DEFAULT.attempts);
    assert_eq!(LimitsSpec::whole(&complete).complete(), complete);
}

proptest! {
    /// Whatever is written: every pump that is meant is in exactly one place, and the order of the pumps does not matter.
    #[test]
    fn every_pump_is_in_one_place(many in 0..40_u128, count in 0..10_u32, percent in 0..=100_u8, held in any::<u64>()) {
        let spec = spec(&format!(
            r#"[{{"name": "A", "takes": {{"count": {count}}}}}, {{"name": "B", "takes": {{"percent": {percent}}}}},
                {{"name": "C", "takes": {{"care_areas": ["ED", "MICU"]}}}}]"#
        ));
        let mut pumps = pumps(many);
        for (place, pump) in pumps.iter_mut().enumerate() {
            if held >> (place % 64) & 1 == 1 {
                pump.hold = Some(crate::pump::HoldKind::Clinical);
            }
        }
        let division = spec.divide(&a_manifest(), &pumps);
        let mut ids: Vec<_> = division
            .waves
            .iter()
            .flatten()
            .map(|(id, _)| *id)
            .chain(division.left_out.iter().map(|(id, _)| *id))
            .chain(division.in_no_wave.iter().copied())
            .collect();
        ids.sort_unstable();
        let mut all: Vec<_> = pumps.iter().map(|pump| pump.id).collect();
        prop_assert_eq!(&ids, &all);
        prop_assert!(division.waves[0].len() <= usize::try_from(count).unwrap());
        pumps.reverse();
        all.reverse();
        let mut again = spec.divide(&a_manifest(), &pumps);
        again.left_out.sort_by_key(|(id, _)| *id);
        prop_assert_eq!(again, division);
    }
}
