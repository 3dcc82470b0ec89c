//! The gateway's own server certificate: found, or issued when there is none that fits.

use std::sync::Arc;

use fleet::{
    Timestamp,
    certificate::{SerialHex, renewal_due},
};
use rustls::sign::SigningKey;
use secrecy::SecretString;
use store::{ServerCertificateRecord, Store};

use super::{
    AuthorityProblem,
    live::{self, Signing},
};
use crate::{
    fresh,
    pki::{
        issue,
        key::{CaKey as _, FileKey, FileKeyStore},
        profile::Profiles,
    },
};

/// What it takes.
pub(super) struct Needs<'a> {
    pub(super) keys: &'a FileKeyStore,
    pub(super) passphrase: &'a SecretString,
    pub(super) profiles: &'a Profiles,
    /// The Server CA that issues.
    pub(super) active: &'a Signing,
    pub(super) names: &'a [String],
    pub(super) crl_base_url: &'a str,
    pub(super) now: Timestamp,
}

/// A certificate with its issuer's, and its key.
pub(super) struct Server {
    pub(super) record: ServerCertificateRecord,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Arc<dyn SigningKey>,
}

impl Needs<'_> {
    /// Whether a certificate is of the active authority, names what it should, is valid already, and is not due for renewal.
    pub(super) fn are_met_by(&self, certificate: &ServerCertificateRecord) -> bool {
        certificate.authority == self.active.record.id
            && certificate.names == self.names.join(" ")
            // One that was made while the clock was ahead is good for nobody yet.
            && certificate.not_before <= self.now
            && !renewal_due(certificate.not_before, certificate.not_after, self.now)
    }

    /// Makes a key and a certificate. It is not on record yet.
    pub(super) fn make(&self) -> Result<(ServerCertificateRecord, Arc<FileKey>), AuthorityProblem> {
        // The issuer sets the highest bit of every serial number; set here already, the key can go by that number.
        let mut serial: [u8; 16] = fresh::bytes();
        serial[0] |= 0x80;
        let name = key_name(&SerialHex::from_bytes(&serial));
        let key = self.keys.generate(&name, self.passphrase)?;
        let crl_url = live::crl_url(self.crl_base_url, &self.active.record);
        let issued = issue::issue_server(
            self.profiles,
            &self.active.issuer,
            self.names,
            key.public_key(),
            &crl_url,
            self.now,
            serial,
        )?;
        let record = ServerCertificateRecord {
            fingerprint: issued.fingerprint,
            authority: self.active.record.id,
            serial: issued.serial,
            der: issued.der,
            not_before: issued.not_before,
            not_after: issued.not_after,
            names: self.names.join(" "),
        };
        Ok((record, key))
    }
}

/// The server certificate on record that meets the needs and lasts longest; else a new one.
pub(super) fn load_or_issue(store: &Store, needs: &Needs<'_>) -> Result<Server, AuthorityProblem> {
    let known = store.read(|db| db.server_certificate_list())?;
    let found = known
        .into_iter()
        .filter(|certificate| {
            needs.are_met_by(certificate) && needs.keys.holds(&key_name(&certificate.serial)).unwrap_or(false)
        })
        .max_by_key(|certificate| certificate.not_after);
    let (record, key) = if let Some(record) = found {
        let key = needs.keys.load(&key_name(&record.serial), needs.passphrase)?;
        (record, key)
    } else {
        let (record, key) = needs.make()?;
        store.write_durable(|db| db.server_certificate_put(&record))?;
        (record, key)
    };
    Ok(Server {
        chain: vec![record.der.clone(), needs.active.record.certificate_der.clone()],
        key: key.for_tls(),
        record,
    })
}

/// A server key goes by the serial number of its certificate.
fn key_name(serial: &SerialHex) -> String {
    format!("tls-{}", serial.as_str())
}
