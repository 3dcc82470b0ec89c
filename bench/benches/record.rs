//! How long a long audit trail takes to write, to export and to verify, beside what hashing its bytes alone takes.
//!
//! `cargo bench -p bench --bench record -- --entries 1000000`. Figures are printed, never asserted.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "figures, for people to read"
)]

use std::{
    error::Error,
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    time::{Duration, Instant},
};

use clap::Parser;
use fleet::{
    Timestamp,
    audit::{Action, Actor, Entry, Origin, Subject, Word},
    id::AccountId,
    signature::Digest,
    text::{Name, Reason},
};
use gateway::{
    audit::{export, verify},
    auth::record_key::RecordKey,
    clock::Clock,
    pki::key::{FileKeyStore, KdfCost},
};
use secrecy::SecretString;
use serde_json::json;
use store::{DatabaseUrl, Store};
use uuid::Uuid;

#[derive(Debug, Parser)]
struct Arguments {
    /// Entries to write.
    #[arg(long, default_value_t = 100_000)]
    entries: u32,
    /// What cargo passes to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// So many entries share a transaction, as those of a busy minute do.
const PER_COMMIT: u32 = 1_000;

fn entry(number: u32, at: Timestamp) -> Result<Entry, Box<dyn Error>> {
    Ok(Entry {
        number: 0,
        at,
        actor: Actor::Person {
            account: AccountId::from_uuid(Uuid::from_u128(u128::from(number % 50))),
            name: Name::new("Ana O'Brien, RN")?,
        },
        origin: Origin {
            address: Some([10, 4, 0, 7].into()),
            device: None,
        },
        action: Action::PumpHeld.word(),
        subject: Subject {
            kind: Word::literal("pump"),
            id: Uuid::from_u128(u128::from(number)).to_string(),
        },
        before: Some(json!({ "hold": null })),
        after: Some(json!({ "hold": "clinical", "place": "4 West", "version": number })),
        reason: Some(Reason::new("failed occlusion check")?),
    })
}

fn line(what: &str, took: Duration, entries: u64) {
    let each = took.as_secs_f64() * 1e6 / entries as f64;
    println!("| {what} | {:.2} s | {each:.2} µs |", took.as_secs_f64());
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let dir = tempfile::tempdir()?;
    let store = Store::open(&DatabaseUrl::sqlite(dir.path().join("gateway.db")))?;
    store.migrate()?;
    let keys = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
    let key = RecordKey::open_or_create(&keys, &SecretString::from("for one measurement"))?;
    let now = Clock::system().now();
    let count = u64::from(arguments.entries);
    println!("{count} entries, SQLite\n\n| what | in all | each |\n|---|---|---|");

    let began = Instant::now();
    let mut number = 0;
    while number < arguments.entries {
        let end = (number + PER_COMMIT).min(arguments.entries);
        let entries: Vec<_> = (number..end).map(|n| entry(n, now)).collect::<Result<_, _>>()?;
        store.write_durable(|db| {
            for entry in entries {
                db.audit_append(entry)?;
            }
            Ok(())
        })?;
        number = end;
    }
    line("write, a thousand in each transaction", began.elapsed(), count);

    let began = Instant::now();
    let report = verify::database(&store, Some(key.public()), &[], |_, _| {})?;
    line("verify the database", began.elapsed(), report.verified.count);

    let path = dir.path().join("audit.jsonl");
    let began = Instant::now();
    let hospital = Name::new("County General")?;
    let (header, mut export) = export::begin(&store, &hospital, key.public(), 0, now)?;
    let mut file = BufWriter::new(File::create(&path)?);
    writeln!(file, "{}", serde_json::to_string(&header)?)?;
    while let Some(piece) = export.next_piece()? {
        file.write_all(piece.as_bytes())?;
    }
    file.flush()?;
    line("export", began.elapsed(), count);

    let began = Instant::now();
    let reader = BufReader::new(File::open(&path)?);
    let report = verify::file(reader, Some(key.public()), &[], |_, _| {})?;
    let verified = began.elapsed();
    line("verify the export", verified, report.verified.count);

    // The floor: the same lines, read and hashed in a chain, without looking at what they say.
    let began = Instant::now();
    let mut digest = Digest::ZERO;
    let mut bytes = 0;
    for line in BufReader::new(File::open(&path)?).split(b'\n') {
        let line = line?;
        bytes += line.len();
        digest = Digest::of_pieces(&[digest.bytes(), &line]);
    }
    let floor = began.elapsed();
    line("floor: read and hash the same bytes", floor, count);
    println!(
        "\n{:.0} bytes an entry; verifying an export takes {:.1} times the floor (last {digest})",
        bytes as f64 / count as f64,
        verified.as_secs_f64() / floor.as_secs_f64()
    );
    Ok(())
}
