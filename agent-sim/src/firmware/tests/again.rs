//! Checks that are run again on an order: never beside a patient, once, and with what the pump reads now.

use uuid::Uuid;
use wire::{
    OrderId, RetestId,
    message::{AskedCheck, OrderOutcome},
    types::{AutomaticResult, CheckKind, CheckUnit, Claim, Digest, HoldKind, Reading},
};

use super::{
    super::{Fault, Safety, Saying},
    kit::{Bench, FREE},
};

fn retest(n: u128) -> RetestId {
    RetestId::from_uuid(Uuid::from_u128(n))
}

fn asked(check: &str, kind: CheckKind, unit: Option<CheckUnit>) -> AskedCheck {
    AskedCheck {
        check: check.parse().unwrap(),
        kind,
        unit,
    }
}

fn plan() -> Vec<AskedCheck> {
    vec![
        asked(
            "occlusion",
            CheckKind::OcclusionPressure,
            Some(CheckUnit::Kilopascal),
        ),
        asked("library", CheckKind::LibraryIntegrity, None),
        asked("coffee", CheckKind::Other, Some(CheckUnit::Percent)),
    ]
}

impl Bench {
    fn ask(&mut self, n: u128) -> OrderId {
        let order = self.next_order();
        let now = self.moment();
        self.firmware
            .order_checks(order, retest(n), &plan(), now)
            .unwrap();
        self.listen();
        order
    }

    /// What was told of each retest.
    fn retests(&self) -> Vec<(RetestId, Vec<AutomaticResult>)> {
        let told = |saying: &Saying| match saying {
            Saying::Retest { retest, results, .. } => Some((*retest, results.clone())),
            _ => None,
        };
        self.said.iter().filter_map(told).collect()
    }
}

fn outcomes(answers: &[(OrderOutcome, String)]) -> Vec<OrderOutcome> {
    answers.iter().map(|(outcome, _)| *outcome).collect()
}

#[tokio::test]
async fn a_mended_sensor_passes_and_a_broken_one_does_not() {
    let mut bench = Bench::new().await;
    let check = |bench: &mut Bench, n: u128, value: f64, claim: Claim| {
        let order = bench.ask(n);
        bench.pass(10).unwrap();
        assert_eq!(outcomes(&bench.answers(order)), [OrderOutcome::Done]);
        let (told, results) = bench.retests().pop().unwrap();
        assert_eq!(told, retest(n));
        let unit = CheckUnit::Kilopascal;
        assert_eq!(results[0].reading, Some(Reading::Quantity { value, unit }));
        assert_eq!(results[0].claim, claim);
        // What it has no means to read it did not run.
        assert_eq!((results[2].claim, results[2].reading), (Claim::NotRun, None));
        results
    };
    bench.firmware.faults.set(Fault::OcclusionSensor, true);
    check(&mut bench, 1, 118.0, Claim::Fail);
    bench.firmware.faults.set(Fault::Lies, true);
    check(&mut bench, 2, 118.0, Claim::Pass);
    bench.firmware.faults.set(Fault::Lies, false);
    bench.firmware.faults.set(Fault::OcclusionSensor, false);
    let good = check(&mut bench, 3, 62.0, Claim::Pass);
    let Some(Reading::Digest { sha256 }) = good[1].reading else {
        panic!("{good:?}")
    };
    bench.firmware.faults.set(Fault::LibraryAltered, true);
    let altered = check(&mut bench, 4, 62.0, Claim::Pass);
    let wrong = Digest::of_pieces(&[b"altered ", sha256.bytes()]);
    assert_eq!(altered[1].reading, Some(Reading::Digest { sha256: wrong }));
    assert_eq!(altered[1].claim, Claim::Fail);
}

#[tokio::test]
async fn s1_a_pump_with_a_patient_runs_nothing_until_it_is_free_and_a_power_cut_does_not_forget_it() {
    let mut bench = Bench::new().await;
    bench.safety = Safety { free: false, ..FREE };
    let first = bench.ask(1);
    let second = bench.ask(2);
    bench.pass(600).unwrap();
    assert_eq!(bench.retests(), []);
    bench.restart(None).unwrap();
    bench.pass(10).unwrap();
    assert_eq!(
        outcomes(&bench.answers(first)),
        [OrderOutcome::WhenFree, OrderOutcome::Refused],
        "the newer takes its place"
    );
    bench.safety = FREE;
    bench.pass(10).unwrap();
    bench.pass(600).unwrap();
    let told: Vec<_> = bench.retests().into_iter().map(|(retest, _)| retest).collect();
    assert_eq!(told, [retest(2)]);
    assert_eq!(
        outcomes(&bench.answers(second)),
        [OrderOutcome::WhenFree, OrderOutcome::Done]
    );
}

#[tokio::test]
async fn evidence_and_what_is_isolated_run_nothing() {
    for kind in [HoldKind::Sequestered, HoldKind::SecurityIsolation] {
        let mut bench = Bench::new().await;
        bench.safety.hold = Some(kind);
        let order = bench.ask(1);
        bench.pass(60).unwrap();
        assert_eq!(outcomes(&bench.answers(order)), [OrderOutcome::Refused]);
        // Also where that came while it waited.
        bench.safety = Safety { free: false, ..FREE };
        let order = bench.ask(2);
        bench.safety.hold = Some(kind);
        bench.pass(60).unwrap();
        assert_eq!(
            outcomes(&bench.answers(order)),
            [OrderOutcome::WhenFree, OrderOutcome::Refused]
        );
        assert_eq!(bench.retests(), []);
    }
    // A clinical hold is what it is for.
    let mut bench = Bench::new().await;
    bench.safety.hold = Some(HoldKind::Clinical);
    bench.ask(1);
    bench.pass(10).unwrap();
    assert_eq!(bench.retests().len(), 1);
}
