//! A pump on the bench: a server that answers from memory, a hospital that signs tickets, and hands that carry orders.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::json;
use tough::async_trait;
use uuid::Uuid;
use wire::{
    OrderId, PumpId, RolloutId, TicketId, Timestamp, WaveId, bulk,
    envelope::{Algorithm, Sealed, seal},
    message::{OrderOutcome, Refusal, SoftwareSlot, UpdateStage, V1},
    ticket::Ticket,
    types::{Component, Digest, SecurityCounter},
};

use super::{
    super::{
        Contents, Errand, Faults, Firmware, FlashError, InTheDark, Keys, Me, Now, Safety, Saying,
        fetch::{Body, Fetch, FetchError},
        flash::Flash,
        open_ticket,
        state::Unopened,
    },
    maker::{Edition, Maker, TARGET},
};

pub(crate) const MORNING: Timestamp = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
pub(crate) const FREE: Safety = Safety {
    free: true,
    mains: true,
    charge: 80.0,
    hold: None,
};

/// Answers from memory.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) files: Mutex<HashMap<String, Vec<u8>>>,
    /// What was asked for, and from which byte on.
    pub(crate) asked: Mutex<Vec<(String, u64)>>,
    /// It knows no ranges.
    pub(crate) no_ranges: Mutex<bool>,
    /// Nobody can reach it.
    pub(crate) down: Mutex<bool>,
}

#[async_trait]
impl Fetch for Server {
    async fn get(&self, path: &str, from: u64) -> Result<Body, FetchError> {
        self.asked.lock().unwrap().push((path.to_owned(), from));
        let path = path.to_owned();
        if *self.down.lock().unwrap() {
            let problem = "no route".to_owned();
            return Err(FetchError::Broken { path, problem });
        }
        let Some(bytes) = self.files.lock().unwrap().get(&path).cloned() else {
            return Err(FetchError::NotFound { path });
        };
        let from = if *self.no_ranges.lock().unwrap() { 0 } else { from };
        let rest = bytes.get(usize::try_from(from).unwrap()..).unwrap_or_default();
        let chunks: Vec<_> = rest.chunks(1000).map(|chunk| Ok(chunk.to_vec().into())).collect();
        Ok(Body {
            from,
            chunks: stream::iter(chunks).boxed(),
        })
    }
}

pub(crate) fn versions(main: &str) -> Vec<Component> {
    [
        ("bootloader", "2.0.4"),
        ("drug-library", "2026.02"),
        ("main", main),
    ]
    .map(|(name, version)| Component {
        name: name.parse().unwrap(),
        version: version.parse().unwrap(),
    })
    .to_vec()
}

pub(crate) fn order(n: u128) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(n))
}

pub(crate) fn ticket_id(n: u128) -> TicketId {
    TicketId::from_uuid(Uuid::from_u128(n))
}

/// The pump, and all around it.
pub(crate) struct Bench {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) server: Arc<Server>,
    pub(crate) maker: Maker,
    pub(crate) hospital: Ed25519KeyPair,
    pub(crate) image: Vec<u8>,
    pub(crate) me: Me,
    pub(crate) firmware: Firmware,
    pub(crate) now: Timestamp,
    pub(crate) safety: Safety,
    /// All that was said so far.
    pub(crate) said: Vec<Saying>,
    pub(crate) pinned: bool,
    orders: u128,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let maker = Maker::new().await;
        let image: Vec<u8> = (0..10_000_u32).map(|n| n.to_le_bytes()[1] ^ 0x5A).collect();
        let server = Arc::new(Server::default());
        *server.files.lock().unwrap() = maker.publish(&Edition::of(&image)).await;
        let hospital = new_key();
        let dir = tempfile::tempdir().unwrap();
        let bench = Self {
            firmware: open(&dir, None, Faults::default()).unwrap(),
            dir,
            server,
            maker,
            hospital,
            image,
            me: Me {
                pump: PumpId::from_uuid(Uuid::from_u128(7)),
                hardware: "AX1-C".parse().unwrap(),
                library: Some("Adult general".parse().unwrap()),
            },
            now: MORNING,
            safety: FREE,
            said: Vec::new(),
            pinned: true,
            orders: 0,
        };
        bench.publish_keys();
        bench
    }

    pub(crate) fn publish_keys(&self) {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.hospital.public_key().as_ref());
        let keys = json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "h1", "x": "AA", "y": "AA" },
            { "kty": "OKP", "crv": "Ed25519", "kid": "h1", "x": x, "use": "sig" },
        ] });
        let text = serde_json::to_vec(&keys).unwrap();
        let mut files = self.server.files.lock().unwrap();
        files.insert(bulk::TICKET_KEYS.to_owned(), text);
    }

    pub(crate) fn ticket(&self, n: u128) -> Ticket {
        Ticket {
            v: V1,
            id: ticket_id(n),
            pump: self.me.pump,
            hardware: Some(self.me.hardware.clone()),
            from: versions("8.4.2"),
            to: versions("8.5.0"),
            repository: "arden".parse().unwrap(),
            target: TARGET.parse().unwrap(),
            length: self.image.len() as u64,
            sha256: Digest::of(&self.image),
            counter: SecurityCounter(41),
            not_before: MORNING - TimeDelta::hours(1),
            not_after: MORNING + TimeDelta::days(2),
            rollout: RolloutId::from_uuid(Uuid::from_u128(1)),
            wave: WaveId::from_uuid(Uuid::from_u128(1)),
            evidence: Digest::ZERO,
        }
    }

    pub(crate) fn seal(&self, ticket: &Ticket) -> Sealed {
        seal_with(&self.hospital, "h1", ticket)
    }

    pub(crate) fn moment(&self) -> Now {
        Now {
            life: self.now,
            trusted: self.now,
            shown: self.now,
            safety: self.safety,
        }
    }

    pub(crate) fn next_order(&mut self) -> OrderId {
        self.orders += 1;
        order(self.orders)
    }

    /// Writes down what is said, as the pump does.
    pub(crate) fn listen(&mut self) {
        let sayings = self.firmware.sayings().to_vec();
        if !sayings.is_empty() {
            self.said.extend(sayings);
            self.firmware.said().unwrap();
        }
    }

    /// An order to download, and everything that follows until nothing is under way.
    pub(crate) async fn download(&mut self, sealed: Sealed) -> OrderId {
        let id = self.next_order();
        self.firmware
            .keep_order(id, "arden".parse().unwrap(), sealed)
            .unwrap();
        self.errands().await.unwrap();
        id
    }

    /// Runs what is under way to its end.
    pub(crate) async fn errands(&mut self) -> Result<(), FlashError> {
        while let Some(errand) = self.next_errand().await {
            match errand.map_err(|InTheDark| FlashError::PowerLost)? {
                Errand::Opened { order, opened } => {
                    let now = self.moment();
                    self.firmware.order_download(order, opened, &self.me, now)?;
                }
                Errand::Fetched { ticket, outcome } => self.firmware.fetched(ticket, outcome)?,
            }
        }
        Ok(())
    }

    async fn next_errand(&mut self) -> Option<Result<Errand, InTheDark>> {
        let fetch: Arc<dyn Fetch> = Arc::<Server>::clone(&self.server);
        if let Some(unopened) = self.firmware.to_open().cloned() {
            let Unopened { .. } = &unopened;
            let keys = Keys::kept_in(self.dir.path().join("ticket-keys.json"));
            return Some(Ok(open_ticket(keys, unopened, fetch).await));
        }
        let ticket = self.firmware.to_fetch().cloned()?;
        let mut job = self.firmware.job(ticket, fetch);
        job.pinned = self.pinned.then(|| self.maker.root_json.clone().into());
        job.stores = self.dir.path().join("tuf");
        job.breaks_after = self.firmware.faults.link_breaks_after();
        job.power_fails = self
            .firmware
            .faults
            .strike(super::super::Fault::PowerLossFetching);
        Some(job.run().await)
    }

    pub(crate) fn install(&mut self, ticket: u128) -> OrderId {
        let id = self.next_order();
        let now = self.moment();
        self.firmware
            .order_install(id, ticket_id(ticket), &self.me, now)
            .unwrap();
        id
    }

    /// Time passes, in steps of ten seconds.
    pub(crate) fn pass(&mut self, seconds: i64) -> Result<(), FlashError> {
        let end = self.now + TimeDelta::seconds(seconds);
        while self.now < end {
            self.now += TimeDelta::seconds(10);
            if self.firmware.is_leaving() {
                self.listen();
                self.firmware.leave(self.now);
            }
            let now = self.moment();
            self.firmware.poll(&self.me, now)?;
            self.listen();
        }
        Ok(())
    }

    /// Off and on again, with a fuse that blows after so many steps.
    pub(crate) fn restart(&mut self, fuse: Option<u32>) -> Result<(), FlashError> {
        let faults = self.firmware.faults.clone();
        self.firmware = open(&self.dir, fuse, faults)?;
        self.firmware.start(self.now)
    }

    pub(crate) fn main_version(&self) -> String {
        let main = self
            .firmware
            .components()
            .iter()
            .find(|c| c.name.as_str() == "main");
        main.unwrap().version.to_string()
    }

    /// The stages that were reported, with their refusals.
    pub(crate) fn stages(&self) -> Vec<(UpdateStage, Option<Refusal>)> {
        self.said
            .iter()
            .filter_map(|saying| match saying {
                Saying::Update(report) => Some((report.stage, report.refusal)),
                _ => None,
            })
            .collect()
    }

    /// The answers that an order got.
    pub(crate) fn answers(&self, wanted: OrderId) -> Vec<(OrderOutcome, String)> {
        self.said
            .iter()
            .filter_map(|saying| match saying {
                Saying::Answer {
                    order,
                    outcome,
                    reason,
                } if *order == wanted => Some((
                    *outcome,
                    reason.as_ref().map(ToString::to_string).unwrap_or_default(),
                )),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn slot(&self) -> SoftwareSlot {
        self.firmware.software().active
    }

    pub(crate) fn in_flash(&self, name: &str) -> PathBuf {
        self.dir.path().join("firmware").join(name)
    }
}

pub(crate) fn new_key() -> Ed25519KeyPair {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap()
}

pub(crate) fn seal_with(key: &Ed25519KeyPair, kid: &str, ticket: &Ticket) -> Sealed {
    let sign = |data: &[u8]| Ok::<_, std::convert::Infallible>(key.sign(data).as_ref().to_vec());
    let bytes = seal(ticket, Algorithm::EdDsa, kid.as_bytes(), sign).unwrap();
    Sealed::of(&bytes)
}

fn open(dir: &tempfile::TempDir, fuse: Option<u32>, faults: Faults) -> Result<Firmware, FlashError> {
    let mut flash = Flash::open(dir.path().join("firmware"))?;
    if let Some(steps) = fuse {
        flash.cut_after(steps);
    }
    let factory = Contents {
        components: versions("8.4.2"),
        counter: SecurityCounter(40),
        by: None,
    };
    Firmware::on(flash, factory, faults)
}
