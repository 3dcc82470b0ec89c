//! What one pump may cost: subscriptions and messages beyond its share neither pile up nor get lost.

use std::time::{Duration, Instant};

use wire::topic::Channel;

use super::{
    Gateway, Inbound, Limits, Storage, pump,
    raw::{Client, ONLINE, TELEMETRY, Version, down, up},
};
use crate::mqtt::Refusal;

const BOTH: [Version; 2] = [Version::V3, Version::V5];

#[test]
fn a_subscribe_with_too_many_filters_is_refused_whole() {
    let gateway = Gateway::start();
    for (n, (version, code)) in (1..).zip(BOTH.into_iter().zip([0x80, 0x97])) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        let order = down(me, "order");
        let many = vec![order.as_str(); 600];
        assert_eq!(client.subscribe(&many, 1), vec![code; 600]);
        assert_eq!(client.subscribe(&many[..9], 1), vec![code; 9]);
        assert_eq!(
            gateway.counters.refused(&Refusal::TooManyFilters),
            u64::try_from(n).unwrap() * 2,
            "each packet counts once"
        );
        assert_eq!(
            client.subscribe(&many[..8], 1),
            vec![1; 8],
            "the connection lives on"
        );
    }
}

#[test]
fn who_subscribes_over_and_over_is_ready_once_and_once_more() {
    let gateway = Gateway::start();
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let mut client = Client::connect(&gateway, &gateway.enrol(me), version, me);
        gateway.storage(Storage::Stalls);
        let order = down(me, "order");
        for _ in 0..50 {
            client.subscribe(&[&order, &order], 1);
        }
        gateway.release();
        let ready = |item: &Inbound| matches!(item, Inbound::Ready { pump, channel: Channel::Order, .. } if *pump == me);
        gateway.wait("ready", |item| ready(item).then_some(()));
        // The second piece of news goes with this at the latest.
        for _ in 0..2 {
            client.publish(1, &up(me, "presence"), ONLINE, false);
            assert_eq!(client.puback(), 0);
        }
        let times = gateway.stored().iter().filter(|item| ready(item)).count();
        assert_eq!(
            times, 2,
            "one was under way, and one was for all that came meanwhile"
        );
    }
}

#[test]
fn who_says_too_much_has_to_wait_and_coming_back_does_not_help() {
    let gateway = Gateway::with_limits(Limits {
        telemetry_per_second: 2,
        telemetry_burst: 3,
        ..Limits::default()
    });
    for (n, version) in (1..).zip(BOTH) {
        let me = pump(n);
        let identity = gateway.enrol(me);
        let began = Instant::now();
        let mut client = Client::connect(&gateway, &identity, version, me);
        for _ in 0..3 {
            client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
            assert_eq!(client.puback(), 0);
        }
        drop(client);
        let mut client = Client::connect(&gateway, &identity, version, me);
        for _ in 0..3 {
            client.publish(1, &up(me, "telemetry"), TELEMETRY, false);
        }
        for _ in 0..3 {
            assert_eq!(client.puback(), 0, "late, but not lost");
        }
        // Three were in the burst; the sixth message has to wait for the third token after it.
        assert!(
            began.elapsed() >= Duration::from_millis(1_500),
            "{:?}",
            began.elapsed()
        );
        let taken = gateway
            .stored()
            .iter()
            .filter(|item| matches!(item, Inbound::Telemetry { pump, .. } if *pump == me))
            .count();
        assert_eq!(taken, 6);
    }
    assert!(gateway.counters.delayed(Channel::Telemetry) >= 2);
    assert_eq!(gateway.counters.delayed(Channel::Report), 0);
}
