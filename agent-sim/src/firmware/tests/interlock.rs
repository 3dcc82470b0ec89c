//! S1: whatever is ordered and whenever, a pump is never taken from a patient.

use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;
use wire::{
    OrderId,
    types::{HoldKind, SecurityCounter},
};

use super::{
    super::{Contents, Faults, Firmware, Me, Now, orders::Fetched},
    kit::{MORNING, ticket_id, versions},
};
use crate::{
    blueprint::FleetPlan,
    life::{Intervention, Life, Rhythm, Servicing},
};

fn servicing(firmware: &Firmware) -> Servicing {
    if firmware.is_off_air() {
        Servicing::Restarting
    } else if firmware.is_usable() {
        Servicing::InService
    } else {
        Servicing::OnTrial
    }
}

fn a_life(rhythm: Rhythm, seed: u64) -> (Life, ChaCha8Rng) {
    let blueprint = FleetPlan::new(1, seed).build().unwrap().remove(0);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let life = Life::new(Arc::new(blueprint), rhythm, None, MORNING, &mut rng);
    (life, rng)
}

#[derive(Debug, Clone)]
enum Happening {
    /// Time passes, in minutes.
    Wait(i64),
    Stage,
    Install,
    RollBack,
    Infuse,
    Stop,
    Unplug(f64),
    Hold,
    Release,
    PowerCycle,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_i64..240).prop_map(Happening::Wait),
        3 => Just(Happening::Stage),
        4 => Just(Happening::Install),
        2 => Just(Happening::RollBack),
        3 => Just(Happening::Infuse),
        2 => Just(Happening::Stop),
        1 => (0.0..100.0).prop_map(Happening::Unplug),
        1 => Just(Happening::Hold),
        1 => Just(Happening::Release),
        1 => Just(Happening::PowerCycle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_order_ends_a_therapy(seed: u64, happenings in proptest::collection::vec(happening(), 1..60)) {
        let (mut life, mut rng) = a_life(Rhythm::Hospital, seed);
        let dir = tempfile::tempdir().unwrap();
        let factory = Contents { components: versions("1"), counter: SecurityCounter(1), by: None };
        let mut firmware = Firmware::open(dir.path().into(), factory, Faults::default()).unwrap();
        let me = Me {
            pump: wire::PumpId::from_uuid(Uuid::from_u128(1)),
            hardware: "AX1-C".parse().unwrap(),
            library: None,
        };
        let mut at = MORNING;
        let mut orders = 0_u128;
        let mut tickets = 0_u128;
        for happening in happenings {
            orders += 1;
            let order = OrderId::from_uuid(Uuid::from_u128(orders));
            let now = |life: &Life, at| Now { life: at, trusted: at, shown: at, safety: life.safety() };
            match happening {
                Happening::Wait(minutes) => {
                    for _ in 0..minutes {
                        at += TimeDelta::minutes(1);
                        life.step(at, &mut rng);
                        let before = life.is_free();
                        let was = servicing(&firmware);
                        firmware.poll(&me, now(&life, at)).unwrap();
                        if was == Servicing::InService && servicing(&firmware) != was {
                            prop_assert!(before, "taken out of use while it was not free");
                        }
                        if firmware.is_leaving() {
                            firmware.leave(at);
                        }
                        life.mind_firmware(servicing(&firmware));
                    }
                }
                Happening::Stage => {
                    tickets += 1;
                    let mut to = versions("1");
                    to[2].version = tickets.to_string().parse().unwrap();
                    let ticket = wire::ticket::Ticket {
                        v: wire::message::V1,
                        id: ticket_id(tickets),
                        pump: me.pump,
                        hardware: None,
                        from: firmware.components().to_vec(),
                        to,
                        repository: "arden".parse().unwrap(),
                        target: "a.bin".parse().unwrap(),
                        length: 1,
                        sha256: wire::types::Digest::ZERO,
                        counter: SecurityCounter(1),
                        not_before: at,
                        not_after: at + TimeDelta::hours(36),
                        rollout: wire::RolloutId::from_uuid(Uuid::nil()),
                        wave: wire::WaveId::from_uuid(Uuid::nil()),
                        evidence: wire::types::Digest::ZERO,
                    };
                    firmware.order_download(order, Ok(Box::new(ticket)), &me, now(&life, at)).unwrap();
                    let fetched = Fetched { checks: vec![], restarts: 1 };
                    firmware.fetched(ticket_id(tickets), Ok(fetched)).unwrap();
                }
                Happening::Install => {
                    firmware.order_install(order, ticket_id(tickets), &me, now(&life, at)).unwrap();
                }
                Happening::RollBack => {
                    firmware.order_roll_back(order, ticket_id(tickets), &me, now(&life, at)).unwrap();
                }
                Happening::Infuse => {
                    let usable = servicing(&firmware) == Servicing::InService;
                    life.intervene(Intervention::StartInfusion { rate: 80.0, volume: 400.0 }, at, &mut rng);
                    // Nothing unproved goes to a patient.
                    prop_assert!(usable || life.is_free() || !life.is_on());
                }
                Happening::Stop => { life.intervene(Intervention::StopInfusion, at, &mut rng); }
                Happening::Unplug(percent) => { life.intervene(Intervention::Battery { percent }, at, &mut rng); }
                Happening::PowerCycle => { life.intervene(Intervention::PowerCycle, at, &mut rng); }
                Happening::Hold => {
                    life.order_hold(order, HoldKind::Clinical, "failed a check".parse().unwrap());
                }
                Happening::Release => { life.order_release(); }
            }
            if firmware.is_leaving() {
                prop_assert!(life.is_free());
                firmware.leave(at);
            }
            life.mind_firmware(servicing(&firmware));
            prop_assert_eq!(life.therapy_interruptions(), 0);
        }
    }
}

#[test]
fn the_witness_sees_an_update_that_ends_an_infusion() {
    let (mut life, mut rng) = a_life(Rhythm::Still, 1);
    life.intervene(
        Intervention::StartInfusion {
            rate: 100.0,
            volume: 500.0,
        },
        MORNING,
        &mut rng,
    );
    life.mind_firmware(Servicing::OnTrial);
    assert_eq!(life.therapy_interruptions(), 0);
    life.mind_firmware(Servicing::Restarting);
    assert_eq!(life.therapy_interruptions(), 1);
}
