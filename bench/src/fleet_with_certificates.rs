//! A data directory with a registered fleet, made directly through the gateway's own parts: enrolling is not what is measured.

use std::{
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use fleet::{
    Timestamp,
    certificate::Fingerprint,
    id::{ManufacturerId, ModelId, PumpId},
    pump::Pump,
    text::{Name, SerialNumber},
};
use gateway::{
    clock::Clock,
    config::{Config, Listen},
    fresh,
    init::{self, Plan},
    pki::{authorities::Authorities, csr, key::KdfCost},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret, SecretString};
use store::Store;

/// A pump that can connect.
#[derive(Debug)]
pub struct Credentials {
    pub id: PumpId,
    pub certificate: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
}

/// A data directory and the pumps in it.
pub struct Registered {
    pub config_file: PathBuf,
    pub passphrase_file: PathBuf,
    pub root_file: PathBuf,
    pub device_ca_file: PathBuf,
    pub pumps: Vec<Arc<Credentials>>,
}

/// Sets up a gateway under `dir` whose registry holds `count` pumps.
///
/// # Errors
/// Whatever kept it from being set up.
pub fn register(
    dir: &Path,
    count: usize,
    listen: Listen,
) -> Result<Registered, Box<dyn Error + Send + Sync>> {
    let clock = Clock::system();
    let now = clock.now();
    let passphrase = SecretString::from("for the length of one measurement");
    let made = init::establish(
        &Plan {
            data_dir: dir.join("data"),
            hospital: Name::new("County General")?,
            server_names: vec!["localhost".to_owned()],
            listen,
            database: None,
            time_zone: chrono_tz::Tz::UTC,
            kdf: KdfCost::FOR_TESTS,
        },
        &passphrase,
        now,
    )?;
    // One connection of the load client stands for many pumps.
    let text = std::fs::read_to_string(&made.config_file)?;
    std::fs::write(&made.config_file, unlimited(&text))?;
    let config = Config::load(&made.config_file)?;
    let store = Store::open(&config.database_url())?;
    let authorities = Authorities::open(store.clone(), &config, passphrase.clone(), now)?;
    let model = store.write(|db| {
        let maker =
            db.manufacturer_ensure(&name("Acme Medical"), ManufacturerId::from_uuid(fresh::uuid(now)))?;
        db.model_ensure(maker, &name("Volumat LVP"), ModelId::from_uuid(fresh::uuid(now)))
    })?;
    let mut pumps = Vec::with_capacity(count);
    for chunk in (0..count).collect::<Vec<_>>().chunks(500) {
        let made = chunk
            .iter()
            .map(|n| one(&authorities, *n, model, now))
            .collect::<Result<Vec<_>, _>>()?;
        store.write(|db| {
            made.iter().try_for_each(|(pump, record, _)| {
                db.pump_create(pump)?;
                db.certificate_insert(&record.record, &record.der)
            })
        })?;
        pumps.extend(made.into_iter().map(|(_, _, pump)| Arc::new(pump)));
    }
    let passphrase_file = dir.join("passphrase");
    write_private(&passphrase_file, passphrase.expose_secret().as_bytes())?;
    let device_ca_file = dir.join("device-ca.pem");
    let device_cas = authorities
        .trusted_certificates()
        .into_iter()
        .map(|der| pem::encode(&pem::Pem::new("CERTIFICATE", der)));
    std::fs::write(&device_ca_file, device_cas.collect::<String>())?;
    Ok(Registered {
        config_file: made.config_file,
        passphrase_file,
        root_file: made.root_file,
        device_ca_file,
        pumps,
    })
}

/// The same configuration without limits per pump and address, and of bandwidth.
fn unlimited(config: &str) -> String {
    let change = |line: &str| match line.split_once(" = ") {
        Some((key @ ("telemetry_per_second" | "reports_per_second" | "max_bytes_per_second"), _)) => {
            format!("{key} = 0\n")
        }
        Some((key @ "opening_per_address", _)) => format!("{key} = 4096\n"),
        _ => format!("{line}\n"),
    };
    config.lines().map(change).collect()
}

#[expect(clippy::expect_used, reason = "a constant")]
fn name(text: &str) -> Name {
    Name::new(text).expect("a good name")
}

type Made = (Pump, gateway::pki::authorities::IssuedCertificate, Credentials);

fn one(
    authorities: &Authorities,
    n: usize,
    model: ModelId,
    now: Timestamp,
) -> Result<Made, Box<dyn Error + Send + Sync>> {
    let id = PumpId::from_uuid(fresh::uuid(now));
    let pair = rcgen::KeyPair::generate()?;
    let spki_der = rcgen::PublicKeyData::subject_public_key_info(&pair);
    let request = csr::VerifiedRequest {
        key: Fingerprint::from_digest(gateway::pki::inspect::fingerprint(&spki_der).bytes().to_owned()),
        algorithm: csr::KeyAlgorithm::EcP256,
        spki_der,
    };
    let issued = authorities.issue_pump(id, &request, now)?;
    let pump = Pump {
        id,
        row_version: 1,
        content_version: 1,
        serial: SerialNumber::new(&format!("BENCH-{n:06}"))?,
        model,
        asset_tag: None,
        udi: None,
        hardware_id: None,
        care_area: None,
        location: None,
        macs: Vec::new(),
        components: Vec::new(),
        hold: None,
        enrolled_at: now,
        retired_at: None,
    };
    let with_key = Credentials {
        id,
        certificate: CertificateDer::from(issued.der.clone()),
        key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialize_der())),
    };
    Ok((pump, issued, with_key))
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(content)
}

/// Loopback with these ports.
#[must_use]
pub fn loopback(mqtt: u16, bulk: u16, staff: u16, operations: u16) -> Listen {
    let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
    Listen {
        mqtt: at(mqtt),
        bulk: at(bulk),
        staff: at(staff),
        operations: at(operations),
    }
}
