//! The registry in memory: which certificates we issued, and which pumps may use them.
//!
//! A look-up is one hash, so the cost of a connection is the same with no revoked certificate and with 100,000.
//! The database is written first and this second: whoever sees an answer from here sees what is on record.

use dashmap::DashMap;
use fleet::{
    Timestamp,
    certificate::{
        Admission, CertificateRecord, Fingerprint, GateRefusal, RevocationReason, admit, session_must_end,
    },
    id::PumpId,
    pump::HoldKind,
};
use store::RegistryRow;

use super::inspect;
use crate::{
    clock::Clock,
    mqtt::{Admitted, Doorkeeper},
};

/// Certificates and the pumps they belong to.
#[derive(Debug)]
pub struct Gate {
    certificates: DashMap<Fingerprint, CertificateRecord>,
    pumps: DashMap<PumpId, PumpGate>,
    clock: Clock,
}

/// What matters of a pump at the gate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PumpGate {
    /// What holds it.
    pub hold: Option<HoldKind>,
    /// Whether it has left for good.
    pub retired: bool,
}

impl Gate {
    /// A gate that knows what the database knows.
    #[must_use]
    pub fn new(rows: Vec<RegistryRow>, clock: Clock) -> Self {
        let gate = Self {
            certificates: DashMap::with_capacity(rows.len()),
            pumps: DashMap::new(),
            clock,
        };
        for row in rows {
            gate.pumps.insert(
                row.certificate.pump,
                PumpGate {
                    hold: row.hold,
                    retired: row.retired,
                },
            );
            gate.certificates
                .insert(row.certificate.fingerprint, row.certificate);
        }
        gate
    }

    /// Learns a certificate that was just issued and recorded.
    pub fn register(&self, certificate: CertificateRecord) {
        self.pumps.entry(certificate.pump).or_default();
        self.certificates.insert(certificate.fingerprint, certificate);
    }

    /// Denies certificates from now on. Their revocation is on record already.
    pub fn revoke(&self, fingerprints: &[Fingerprint], reason: RevocationReason, now: Timestamp) {
        for fingerprint in fingerprints {
            if let Some(mut certificate) = self.certificates.get_mut(fingerprint) {
                certificate.revoked.get_or_insert((now, reason));
            }
        }
    }

    /// Learns what holds a pump, and whether it was retired.
    pub fn set_pump(&self, pump: PumpId, hold: Option<HoldKind>, retired: bool) {
        self.pumps.insert(pump, PumpGate { hold, retired });
    }

    /// What is known of a pump.
    #[must_use]
    pub fn pump(&self, pump: PumpId) -> PumpGate {
        self.pumps.get(&pump).map(|entry| *entry).unwrap_or_default()
    }

    /// A registered certificate.
    #[must_use]
    pub fn certificate(&self, fingerprint: &Fingerprint) -> Option<CertificateRecord> {
        self.certificates
            .get(fingerprint)
            .map(|entry| entry.value().clone())
    }

    /// Whether a session that was opened with a certificate may go on: its certificate is still good, and so is its pump.
    #[must_use]
    pub fn still_admits(&self, fingerprint: &Fingerprint, now: Timestamp) -> bool {
        self.certificates.get(fingerprint).is_some_and(|certificate| {
            let pump = self.pump(certificate.pump);
            !session_must_end(&certificate, now)
                && !pump.retired
                && pump.hold.is_none_or(HoldKind::may_connect)
        })
    }

    fn decide(&self, leaf_der: &[u8]) -> Result<Admitted, GateRefusal> {
        let presented = inspect::presented(leaf_der).map_err(|_| GateRefusal::NotAClientCertificate)?;
        let certificate = inspect::fingerprint(leaf_der);
        let record = self.certificates.get(&certificate);
        let known = record.as_deref().map(|record| {
            let pump = self.pump(record.pump);
            Admission {
                certificate: record,
                hold: pump.hold,
                retired: pump.retired,
            }
        });
        admit(&presented, known, self.clock.now()).map(|pump| Admitted { pump, certificate })
    }
}

impl Doorkeeper for Gate {
    fn admit(&self, leaf_der: &[u8]) -> Result<Admitted, GateRefusal> {
        self.decide(leaf_der)
    }
}

impl super::tls::Gate for Gate {
    fn admit(&self, leaf_der: &[u8]) -> Result<PumpId, GateRefusal> {
        self.decide(leaf_der).map(|admitted| admitted.pump)
    }
}
