//! Our certificate authorities while the gateway runs: the generations on record, the keys that sign for them, what is
//! trusted at this moment, and the lists of what is revoked.
//!
//! Rotation makes a new generation and leaves the old one trusted, so no pump loses its connection; pruning ends that
//! trust when nothing live chains to it, or when a person says so, knowing whom it cuts off.

mod change;
mod establish;
mod live;
mod problem;
mod revocation;
mod server;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState, CertificateRecord, may_issue},
    id::{AnchorId, AuthorityId, PumpId},
};
use rustls_pki_types::CertificateDer;
use secrecy::SecretString;
use store::{AuthorityRecord, ServerCertificateRecord, Store};

use super::{
    csr::VerifiedRequest,
    issue::{self, Installation},
    key::{FileKeyStore, KdfCost},
    profile::Profiles,
    tls::{Origin, ServerIdentity, Trust},
};
use crate::{config::Config, fresh};

use live::{Live, Signing};
use revocation::Lists;

pub use change::Retirement;
pub use establish::Founding;
pub use problem::AuthorityProblem;

/// The authorities of a running gateway.
#[derive(Debug)]
pub struct Authorities {
    store: Store,
    keys: FileKeyStore,
    /// Kept so that a rotation can open the root's key, which is closed otherwise.
    passphrase: SecretString,
    profiles: Profiles,
    installation: Installation,
    server_names: Vec<String>,
    crl_base_url: String,
    live: ArcSwap<Live>,
    lists: Lists,
    trust: Arc<Trust>,
    /// The manufacturers' anchors that are trusted, kept so that trust in one of ours can end without the database.
    manufacturers: Mutex<Vec<(AnchorId, Vec<u8>)>>,
    identity: Arc<ServerIdentity>,
    /// The certificate that listeners answer with.
    served: Mutex<ServerCertificateRecord>,
    /// One change of the authorities at a time.
    changing: Mutex<()>,
}

/// A pump's certificate that was made and is not on record yet.
#[derive(Debug)]
pub struct IssuedCertificate {
    /// What the registry keeps.
    pub record: CertificateRecord,
    /// The certificate.
    pub der: Vec<u8>,
}

impl Authorities {
    /// Opens what [`Authorities::found`] made: decrypts the issuing keys, and renews the server certificate if it is due.
    ///
    /// # Errors
    /// [`AuthorityProblem`]: a wrong passphrase, a missing key, a database that does not fit the keys.
    pub fn open(
        store: Store,
        config: &Config,
        passphrase: SecretString,
        now: Timestamp,
    ) -> Result<Self, AuthorityProblem> {
        let profiles = Profiles::embedded()?;
        let installation = Installation::new(config.hospital.name.as_str())?;
        let keys = FileKeyStore::new(config.key_dir(), KdfCost::STRONG);
        let records = store.read(|db| db.authority_list())?;
        let opened = owing_their_last_list(&store, &records, &keys, &passphrase, now)?;
        let live = Live::of(records, &opened, &keys, &passphrase)?;
        let manufacturers = live::manufacturer_anchors(store.read(|db| db.anchor_list())?);
        let trust = Trust::new(&live::device_anchors(live.records()), &manufacturers)?;
        let crl_base_url = config.crl_base_url();
        let needs = server::Needs {
            keys: &keys,
            passphrase: &passphrase,
            profiles: &profiles,
            active: live.active(AuthorityKind::Server)?,
            names: &config.server.names,
            crl_base_url: &crl_base_url,
            now,
        };
        let server = server::load_or_issue(&store, &needs)?;
        Ok(Self {
            store,
            keys,
            passphrase,
            profiles,
            installation,
            server_names: config.server.names.clone(),
            crl_base_url,
            lists: Lists::due(live.signing()),
            live: ArcSwap::from_pointee(live),
            trust: Arc::new(trust),
            manufacturers: Mutex::new(manufacturers),
            identity: Arc::new(ServerIdentity::new(&server.chain, server.key)?),
            served: Mutex::new(server.record),
            changing: Mutex::new(()),
        })
    }

    /// Whose certificates listeners accept.
    #[must_use]
    pub fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust)
    }

    /// Whose authority stands behind a client's chain (leaf first), if any that is trusted now.
    #[must_use]
    pub fn origin(&self, chain: &[Vec<u8>], now: Timestamp) -> Option<Origin> {
        let chain: Vec<_> = chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        self.trust.origin(&chain, now).ok()
    }

    /// What listeners answer with.
    #[must_use]
    pub fn server_identity(&self) -> Arc<ServerIdentity> {
        Arc::clone(&self.identity)
    }

    /// Signs a certificate for a pump. It opens nothing until it is on record and the gate knows it.
    ///
    /// # Errors
    /// [`AuthorityProblem`] when the authority may not issue any more, or its key does not sign.
    pub fn issue_pump(
        &self,
        pump: PumpId,
        request: &VerifiedRequest,
        now: Timestamp,
    ) -> Result<IssuedCertificate, AuthorityProblem> {
        let live = self.live.load();
        let active = live.active(AuthorityKind::Device)?;
        let leaf_ends = now + self.profiles.pump.life;
        may_issue(
            active.record.generation,
            active.record.state,
            active.record.not_after,
            leaf_ends,
        )?;
        let crl_url = live::crl_url(&self.crl_base_url, &active.record);
        let issued = issue::issue_pump(
            &self.profiles,
            &active.issuer,
            pump,
            request,
            &crl_url,
            now,
            fresh::bytes(),
        )?;
        let record = CertificateRecord {
            fingerprint: issued.fingerprint,
            serial: issued.serial,
            pump,
            authority: active.record.id,
            key: issued.key,
            not_before: issued.not_before,
            not_after: issued.not_after,
            issued_at: now,
            first_used_at: None,
            revoked: None,
        };
        Ok(IssuedCertificate {
            record,
            der: issued.der,
        })
    }

    /// Whether an authority is the one that signs pumps' certificates now.
    #[must_use]
    pub fn is_issuing(&self, id: AuthorityId) -> bool {
        self.live
            .load()
            .active(AuthorityKind::Device)
            .is_ok_and(|active| active.record.id == id)
    }

    /// Every generation on record.
    ///
    /// # Errors
    /// [`AuthorityProblem::Store`].
    pub fn list(&self) -> Result<Vec<AuthorityRecord>, AuthorityProblem> {
        Ok(self.store.read(|db| db.authority_list())?)
    }

    /// The certificates a pump should know: roots first, then what issues below them (EST cacerts).
    #[must_use]
    pub fn trusted_certificates(&self) -> Vec<Vec<u8>> {
        self.live
            .load()
            .trusted()
            .map(|authority| authority.certificate_der.clone())
            .collect()
    }

    /// Takes over anchors that were imported or removed.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then the anchors in use are as they were.
    pub fn reload_anchors(&self) -> Result<(), AuthorityProblem> {
        let mut manufacturers = self.manufacturers.lock().unwrap_or_else(PoisonError::into_inner);
        let anchors = live::manufacturer_anchors(self.store.read(|db| db.anchor_list())?);
        let live = self.live.load();
        self.trust
            .replace(&live::device_anchors(live.records()), &anchors)?;
        *manufacturers = anchors;
        Ok(())
    }

    /// Issues a new server certificate when the present one is due, is not valid yet, names other hosts, or is of an older
    /// authority.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then the present one stays in use.
    pub fn renew_server_certificate(&self, now: Timestamp) -> Result<(), AuthorityProblem> {
        let live = self.live.load();
        let needs = server::Needs {
            keys: &self.keys,
            passphrase: &self.passphrase,
            profiles: &self.profiles,
            active: live.active(AuthorityKind::Server)?,
            names: &self.server_names,
            crl_base_url: &self.crl_base_url,
            now,
        };
        let mut present = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        if needs.are_met_by(&present) {
            return Ok(());
        }
        let server = server::load_or_issue(&self.store, &needs)?;
        self.identity.replace(&server.chain, server.key)?;
        *present = server.record;
        Ok(())
    }
}

/// The keys of retired authorities that have not signed their last list, as far as they are still there.
fn owing_their_last_list(
    store: &Store,
    records: &[AuthorityRecord],
    keys: &FileKeyStore,
    passphrase: &SecretString,
    now: Timestamp,
) -> Result<Vec<Signing>, AuthorityProblem> {
    let mut opened = Vec::new();
    for record in records {
        if is_trusted(record) || record.kind == AuthorityKind::Root || record.not_after <= now {
            continue;
        }
        let list = store.read(|db| db.crl_fetch(record.id))?;
        if list.is_some_and(|list| revocation::is_last(&list, record)) {
            continue;
        }
        match Signing::open(record, keys, passphrase) {
            Ok(signing) => opened.push(signing),
            // What is retired must not keep the gateway from starting.
            Err(error) => {
                tracing::warn!(authority = %record.subject, %error, "a retired authority can not sign its last revocation list");
            }
        }
    }
    Ok(opened)
}

/// Whether a generation still has a say.
const fn is_trusted(authority: &AuthorityRecord) -> bool {
    match authority.state {
        AuthorityState::Active | AuthorityState::Trusted => true,
        AuthorityState::Retired => false,
    }
}
