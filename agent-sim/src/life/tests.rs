//! The rules of a pump's life, tried on many lives.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;
use wire::types::{HoldKind, Reason};

use super::{people::Intervention, *};
use crate::blueprint::FleetPlan;

const MORNING: Timestamp = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();

fn born(rhythm: Rhythm, seed: u64) -> (Life, ChaCha8Rng) {
    let blueprint = FleetPlan::new(1, seed).build().unwrap().remove(0);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let life = Life::new(Arc::new(blueprint), rhythm, None, MORNING, &mut rng);
    (life, rng)
}

fn hold(life: &mut Life, order: u128) -> HoldAnswer {
    let reason = Reason::new("failed a check").unwrap();
    life.order_hold(
        OrderId::from_uuid(Uuid::from_u128(order)),
        HoldKind::Clinical,
        reason,
    )
}

/// Everything that must be so at every moment.
fn assert_sound(life: &Life) {
    let sample = life.sample();
    assert!(
        (0.0..=100.0).contains(&sample.battery),
        "battery {}",
        sample.battery
    );
    assert_eq!(life.telemetry(life.now).is_none(), life.phase == Phase::Off);
    if life.phase == Phase::Off {
        assert!(!sample.patient && sample.rate.is_none() && life.alarm.is_none());
    }
    if let Some(course) = life.phase.course() {
        assert!(sample.patient, "an infusion without a patient");
        assert!(course.rate > 0.0 && course.rate <= Course::MAX_RATE);
        if matches!(life.phase, Phase::Infusing(_)) {
            assert!(course.infused <= course.volume);
        }
    }
    assert!(!life.is_held() || life.is_free() || life.phase == Phase::Off);
    assert_eq!(life.therapy_interruptions(), 0);
}

#[test]
fn a_done_volume_is_followed_by_kvo_and_a_nurse() {
    let (mut life, mut rng) = born(Rhythm::Still, 1);
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 50.0,
        },
        MORNING,
        &mut rng,
    );
    assert_eq!(life.sample().rate, Some(100.0));
    life.step(MORNING + TimeDelta::minutes(15), &mut rng);
    assert!((life.sample().infused.unwrap() - 25.0).abs() < 1e-6);
    life.step(MORNING + TimeDelta::minutes(25), &mut rng);
    assert_eq!(life.alarm, Some(Alarm::NearEnd));
    life.step(MORNING + TimeDelta::minutes(42), &mut rng);
    assert_eq!(life.phase.activity(), Some(Activity::Kvo));
    assert_eq!(life.sample().rate, Some(KVO_RATE));
    assert!((life.sample().infused.unwrap() - 51.0).abs() < 1e-6);
    life.intervene(
        Intervention::StopInfusion,
        MORNING + TimeDelta::minutes(43),
        &mut rng,
    );
    assert!(life.is_free());
    assert_sound(&life);
}

#[test]
fn a_hold_on_a_busy_pump_waits_and_interrupts_nothing() {
    let (mut life, mut rng) = born(Rhythm::Still, 2);
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING,
        &mut rng,
    );
    let before = life.sample();
    assert_eq!(hold(&mut life, 1), HoldAnswer::WhenFree);
    assert_eq!(hold(&mut life, 2), HoldAnswer::WhenFree);
    assert_eq!(life.sample(), before);
    let changes = life.intervene(
        Intervention::StopInfusion,
        MORNING + TimeDelta::hours(1),
        &mut rng,
    );
    let owed = [1, 2].map(|n| OrderId::from_uuid(Uuid::from_u128(n))).to_vec();
    assert!(changes.contains(&Change::HoldBegan(owed)), "{changes:?}");
    // Held: no new infusion.
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING + TimeDelta::hours(2),
        &mut rng,
    );
    assert!(life.is_free() && life.is_held());
    assert_eq!(life.order_release(), HoldAnswer::Released { never_began: vec![] });
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING + TimeDelta::hours(3),
        &mut rng,
    );
    assert!(!life.is_free());
    assert_sound(&life);
}

#[test]
fn the_witness_sees_an_order_that_stops_an_infusion() {
    let (mut life, mut rng) = born(Rhythm::Still, 3);
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING,
        &mut rng,
    );
    life.enter(Phase::Standby, Cause::Order);
    assert_eq!(life.therapy_interruptions(), 1);
}

#[test]
fn an_occlusion_pauses_and_is_put_right() {
    let (mut life, mut rng) = born(Rhythm::Hospital, 4);
    let mut now = MORNING;
    while !matches!(life.phase, Phase::Infusing(_)) {
        now = life.next_moment().unwrap();
        life.step(now, &mut rng);
    }
    life.intervene(Intervention::Alarm(Alarm::Occlusion), now, &mut rng);
    assert_eq!(life.phase.activity(), Some(Activity::Paused));
    assert_eq!(life.sample().rate, Some(0.0));
    while matches!(life.phase, Phase::Paused(_)) {
        now = life.next_moment().unwrap();
        life.step(now, &mut rng);
    }
    assert_eq!(life.alarm, None);
}

#[test]
fn an_empty_battery_silences_the_pump_until_somebody_comes() {
    let (mut life, mut rng) = born(Rhythm::Still, 5);
    life.intervene(Intervention::Battery { percent: 21.0 }, MORNING, &mut rng);
    life.step(MORNING + TimeDelta::minutes(20), &mut rng);
    assert_eq!(life.alarm, Some(Alarm::BatteryLow));
    let changes = life.step(MORNING + TimeDelta::hours(5), &mut rng);
    assert_eq!(changes, [Change::PowerOff]);
    assert_sound(&life);
    let changes = life.intervene(Intervention::PowerCycle, MORNING + TimeDelta::hours(6), &mut rng);
    assert_eq!(changes, [Change::PowerOn]);
    assert!(life.telemetry(MORNING).unwrap().on_mains);
}

#[test]
fn a_pump_in_use_ignores_its_power_key_until_it_is_free() {
    let (mut life, mut rng) = born(Rhythm::Still, 6);
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING,
        &mut rng,
    );
    assert_eq!(life.intervene(Intervention::PowerCycle, MORNING, &mut rng), []);
    let changes = life.intervene(Intervention::StopInfusion, MORNING, &mut rng);
    assert_eq!(changes, [Change::PowerOff, Change::PowerOn]);
    assert_sound(&life);
}

#[test]
fn a_hospital_is_busier_by_day_than_by_night() {
    let mut attached = [0_u32; 2];
    for seed in 0..40 {
        let (mut life, mut rng) = born(Rhythm::Hospital, seed);
        let mut before = life.patient;
        while life.now < MORNING + TimeDelta::days(10) {
            let next = life.next_moment().unwrap();
            life.step(next, &mut rng);
            if life.patient && !before {
                let hour = chrono::Timelike::hour(&life.now);
                attached[usize::from((6..22).contains(&hour))] += 1;
            }
            before = life.patient;
        }
    }
    let [night, day] = attached;
    // The day has twice the hours and four times the readiness.
    assert!(day > 3 * night && night > 0, "{night} by night, {day} by day");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_life_is_sound(seed: u64, orders in proptest::collection::vec(any::<bool>(), 60)) {
        let (mut life, mut rng) = born(Rhythm::Hospital, seed);
        for (hour, order) in orders.into_iter().enumerate() {
            life.step(MORNING + TimeDelta::hours(i64::try_from(hour).unwrap()), &mut rng);
            assert_sound(&life);
            if order {
                hold(&mut life, hour as u128);
            } else {
                life.order_release();
            }
            assert_sound(&life);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_life_however_it_is_stepped(seed: u64, pace in 30_i64..3600) {
        let (mut coarse, mut coarse_rng) = born(Rhythm::Hospital, seed);
        let (mut fine, mut fine_rng) = born(Rhythm::Hospital, seed);
        let end = MORNING + TimeDelta::days(2);
        let told = coarse.step(end, &mut coarse_rng);
        let mut retold = Vec::new();
        let mut now = MORNING;
        while now < end {
            now = (now + TimeDelta::seconds(pace)).min(end);
            retold.extend(fine.step(now, &mut fine_rng));
        }
        prop_assert_eq!(told, retold);
        prop_assert_eq!(coarse_rng.random::<u64>(), fine_rng.random::<u64>());
        prop_assert_eq!((coarse.phase.activity(), &coarse.place), (fine.phase.activity(), &fine.place));
        prop_assert!((coarse.power.charge - fine.power.charge).abs() < 1e-6);
    }

    #[test]
    fn no_intervention_breaks_a_life(seed: u64, acts in proptest::collection::vec((0..6_u8, any::<f64>(), 0..Alarm::ALL.len()), 0..40)) {
        let (mut life, mut rng) = born(Rhythm::Hospital, seed);
        let mut now = MORNING;
        for (which, number, alarm) in acts {
            now += TimeDelta::minutes(7);
            let what = match which {
                0 => Intervention::StartInfusion { rate: number, volume: number },
                1 => Intervention::StopInfusion,
                2 => Intervention::Alarm(Alarm::ALL[alarm]),
                3 => Intervention::Battery { percent: number },
                4 => Intervention::Move { place: Name::new("Biomed workshop").unwrap() },
                _ => Intervention::PowerCycle,
            };
            life.intervene(what, now, &mut rng);
            assert_sound(&life);
        }
    }
}
