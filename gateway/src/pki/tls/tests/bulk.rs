//! The bulk listener, which lets in more than the MQTT listener does, and decides later.

use super::*;

#[test]
fn the_bulk_listener_lets_in_whoever_may_have_a_reason_to_come() {
    let (world, maker, other) = (World::new(), World::new(), World::new());
    // A factory certificate: below an intermediate, no extended key usage, for ever.
    let mut params = forged_params(pump(9));
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    params.extended_key_usages.clear();
    params
        .distinguished_name
        .push(DnType::CustomDnType(vec![2, 5, 4, 5]), "SN-9");
    let (leaf, key) = maker.forge(&params);
    let factory: Identity = (vec![leaf, maker.device.der.clone()], key);
    assert_eq!(inspect::factory_serial(&factory.0[0]).unwrap().as_str(), "SN-9");

    let trust = Arc::new(Trust::new(&[&world.device.der], &[(ANCHOR, &maker.root.der)]).unwrap());
    let check = |identity: Option<&Identity>, now, expected: Result<Option<Origin>, &str>| {
        let verifier = BulkVerifier::new(Arc::clone(&trust));
        let server = Arc::new(bulk_config(verifier, self::identity(&world), Arc::new(At(now))).unwrap());
        match (shake(&server, client(&world, identity, &BOTH)), expected) {
            (Ok((_, server)), Ok(origin)) => {
                let found = server
                    .peer_certificates()
                    .map(|chain| trust.origin(chain, now).unwrap());
                assert_eq!(found, origin);
            }
            (Err(error), Err(expected)) => assert!(format!("{error:?}").contains(expected), "{error:?}"),
            (Ok(_), Err(expected)) => panic!("should be refused: {expected}"),
            (Err(error), Ok(_)) => panic!("should be let in: {error:?}"),
        }
    };
    let later = NOW + TimeDelta::days(120);
    let ours = one(world.pump(1));
    check(None, NOW, Ok(None));
    check(Some(&ours), NOW, Ok(Some(Origin::DeviceCa)));
    check(Some(&ours), later, Ok(Some(Origin::DeviceCa)));
    check(Some(&ours), NOW - TimeDelta::hours(1), Err("NotValidYet"));
    check(Some(&factory), NOW, Ok(Some(Origin::Manufacturer(ANCHOR))));
    check(Some(&factory), later, Ok(Some(Origin::Manufacturer(ANCHOR))));
    // Without its intermediate there is no way to the anchor.
    check(
        Some(&(factory.0[..1].to_vec(), factory.1.clone())),
        NOW,
        Err("BadSignature"),
    );
    check(Some(&one(other.pump(1))), NOW, Err("BadSignature"));
    let (server, _, key) = world.server(22);
    check(
        Some(&(vec![server.der, world.server.der.clone()], key)),
        NOW,
        Err("InvalidPurpose"),
    );

    // Which is nothing to the MQTT listener.
    let error = refused(
        &mqtt(&world, &trust, Registry::default(), NOW),
        client(&world, Some(&factory), &BOTH),
    );
    assert!(format!("{error:?}").contains("BadSignature"), "{error:?}");
}
