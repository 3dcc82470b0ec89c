//! The gateway's own server certificate: found, or issued when there is none that fits.

use std::sync::Arc;

use fleet::{
    Timestamp,
    certificate::{AuthorityKind, SerialHex, renewal_due},
};
use rustls::sign::SigningKey;
use secrecy::SecretString;
use store::{ServerCertificateRecord, Store};

use super::{
    AuthorityProblem,
    live::{self, Live},
};
use crate::{
    fresh,
    pki::{
        issue,
        key::{CaKey as _, FileKeyStore},
        profile::Profiles,
    },
};

/// What it takes.
pub(super) struct Needs<'a> {
    pub(super) store: &'a Store,
    pub(super) keys: &'a FileKeyStore,
    pub(super) passphrase: &'a SecretString,
    pub(super) profiles: &'a Profiles,
    pub(super) live: &'a Live,
    pub(super) names: &'a [String],
    pub(super) crl_base_url: &'a str,
    pub(super) now: Timestamp,
}

/// A certificate with its issuer's, and its key.
pub(super) struct Server {
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) key: Arc<dyn SigningKey>,
}

/// The newest server certificate that is of the active authority, names what it should, and is not due for renewal; else a new one.
pub(super) fn load_or_issue(needs: &Needs<'_>) -> Result<Server, AuthorityProblem> {
    let active = needs.live.active(AuthorityKind::Server)?;
    let names = needs.names.join(" ");
    let fits = |certificate: &ServerCertificateRecord| {
        certificate.authority == active.record.id
            && certificate.names == names
            && !renewal_due(certificate.not_before, certificate.not_after, needs.now)
            && needs.keys.holds(&key_name(certificate)).unwrap_or(false)
    };
    let known = needs.store.read(|db| db.server_certificate_list())?;
    let found = known
        .into_iter()
        .filter(fits)
        .max_by_key(|certificate| certificate.not_after);
    let certificate = match found {
        Some(certificate) => certificate,
        None => issue_new(needs, names)?,
    };
    let key = needs.keys.load(&key_name(&certificate), needs.passphrase)?;
    Ok(Server {
        chain: vec![certificate.der, active.record.certificate_der.clone()],
        key: key.for_tls(),
    })
}

fn issue_new(needs: &Needs<'_>, names: String) -> Result<ServerCertificateRecord, AuthorityProblem> {
    let active = needs.live.active(AuthorityKind::Server)?;
    // The issuer sets the highest bit of every serial number; set here already, the key can go by that number.
    let mut serial: [u8; 16] = fresh::bytes();
    serial[0] |= 0x80;
    let name = key_name_of(&SerialHex::from_bytes(&serial));
    let key = needs.keys.generate(&name, needs.passphrase)?;
    let crl_url = live::crl_url(needs.crl_base_url, &active.record);
    let issued = issue::issue_server(
        needs.profiles,
        &active.issuer,
        needs.names,
        key.public_key(),
        &crl_url,
        needs.now,
        serial,
    )?;
    let record = ServerCertificateRecord {
        fingerprint: issued.fingerprint,
        authority: active.record.id,
        serial: issued.serial,
        der: issued.der,
        not_before: issued.not_before,
        not_after: issued.not_after,
        names,
    };
    needs
        .store
        .write_durable(|db| db.server_certificate_put(&record))?;
    Ok(record)
}

/// A server key goes by the serial number of its certificate.
fn key_name(certificate: &ServerCertificateRecord) -> String {
    key_name_of(&certificate.serial)
}

fn key_name_of(serial: &SerialHex) -> String {
    format!("tls-{}", serial.as_str())
}
