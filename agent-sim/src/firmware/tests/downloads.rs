//! Lines that break, servers that know no ranges, flash that forgot, repositories of other makers of tools.

use std::fs;

use wire::message::{OrderOutcome, UpdateStage};

use super::{
    super::{Fault, flash::measure},
    kit::Bench,
    maker::{Edition, Maker},
};

impl Bench {
    /// From which bytes on the image was asked for.
    fn ranges(&self) -> Vec<u64> {
        let asked = self.server.asked.lock().unwrap();
        let of_image = |(path, from): &(String, u64)| path.ends_with("main.bin").then_some(*from);
        asked.iter().filter_map(of_image).collect()
    }

    fn assert_staged(&mut self) {
        self.listen();
        assert_eq!(self.stages(), [(UpdateStage::Staged, None)]);
        let (length, sha256) = measure(&self.in_flash("slot-b.bin")).unwrap().unwrap();
        let ticket = self.ticket(1);
        assert_eq!((length, sha256), (ticket.length, ticket.sha256));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_line_is_taken_up_where_it_broke() {
    let mut bench = Bench::new().await;
    bench.firmware.faults.set(Fault::BadLink, true);
    bench.firmware.faults.drop_every = 2500;
    let sealed = bench.seal(&bench.ticket(1));
    let order = bench.download(sealed).await;
    bench.assert_staged();
    // 10,000 bytes in four pieces, and none of them twice.
    assert_eq!(bench.ranges(), [0, 2500, 5000, 7500]);
    assert_eq!(bench.answers(order), [(OrderOutcome::Done, String::new())]);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_ranges_costs_time_and_nothing_else() {
    let mut bench = Bench::new().await;
    *bench.server.no_ranges.lock().unwrap() = true;
    bench.firmware.faults.set(Fault::BadLink, true);
    bench.firmware.faults.drop_every = 2600;
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.assert_staged();
}

#[tokio::test(start_paused = true)]
async fn bytes_that_rotted_in_flash_are_fetched_again() {
    let mut bench = Bench::new().await;
    let growing = bench
        .firmware
        .flash
        .growing(bench.firmware.state.other(), &bench.ticket(1).sha256);
    fs::write(&growing, vec![0; 6000]).unwrap();
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.assert_staged();
    assert_eq!(bench.ranges(), [6000, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_with_the_bytes_that_are_there() {
    let mut bench = Bench::new().await;
    bench.firmware.faults.set(Fault::PowerLossFetching, true);
    let id = bench.next_order();
    let sealed = bench.seal(&bench.ticket(1));
    bench
        .firmware
        .keep_order(id, "arden".parse().unwrap(), sealed)
        .unwrap();
    bench.errands().await.unwrap_err();
    bench.restart(None).unwrap();
    bench.errands().await.unwrap();
    bench.assert_staged();
    assert_eq!(bench.ranges(), [0, 1000]);
    // Whoever asked before the power failed is answered after it.
    assert_eq!(bench.answers(id), [(OrderOutcome::Done, String::new())]);
}

#[tokio::test(start_paused = true)]
async fn a_hash_before_the_directory_is_found_as_well() {
    let mut bench = Bench::new().await;
    let edition = Edition {
        as_specified: false,
        ..Edition::of(&bench.image)
    };
    let files = bench.maker.publish(&edition).await;
    *bench.server.files.lock().unwrap() = files;
    bench.publish_keys();
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    bench.assert_staged();
}

#[tokio::test(start_paused = true)]
async fn another_pinned_root_begins_with_no_memory_of_the_first() {
    let mut bench = Bench::new().await;
    let edition = Edition {
        version: 9,
        ..Edition::of(&bench.image)
    };
    let files = bench.maker.publish(&edition).await;
    *bench.server.files.lock().unwrap() = files;
    bench.publish_keys();
    let sealed = bench.seal(&bench.ticket(1));
    bench.download(sealed).await;
    // The manufacturer begins anew, with another key and at version 1.
    bench.maker = Maker::new().await;
    let files = bench.maker.publish(&Edition::of(&bench.image)).await;
    *bench.server.files.lock().unwrap() = files;
    bench.publish_keys();
    let sealed = bench.seal(&bench.ticket(2));
    bench.download(sealed).await;
    bench.listen();
    let stages: Vec<_> = bench.stages().into_iter().map(|(stage, _)| stage).collect();
    assert_eq!(
        stages,
        [
            UpdateStage::Staged,
            UpdateStage::TicketReturned,
            UpdateStage::Staged
        ]
    );
}
