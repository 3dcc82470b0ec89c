//! Every reason for which a pump will not, or can not.

use std::collections::{BTreeSet, HashMap};

use chrono::TimeDelta;
use wire::{
    envelope::Sealed,
    message::{OrderOutcome, Refusal, UpdateStage},
    ticket::Ticket,
    types::{HoldKind, SecurityCounter},
};

use super::{
    kit::{Bench, MORNING, new_key, seal_with, ticket_id, versions},
    maker::{Edition, MANIFEST, Maker},
};

/// Orders a download that can not go well, and gives what was said of it. The pump stays what it was.
async fn refused(bench: &mut Bench, sealed: Sealed) -> (Option<UpdateStage>, Refusal) {
    let before = (bench.main_version(), bench.slot(), bench.firmware.counter());
    bench.said.clear();
    let order = bench.download(sealed).await;
    bench.listen();
    assert_eq!(
        (bench.main_version(), bench.slot(), bench.firmware.counter()),
        before
    );
    assert!(bench.firmware.to_fetch().is_none() && bench.firmware.is_usable());
    let answers = bench.answers(order);
    let [(OrderOutcome::Refused, reason)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    let (word, _) = reason.split_once(": ").unwrap();
    let refusal = *Refusal::ALL
        .iter()
        .find(|refusal| refusal.as_str() == word)
        .unwrap();
    let stage = bench.stages().last().map(|(stage, told)| {
        assert_eq!(*told, Some(refusal));
        *stage
    });
    (stage, refusal)
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_does_not_hold_is_refused() {
    let mut bench = Bench::new().await;
    let mut met = BTreeSet::new();

    // Not even opened: nobody knows which ticket it is.
    let stranger = new_key();
    let good = bench.ticket(1);
    let mut flipped = bench.seal(&good).bytes();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for sealed in [
        seal_with(&stranger, "h1", &good),
        seal_with(&bench.hospital, "h2", &good),
        Sealed::of(&flipped),
        Sealed::of(b"not a ticket"),
    ] {
        let told = refused(&mut bench, sealed).await;
        assert_eq!(told, (None, Refusal::TicketForged));
    }
    met.insert(Refusal::TicketForged);

    // The order and the ticket do not mean the same.
    let mut elsewhere = good.clone();
    elsewhere.repository = "nordvik".parse().unwrap();
    let elsewhere = bench.seal(&elsewhere);
    let told = refused(&mut bench, elsewhere).await;
    assert_eq!(told, (None, Refusal::NotTheSameFile));

    let mut cases: Vec<(&str, Ticket, Refusal)> = Vec::new();
    let mut case = |what, change: &dyn Fn(&mut Ticket), refusal| {
        let mut ticket = good.clone();
        change(&mut ticket);
        cases.push((what, ticket, refusal));
    };
    case(
        "another pump",
        &|t| t.pump = wire::PumpId::from_uuid(uuid::Uuid::from_u128(8)),
        Refusal::TicketForAnother,
    );
    case(
        "other hardware",
        &|t| t.hardware = Some("AX1-D".parse().unwrap()),
        Refusal::TicketForAnother,
    );
    case(
        "early",
        &|t| t.not_before = MORNING + TimeDelta::seconds(1),
        Refusal::TicketExpired,
    );
    case("late", &|t| t.not_after = MORNING, Refusal::TicketExpired);
    case(
        "from other versions",
        &|t| t.from = versions("8.4.1"),
        Refusal::OtherVersions,
    );
    case(
        "below the counter",
        &|t| t.counter = SecurityCounter(39),
        Refusal::CounterBelow,
    );
    for (what, ticket, expected) in cases {
        let sealed = bench.seal(&ticket);
        let told = refused(&mut bench, sealed).await;
        assert_eq!(told, (Some(UpdateStage::Refused), expected), "{what}");
        met.insert(expected);
    }

    // Evidence is not changed.
    for kind in [HoldKind::Sequestered, HoldKind::SecurityIsolation] {
        bench.safety.hold = Some(kind);
        let sealed = bench.seal(&good);
        let told = refused(&mut bench, sealed).await;
        assert_eq!(told, (Some(UpdateStage::Refused), Refusal::Held));
    }
    bench.safety.hold = None;
    met.insert(Refusal::Held);

    // Used once.
    let sealed = bench.seal(&good);
    bench.download(sealed.clone()).await;
    bench.install(1);
    bench.pass(600).unwrap();
    assert_eq!(bench.main_version(), "8.5.0");
    let told = refused(&mut bench, sealed).await;
    assert_eq!(told, (Some(UpdateStage::Refused), Refusal::TicketSpent));
    met.insert(Refusal::TicketSpent);
    assert_eq!(met.len(), 7);
}

/// What the pump makes of these files.
async fn offered(bench: &mut Bench, files: HashMap<String, Vec<u8>>, sealed: &Sealed) -> Refusal {
    *bench.server.files.lock().unwrap() = files;
    bench.publish_keys();
    let (stage, refusal) = refused(bench, sealed.clone()).await;
    assert_eq!(stage, Some(UpdateStage::DownloadFailed));
    refusal
}

#[tokio::test(start_paused = true)]
async fn metadata_that_is_not_as_the_root_asks_is_not_believed() {
    let mut bench = Bench::new().await;
    let image = bench.image.clone();
    let sealed = bench.seal(&bench.ticket(1));
    let good = bench.maker.publish(&Edition::of(&image)).await;
    let edition = |version, manifest, expires| Edition {
        version,
        manifest,
        expires,
        ..Edition::of(&image)
    };
    let later = "2120-01-01T00:00:00Z";

    let forged = Maker::new().await.publish(&Edition::of(&image)).await;
    let frozen = bench
        .maker
        .publish(&edition(1, MANIFEST, "2024-01-01T00:00:00Z"))
        .await;
    let mut mixed = good.clone();
    for (path, bytes) in &mut mixed {
        if path.ends_with(".snapshot.json") {
            // Of the same length, and not what the timestamp names.
            *bytes.last_mut().unwrap() = b' ';
        }
    }
    let mut garbage = good.clone();
    garbage.insert(
        "/firmware/arden/metadata/timestamp.json".to_owned(),
        b"{".to_vec(),
    );
    let no_release = bench.maker.publish(&edition(1, b"{}", later)).await;
    let huge = vec![b' '; 256 * 1024 + 1];
    let huge = bench.maker.publish(&edition(1, &huge, later)).await;
    for (what, files, expected) in [
        ("signed by somebody else", forged, Refusal::MetadataSignature),
        ("frozen", frozen, Refusal::MetadataExpired),
        ("mixed", mixed, Refusal::MetadataSignature),
        ("unreadable", garbage, Refusal::MetadataUnreadable),
        ("no manifest", no_release, Refusal::MetadataUnreadable),
        ("a huge manifest", huge, Refusal::MetadataUnreadable),
    ] {
        assert_eq!(offered(&mut bench, files, &sealed).await, expected, "{what}");
    }

    let mut ticket = bench.ticket(1);
    ticket.target = "ax1/8.5/other.bin".parse().unwrap();
    let unnamed = bench.seal(&ticket);
    let told = offered(&mut bench, good.clone(), &unnamed).await;
    assert_eq!(told, Refusal::MetadataUnreadable);

    // Seen once, version 5 is not forgotten, not even over a restart.
    let newer = bench.maker.publish(&edition(5, b"{}", later)).await;
    let told = offered(&mut bench, newer, &sealed).await;
    assert_eq!(told, Refusal::MetadataUnreadable);
    bench.restart(None).unwrap();
    let told = offered(&mut bench, good.clone(), &sealed).await;
    assert_eq!(told, Refusal::MetadataRolledBack);

    bench.pinned = false;
    let told = offered(&mut bench, good, &sealed).await;
    assert_eq!(told, Refusal::MetadataUnreadable);
}

#[tokio::test(start_paused = true)]
async fn fewer_signatures_than_the_root_asks_for_are_none() {
    let mut bench = Bench::new().await;
    let image = bench.image.clone();
    let sealed = bench.seal(&bench.ticket(1));
    // Good for a pump whose root asks for one signature, and no more than that.
    let files = bench.maker.publish(&Edition::of(&image)).await;
    bench.maker = bench.maker.asking_for_two().await;
    let told = offered(&mut bench, files, &sealed).await;
    assert_eq!(told, Refusal::MetadataSignature);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_manufacturer_gave_up_is_not_believed_again() {
    let mut bench = Bench::new().await;
    let edition = |version| Edition {
        version,
        manifest: b"{}",
        ..Edition::of(b"an image")
    };
    let sealed = bench.seal(&bench.ticket(1));
    // The pump was made with the first root, and finds the way to the second.
    let successor = bench.maker.successor().await;
    let files = successor.publish(&edition(2)).await;
    let told = offered(&mut bench, files, &sealed).await;
    assert_eq!(
        told,
        Refusal::MetadataUnreadable,
        "believed, but there is no manifest"
    );
    // Whoever has the old key hides the second root, and signs something newer.
    let stolen = bench.maker.publish(&edition(3)).await;
    let told = offered(&mut bench, stolen, &sealed).await;
    assert_eq!(told, Refusal::MetadataSignature);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_two_keys_do_not_vouch_for_is_not_taken() {
    let mut bench = Bench::new().await;
    let image = bench.image.clone();
    let sealed = bench.seal(&bench.ticket(1));
    let good = bench.maker.publish(&Edition::of(&image)).await;

    let mut ticket = bench.ticket(1);
    ticket.length += 1;
    let longer = bench.seal(&ticket);
    let told = offered(&mut bench, good.clone(), &longer).await;
    assert_eq!(told, Refusal::NotTheSameFile);

    let mut other = image.clone();
    other[0] ^= 1;
    let other = bench.maker.publish(&Edition::of(&other)).await;
    let image_changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = good.clone();
        for (path, bytes) in &mut files {
            if path.ends_with("main.bin") {
                change(bytes);
            }
        }
        files
    };
    let flipped = image_changed(&|bytes| bytes[5000] ^= 1);
    let short = image_changed(&|bytes| bytes.truncate(5000));
    let mut gone = good.clone();
    gone.retain(|path, _| !path.ends_with("main.bin"));
    for (what, files, expected) in [
        ("another file", other, Refusal::NotTheSameFile),
        ("a flipped bit", flipped, Refusal::FileAltered),
        ("half a file", short, Refusal::FileAltered),
        ("named and not there", gone, Refusal::Network),
    ] {
        assert_eq!(offered(&mut bench, files, &sealed).await, expected, "{what}");
    }

    // Nobody answers, for ten minutes.
    *bench.server.down.lock().unwrap() = true;
    assert_eq!(offered(&mut bench, good.clone(), &sealed).await, Refusal::Network);
    *bench.server.down.lock().unwrap() = false;

    // The ticket was not spent on any of that.
    *bench.server.files.lock().unwrap() = good;
    bench.publish_keys();
    bench.download(sealed).await;
    bench.listen();
    assert_eq!(bench.stages().last(), Some(&(UpdateStage::Staged, None)));
}

#[tokio::test(start_paused = true)]
async fn a_flash_that_takes_nothing_is_named() {
    let mut bench = Bench::new().await;
    let growing = bench
        .firmware
        .flash
        .growing(bench.firmware.state.other(), &bench.ticket(1).sha256);
    std::fs::create_dir_all(&growing).unwrap();
    let sealed = bench.seal(&bench.ticket(1));
    let told = refused(&mut bench, sealed).await;
    assert_eq!(told, (Some(UpdateStage::DownloadFailed), Refusal::Storage));
}

#[tokio::test(start_paused = true)]
async fn an_installation_that_can_not_be_is_refused() {
    let mut bench = Bench::new().await;
    let check = |bench: &mut Bench, ticket, expected: Refusal| {
        bench.said.clear();
        let order = bench.install(ticket);
        bench.listen();
        assert_eq!(bench.stages(), [(UpdateStage::Refused, Some(expected))]);
        let (outcome, reason) = bench.answers(order).remove(0);
        assert_eq!(outcome, OrderOutcome::Refused);
        assert!(reason.starts_with(expected.as_str()), "{reason}");
        assert_eq!(bench.main_version(), "8.4.2");
    };
    check(&mut bench, 1, Refusal::TicketUnknown);

    // Not downloaded yet.
    *bench.server.down.lock().unwrap() = true;
    let now = bench.moment();
    let ticket = bench.ticket(1);
    let order = bench.next_order();
    bench
        .firmware
        .order_download(order, Ok(Box::new(ticket)), &bench.me, now)
        .unwrap();
    check(&mut bench, 1, Refusal::Other);
    *bench.server.down.lock().unwrap() = false;
    bench.errands().await.unwrap();
    bench.listen();

    bench.safety.hold = Some(HoldKind::Sequestered);
    check(&mut bench, 1, Refusal::Held);
    bench.safety.hold = None;

    // Somebody changed what runs since.
    bench.firmware.sideload().unwrap();
    bench.said.clear();
    bench.install(1);
    bench.listen();
    assert!(
        bench
            .stages()
            .contains(&(UpdateStage::Refused, Some(Refusal::OtherVersions)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_pump_that_waits_says_why_and_until_when() {
    for (change, why) in [
        (
            (|b: &mut Bench| b.safety.free = false) as fn(&mut Bench),
            Refusal::InUse,
        ),
        (
            |b| {
                b.safety.mains = false;
                b.safety.charge = 29.9;
            },
            Refusal::Power,
        ),
        (
            |b| {
                b.safety.mains = false;
                b.safety.charge = f64::NAN;
            },
            Refusal::Power,
        ),
    ] {
        let mut bench = Bench::new().await;
        let sealed = bench.seal(&bench.ticket(1));
        bench.download(sealed).await;
        let ready = bench.safety;
        change(&mut bench);
        let order = bench.install(1);
        bench.pass(3600).unwrap();
        let answers = bench.answers(order);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].0, OrderOutcome::WhenFree);
        assert!(answers[0].1.starts_with(why.as_str()), "{answers:?}");
        assert_eq!(bench.main_version(), "8.4.2");

        // By itself as soon as it can; or not at all once the ticket is too old.
        bench.safety = ready;
        if why == Refusal::InUse {
            bench.pass(600).unwrap();
            assert_eq!(bench.main_version(), "8.5.0");
            assert_eq!(bench.answers(order).last().unwrap().0, OrderOutcome::Done);
        } else {
            bench.now = bench.ticket(1).not_after;
            bench.pass(10).unwrap();
            assert_eq!(bench.main_version(), "8.4.2");
            let (outcome, reason) = bench.answers(order).pop().unwrap();
            assert_eq!(outcome, OrderOutcome::Refused);
            assert!(reason.starts_with("ticket_expired"), "{reason}");
            let last = *bench.stages().last().unwrap();
            assert_eq!(last, (UpdateStage::Refused, Some(Refusal::TicketExpired)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_returns_below_the_counter_or_to_nothing() {
    let mut bench = Bench::new().await;
    let back = |bench: &mut Bench, ticket| {
        bench.said.clear();
        let order = bench.next_order();
        let now = bench.moment();
        bench
            .firmware
            .order_roll_back(order, ticket_id(ticket), &bench.me, now)
            .unwrap();
        bench.listen();
        bench.stages().first().copied()
    };
    // What the factory installed came under no ticket.
    let told = back(&mut bench, 1);
    assert_eq!(told, Some((UpdateStage::Refused, Some(Refusal::TicketUnknown))));
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.install(1);
    bench.pass(600).unwrap();
    assert_eq!(bench.firmware.counter(), SecurityCounter(41));
    let told = back(&mut bench, 1);
    assert_eq!(
        told,
        Some((UpdateStage::Refused, Some(Refusal::NothingToReturnTo)))
    );
    assert_eq!(bench.main_version(), "8.5.0");
}
