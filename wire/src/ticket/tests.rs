use chrono::{TimeDelta, TimeZone, Utc};
use fleet::text::{ComponentName, ComponentVersion};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

pub(crate) fn component(name: &str, version: &str) -> Component {
    Component {
        name: ComponentName::new(name).unwrap(),
        version: ComponentVersion::new(version).unwrap(),
    }
}

fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 24, 12, 0, 0).unwrap()
}

/// For pump 1, from noon until a day later.
pub(crate) fn a_ticket() -> Ticket {
    Ticket {
        v: V1,
        id: TicketId::from_uuid(Uuid::from_u128(10)),
        pump: PumpId::from_uuid(Uuid::from_u128(1)),
        hardware: Some(HardwareId::new("HW-C").unwrap()),
        from: vec![component("main", "9.10"), component("wireless", "v9a")],
        to: vec![component("main", "9.12"), component("wireless", "v9b")],
        repository: "acme-medical".parse().unwrap(),
        target: "volumat7/9.12/main.bin".parse().unwrap(),
        length: 1000,
        sha256: Digest::of(b"firmware"),
        counter: SecurityCounter(42),
        not_before: noon(),
        not_after: noon() + TimeDelta::days(1),
        rollout: RolloutId::from_uuid(Uuid::from_u128(11)),
        wave: WaveId::from_uuid(Uuid::from_u128(12)),
        evidence: Digest::ZERO,
    }
}

/// What a [`Bearer`] borrows.
struct Shown {
    pump: PumpId,
    hardware: HardwareId,
    components: Vec<Component>,
    counter: SecurityCounter,
    now: Timestamp,
}

/// Whether the ticket holds for the pump that it is for, but for one change.
fn holds(ticket: &Ticket, change: impl FnOnce(&mut Shown)) -> Result<(), TicketProblem> {
    let mut shown = Shown {
        pump: ticket.pump,
        hardware: HardwareId::new("HW-C").unwrap(),
        components: vec![component("main", "9.10"), component("wireless", "v9a")],
        counter: SecurityCounter(41),
        now: noon(),
    };
    change(&mut shown);
    ticket.holds_for(&Bearer {
        pump: shown.pump,
        hardware: &shown.hardware,
        components: &shown.components,
        counter: shown.counter,
        now: shown.now,
    })
}

#[test]
fn each_problem_is_named_and_has_its_word() {
    let ticket = a_ticket();
    let check = |change: fn(&mut Shown), expected: TicketProblem, refusal, text: &str| {
        let problem = holds(&ticket, change).unwrap_err();
        assert_eq!(
            (problem, problem.refusal(), problem.to_string().as_str()),
            (expected, refusal, text)
        );
    };
    check(
        |pump| pump.pump = PumpId::from_uuid(Uuid::from_u128(2)),
        TicketProblem::OtherPump,
        Refusal::TicketForAnother,
        "the ticket is for another pump",
    );
    check(
        |pump| pump.now = noon() - TimeDelta::nanoseconds(1),
        TicketProblem::Early(noon()),
        Refusal::TicketExpired,
        "the ticket is not good before 2026-11-24 12:00:00 UTC",
    );
    check(
        |pump| pump.now = noon() + TimeDelta::days(1),
        TicketProblem::Late(noon() + TimeDelta::days(1)),
        Refusal::TicketExpired,
        "the ticket was good until 2026-11-25 12:00:00 UTC",
    );
    check(
        |pump| pump.components.clear(),
        TicketProblem::OtherVersions,
        Refusal::OtherVersions,
        "the pump runs other versions than those the ticket starts from",
    );
    check(
        |pump| pump.counter = SecurityCounter(43),
        TicketProblem::CounterBelow {
            release: SecurityCounter(42),
            pump: SecurityCounter(43),
        },
        Refusal::CounterBelow,
        "the release's security counter 42 is below the pump's 43",
    );
    check(
        |pump| pump.hardware = HardwareId::new("HW-D").unwrap(),
        TicketProblem::OtherHardware,
        Refusal::TicketForAnother,
        "the ticket is for other hardware",
    );
}

#[test]
fn it_holds_up_to_its_bounds() {
    let ticket = a_ticket();
    let check = |change: &dyn Fn(&mut Shown)| assert_eq!(holds(&ticket, change), Ok(()));
    check(&|_| {});
    check(&|pump| pump.now = ticket.not_before);
    check(&|pump| pump.now = ticket.not_after - TimeDelta::nanoseconds(1));
    check(&|pump| pump.counter = ticket.counter);
    check(&|pump| pump.counter = SecurityCounter(0));
    let for_any_hardware = Ticket {
        hardware: None,
        ..a_ticket()
    };
    let other = |pump: &mut Shown| pump.hardware = HardwareId::new("HW-D").unwrap();
    assert_eq!(holds(&for_any_hardware, other), Ok(()));
    // Turned round, it never holds.
    let never = Ticket {
        not_before: ticket.not_after,
        not_after: ticket.not_before,
        ..a_ticket()
    };
    for now in [never.not_before, never.not_after] {
        assert!(holds(&never, |pump| pump.now = now).is_err());
    }
}

#[test]
fn versions_are_compared_as_a_set_and_to_the_letter() {
    let check = |components: &[Component], same: bool| {
        let result = holds(&a_ticket(), |pump| pump.components = components.to_vec());
        let expected = if same {
            Ok(())
        } else {
            Err(TicketProblem::OtherVersions)
        };
        assert_eq!(result, expected, "{components:?}");
    };
    let (main, wireless) = (component("main", "9.10"), component("wireless", "v9a"));
    check(&[main.clone(), wireless.clone()], true);
    check(&[wireless.clone(), main.clone()], true);
    check(std::slice::from_ref(&main), false);
    check(&[main.clone(), wireless.clone(), component("boot", "1")], false);
    check(&[main.clone(), wireless.clone(), main.clone()], false);
    check(&[main.clone(), main.clone()], false);
    check(&[component("main", "9.1"), wireless.clone()], false);
    check(&[component("Main", "9.10"), wireless], false);
    check(&[component("main", "v9a"), component("wireless", "9.10")], false);
}

#[test]
fn a_list_that_is_too_long_is_not_read() {
    for field in ["from", "to"] {
        let mut json = serde_json::to_value(a_ticket()).unwrap();
        let mut with = |count: usize| {
            json[field] = vec![json[field][0].clone(); count].into();
            serde_json::from_value::<Ticket>(json.clone()).is_ok()
        };
        assert!(with(64), "{field}");
        assert!(!with(65), "{field}");
    }
}

proptest! {
    /// Whatever the pump is, a ticket holds for it only where every part of it fits.
    #[test]
    fn it_holds_only_where_everything_fits(pump in 1u128..3, hardware in "HW-[CD]", main in "9\\.1[01]", counter in 40u32..45, seconds in -2i64..86_402) {
        let ticket = a_ticket();
        let hardware = HardwareId::new(&hardware).unwrap();
        let components = [component("wireless", "v9a"), component("main", &main)];
        let bearer = Bearer {
            pump: PumpId::from_uuid(Uuid::from_u128(pump)),
            hardware: &hardware,
            components: &components,
            counter: SecurityCounter(counter),
            now: noon() + TimeDelta::seconds(seconds),
        };
        let fits = pump == 1
            && hardware.as_str() == "HW-C"
            && main == "9.10"
            && counter <= 42
            && (0..86_400).contains(&seconds);
        prop_assert_eq!(ticket.holds_for(&bearer).is_ok(), fits);
    }
}
