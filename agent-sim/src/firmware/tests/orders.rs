//! Orders twice, late and in the wrong order; the whole way of an update; and pumps that go wrong on it.

use wire::{
    message::{OrderOutcome, SoftwareSlot, UpdateStage},
    types::{Claim, Manifest, SecurityCounter},
};

use super::{
    super::{Fault, Faults, Saying, checks},
    kit::{Bench, ticket_id, versions},
    maker::MANIFEST,
};

async fn staged() -> Bench {
    let mut bench = Bench::new().await;
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.listen();
    bench
}

#[tokio::test(start_paused = true)]
async fn the_whole_way() {
    let mut bench = staged().await;
    assert_eq!(bench.firmware.software().other_counter, Some(SecurityCounter(41)));
    let order = bench.install(1);
    assert!(bench.firmware.is_leaving() && !bench.firmware.is_usable());
    bench.listen();
    bench.firmware.leave(bench.now);
    // Two restarts of forty seconds, as the manifest asks.
    bench.pass(70).unwrap();
    assert!(bench.firmware.is_off_air());
    bench.pass(20).unwrap();
    let software = bench.firmware.software();
    assert!(!bench.firmware.is_off_air() && software.trial && software.active == SoftwareSlot::B);
    assert_eq!(
        bench.firmware.counter(),
        SecurityCounter(40),
        "not before the checks"
    );
    bench.pass(120).unwrap();
    assert!(bench.firmware.is_usable());
    assert_eq!(bench.firmware.counter(), SecurityCounter(41));
    assert_eq!(bench.main_version(), "8.5.0");
    let stages: Vec<_> = bench.stages().into_iter().map(|(stage, _)| stage).collect();
    assert_eq!(
        stages,
        [
            UpdateStage::Staged,
            UpdateStage::Activating,
            UpdateStage::TrialBoot,
            UpdateStage::ChecksBegun,
        ]
    );
    assert_eq!(bench.answers(order), [(OrderOutcome::Done, String::new())]);
    let [.., Saying::Proof { results, counter, .. }, Saying::Inventory] = bench.said.as_slice() else {
        panic!("{:?}", bench.said.last());
    };
    assert_eq!(*counter, SecurityCounter(41));
    assert_eq!(results.len(), 7);
    assert!(results.iter().all(|result| result.claim == Claim::Pass));
}

#[tokio::test(start_paused = true)]
async fn the_same_ticket_twice_is_one_update() {
    let mut bench = staged().await;
    let sealed = bench.seal(&bench.ticket(1));
    let again = bench.download(sealed.clone()).await;
    let (first, second) = (bench.install(1), bench.install(1));
    bench.pass(600).unwrap();
    for order in [again, first, second] {
        assert_eq!(bench.answers(order), [(OrderOutcome::Done, String::new())]);
    }
    let activations = bench
        .stages()
        .into_iter()
        .filter(|(stage, _)| *stage == UpdateStage::Activating);
    assert_eq!(activations.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_orders_that_wait_are_both_answered() {
    let mut bench = staged().await;
    bench.safety.free = false;
    let (first, second) = (bench.install(1), bench.install(1));
    bench.safety.free = true;
    bench.pass(10).unwrap();
    for order in [first, second] {
        let outcomes: Vec<_> = bench
            .answers(order)
            .into_iter()
            .map(|(outcome, _)| outcome)
            .collect();
        assert_eq!(outcomes, [OrderOutcome::WhenFree, OrderOutcome::Done]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_is_withdrawn_is_not_used_even_if_it_comes_later() {
    let mut bench = staged().await;
    bench.safety.free = false;
    let waiting = bench.install(1);
    let returned = bench.next_order();
    let why = "the wave was halted".parse().unwrap();
    bench.firmware.order_return(returned, ticket_id(1), &why).unwrap();
    bench.safety.free = true;
    bench.pass(60).unwrap();
    assert_eq!(bench.main_version(), "8.4.2");
    assert_eq!(bench.answers(waiting).last().unwrap().0, OrderOutcome::Refused);
    assert_eq!(bench.answers(returned), [(OrderOutcome::Done, String::new())]);
    assert_eq!(bench.firmware.software().other_counter, None);

    // The next one is withdrawn before it comes.
    let early = bench.next_order();
    bench.firmware.order_return(early, ticket_id(2), &why).unwrap();
    let sealed = bench.seal(&bench.ticket(2));
    let late = bench.download(sealed).await;
    bench.listen();
    assert!(bench.answers(late)[0].1.starts_with("ticket_spent"));

    // One that was used can not be given back.
    let sealed = bench.seal(&bench.ticket(3));
    bench.download(sealed).await;
    bench.install(3);
    bench.pass(600).unwrap();
    let too_late = bench.next_order();
    bench.firmware.order_return(too_late, ticket_id(3), &why).unwrap();
    bench.listen();
    assert!(bench.answers(too_late)[0].1.starts_with("ticket_spent"));
    assert_eq!(bench.main_version(), "8.5.0");
}

#[tokio::test(start_paused = true)]
async fn the_way_back_is_gone_once() {
    let mut bench = staged().await;
    // A release with the pump's own counter may be left again.
    let mut ticket = bench.ticket(2);
    ticket.counter = SecurityCounter(40);
    let sealed = bench.seal(&ticket);
    bench.download(sealed).await;
    bench.install(2);
    bench.pass(600).unwrap();
    assert_eq!(bench.main_version(), "8.5.0");
    let mut orders = Vec::new();
    for _ in 0..2 {
        let order = bench.next_order();
        let now = bench.moment();
        let me = bench.me.clone();
        bench
            .firmware
            .order_roll_back(order, ticket_id(2), &me, now)
            .unwrap();
        bench.pass(60).unwrap();
        orders.push(order);
    }
    assert_eq!(bench.main_version(), "8.4.2");
    for order in orders {
        assert_eq!(bench.answers(order), [(OrderOutcome::Done, String::new())]);
    }
    let returns = bench
        .stages()
        .into_iter()
        .filter(|(stage, _)| *stage == UpdateStage::RolledBack);
    assert_eq!(returns.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_the_other_slot_is_no_way_back() {
    let mut bench = staged().await;
    let mut ticket = bench.ticket(2);
    ticket.counter = SecurityCounter(40);
    let sealed = bench.seal(&ticket);
    bench.download(sealed).await;
    bench.install(2);
    bench.pass(600).unwrap();
    // The next release is staged over the old one.
    let mut next = bench.ticket(3);
    next.from.clone_from(&next.to);
    let sealed = bench.seal(&next);
    bench.download(sealed).await;
    let order = bench.next_order();
    let now = bench.moment();
    let me = bench.me.clone();
    bench
        .firmware
        .order_roll_back(order, ticket_id(2), &me, now)
        .unwrap();
    bench.pass(60).unwrap();
    assert!(bench.answers(order)[0].1.starts_with("nothing_to_return_to"));
    assert!(!bench.firmware.software().trial);
}

#[tokio::test(start_paused = true)]
async fn what_was_never_kept_is_no_way_back_either() {
    for spoil in [
        // It did not start; it became too old to be installed.
        (|bench| bench.firmware.faults.set(Fault::TrialBootFails, true)) as fn(&mut Bench),
        |bench| bench.now = bench.ticket(3).not_after,
    ] {
        let mut bench = Bench::new().await;
        let mut ticket = bench.ticket(2);
        ticket.counter = SecurityCounter(40);
        let sealed = bench.seal(&ticket);
        bench.download(sealed).await;
        bench.install(2);
        bench.pass(600).unwrap();
        let mut next = bench.ticket(3);
        next.from.clone_from(&next.to);
        next.to = versions("8.6.0");
        let sealed = bench.seal(&next);
        bench.download(sealed).await;
        spoil(&mut bench);
        bench.install(3);
        bench.pass(600).unwrap();
        assert_eq!(bench.main_version(), "8.5.0");
        assert_eq!(bench.firmware.software().other_counter, None);
        let order = bench.next_order();
        let now = bench.moment();
        let me = bench.me.clone();
        bench
            .firmware
            .order_roll_back(order, ticket_id(2), &me, now)
            .unwrap();
        bench.pass(60).unwrap();
        assert!(bench.answers(order)[0].1.starts_with("nothing_to_return_to"));
        assert_eq!(bench.main_version(), "8.5.0");
    }
}

#[tokio::test(start_paused = true)]
async fn pumps_that_go_wrong_on_the_way() {
    let run = async |fault: Fault| {
        let mut bench = staged().await;
        bench.firmware.faults = Faults::of([fault]);
        if fault == Fault::OtherVersions {
            let mut ticket = bench.ticket(2);
            ticket.from = bench.firmware.components().to_vec();
            let sealed = bench.seal(&ticket);
            bench.download(sealed).await;
            bench.install(2);
        } else {
            bench.install(1);
        }
        bench.pass(3600).unwrap();
        let stages: Vec<_> = bench.stages().into_iter().map(|(stage, _)| stage).collect();
        let proved = bench
            .said
            .iter()
            .any(|saying| matches!(saying, Saying::Proof { .. }));
        (bench, stages, proved)
    };

    let (bench, stages, proved) = run(Fault::TrialBootFails).await;
    assert_eq!((bench.main_version().as_str(), proved), ("8.4.2", false));
    assert_eq!(stages.last(), Some(&UpdateStage::RolledBack));
    assert!(bench.firmware.is_usable());

    let (bench, stages, proved) = run(Fault::SilentAfterActivation).await;
    assert!(bench.firmware.is_off_air() && !proved);
    assert_eq!(stages.last(), Some(&UpdateStage::Activating));

    let (bench, stages, proved) = run(Fault::ChecksNeverReported).await;
    assert!(!bench.firmware.is_off_air() && !bench.firmware.is_usable() && !proved);
    assert_eq!(stages.last(), Some(&UpdateStage::ChecksBegun));

    let (bench, _, proved) = run(Fault::OtherVersions).await;
    assert!(proved);
    assert_ne!(bench.firmware.components(), bench.ticket(2).to);
}

#[test]
fn a_sound_pump_passes_and_each_fault_shows_in_its_own_check() {
    let plan = Manifest::read(MANIFEST).unwrap().checks;
    let library = wire::message::DrugLibrary {
        name: "Adult general".parse().unwrap(),
        version: "2026.02".parse().unwrap(),
    };
    let run = |faults: &[Fault]| checks::run(&plan, &Faults::of(faults.iter().copied()), Some(&library));
    let sound = run(&[]);
    assert!(sound.iter().all(|result| result.claim == Claim::Pass));
    let check = |fault: Fault, id: &str, claims_fail: bool| {
        let results = run(&[fault]);
        for (result, sound) in results.iter().zip(&sound) {
            let hit = result.check.as_str() == id;
            assert_eq!(
                result.reading != sound.reading,
                hit,
                "{fault:?}: {}",
                result.check
            );
            assert_eq!(
                result.claim == Claim::Fail,
                hit && claims_fail,
                "{fault:?}: {}",
                result.check
            );
        }
        let lies = run(&[fault, Fault::Lies]);
        assert!(lies.iter().all(|result| result.claim == Claim::Pass));
        let readings = |results: &[wire::types::AutomaticResult]| {
            results.iter().map(|result| result.reading).collect::<Vec<_>>()
        };
        assert_eq!(
            readings(&lies),
            readings(&results),
            "a lie does not change what was read"
        );
    };
    check(Fault::OcclusionSensor, "occlusion", true);
    check(Fault::SpeakerWeak, "speaker", true);
    check(Fault::BatteryWeak, "battery", true);
    check(Fault::ClockOff, "clock", true);
    // The manifest gives no hash: only the hospital knows that this is another library.
    check(Fault::LibraryAltered, "library", false);
    check(Fault::CheckNotRun, "self-test", false);
}
