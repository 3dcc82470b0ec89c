//! The power fails before every single step to flash. The pump starts, runs the old or the new firmware, says which, and goes on.

use wire::{
    message::{SoftwareSlot, UpdateStage},
    types::SecurityCounter,
};

use super::{
    super::{Fault, FlashError, Saying},
    kit::Bench,
};

/// The update from its order to its proof, as far as the power lasts.
async fn go_on(bench: &mut Bench) -> Result<(), FlashError> {
    // Orders come again until they are answered.
    if bench.firmware.to_open().is_none()
        && bench.firmware.state.update.is_none()
        && bench.main_version() == "8.4.2"
    {
        let sealed = bench.seal(&bench.ticket(1));
        let id = bench.next_order();
        bench.firmware.keep_order(id, "arden".parse().unwrap(), sealed)?;
    }
    bench.errands().await?;
    listen(bench)?;
    if bench.main_version() == "8.4.2" {
        let id = bench.next_order();
        let now = bench.moment();
        let me = bench.me.clone();
        let ticket = bench.ticket(1).id;
        bench.firmware.order_install(id, ticket, &me, now)?;
    }
    for _ in 0..40 {
        bench.now += chrono::TimeDelta::seconds(10);
        listen(bench)?;
        if bench.firmware.is_leaving() {
            bench.firmware.leave(bench.now);
        }
        let now = bench.moment();
        let me = bench.me.clone();
        bench.firmware.poll(&me, now)?;
    }
    listen(bench)
}

fn listen(bench: &mut Bench) -> Result<(), FlashError> {
    let sayings = bench.firmware.sayings().to_vec();
    bench.said.extend(sayings);
    bench.firmware.said()
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_before_any_step_leaves_a_pump_that_starts_and_goes_on() {
    let mut cuts = 0;
    loop {
        let mut bench = Bench::new().await;
        bench.restart(Some(cuts)).unwrap();
        let done = go_on(&mut bench).await;
        let blown = match done {
            Ok(()) => false,
            Err(FlashError::PowerLost) => true,
            Err(error) => panic!("cut {cuts}: {error}"),
        };
        if !blown {
            assert_eq!(
                bench.firmware.flash.steps_left(),
                Some(0),
                "a step was passed over"
            );
            break;
        }
        bench.restart(None).unwrap();
        let (main, slot) = (bench.main_version(), bench.slot());
        match (main.as_str(), slot) {
            ("8.4.2", SoftwareSlot::A) | ("8.5.0", SoftwareSlot::B) => {}
            other => panic!("cut {cuts}: {other:?}"),
        }
        if bench.firmware.software().trial {
            // It says so before anything else happens.
            let trial = |saying: &Saying| matches!(saying, Saying::Update(report) if report.stage == UpdateStage::TrialBoot);
            assert!(bench.firmware.sayings().iter().any(trial), "cut {cuts}");
        }
        go_on(&mut bench).await.unwrap();
        assert_eq!(bench.main_version(), "8.5.0", "cut {cuts}");
        assert!(bench.firmware.is_usable(), "cut {cuts}");
        assert_eq!(bench.firmware.counter(), SecurityCounter(41), "cut {cuts}");
        for stage in [
            UpdateStage::Staged,
            UpdateStage::Activating,
            UpdateStage::TrialBoot,
        ] {
            assert!(
                bench.stages().contains(&(stage, None)),
                "cut {cuts}: {stage:?} was never said"
            );
        }
        let proofs = bench
            .said
            .iter()
            .filter(|saying| matches!(saying, Saying::Proof { .. }));
        assert!(proofs.count() >= 1, "cut {cuts}");
        cuts += 1;
    }
    assert!(cuts > 20, "only {cuts} steps");
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_at_a_stage_strikes_once() {
    for fault in [
        Fault::PowerLossFetching,
        Fault::PowerLossStaged,
        Fault::PowerLossActivating,
        Fault::PowerLossTrial,
        Fault::PowerLossCommitted,
    ] {
        let mut bench = Bench::new().await;
        bench.firmware.faults.set(fault, true);
        let mut lost = 0;
        while let Err(error) = go_on(&mut bench).await {
            assert!(matches!(error, FlashError::PowerLost), "{fault:?}");
            bench.restart(None).unwrap();
            lost += 1;
        }
        assert_eq!(lost, 1, "{fault:?}");
        assert_eq!(bench.main_version(), "8.5.0", "{fault:?}");
        assert!(bench.firmware.is_usable(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pump_whose_power_fails_again_and_again_takes_the_old_firmware() {
    let mut bench = Bench::new().await;
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.install(1);
    bench.listen();
    for _ in 0..4 {
        bench.restart(None).unwrap();
        assert_eq!(bench.main_version(), "8.5.0");
    }
    bench.restart(None).unwrap();
    bench.listen();
    assert_eq!(bench.main_version(), "8.4.2");
    assert_eq!(bench.stages().last(), Some(&(UpdateStage::RolledBack, None)));
}
