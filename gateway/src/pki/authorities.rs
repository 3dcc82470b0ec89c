//! Our certificate authorities while the gateway runs: the generations on record, the keys that sign for them, what is
//! trusted at this moment, and the lists of what is revoked.
//!
//! Rotation makes a new generation and leaves the old one trusted, so no pump loses its connection; pruning ends that
//! trust when nothing live chains to it, or when a person says so, knowing whom it cuts off.

mod establish;
mod live;
mod problem;
mod revocation;
mod server;

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState, CertificateRecord, PruneDecision, may_issue, prune},
    event::{Event, EventKind},
    id::{AuthorityId, EventId, PumpId},
};
use rustls_pki_types::CertificateDer;
use secrecy::SecretString;
use store::{AuthorityRecord, Store};

use super::{
    csr::VerifiedRequest,
    issue::{self, Generation, Installation, Subordinate},
    key::{CaKey as _, FileKeyStore, KdfCost},
    profile::Profiles,
    tls::{Origin, ServerIdentity, Trust},
};
use crate::{app::Actor, config::Config, fresh};

use live::Live;
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
    trust: Arc<Trust>,
    identity: Arc<ServerIdentity>,
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
    /// Opens what [`Authorities::establish`] made: decrypts the issuing keys, and renews the server certificate if it is due.
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
        let live = Live::load(&store, &keys, &passphrase)?;
        let anchors = store.read(|db| db.anchor_list())?;
        let trust = Arc::new(Trust::new(
            &live.device_anchors(),
            &live::manufacturer_anchors(&anchors),
        )?);
        let crl_base_url = config.crl_base_url();
        let server = server::load_or_issue(&server::Needs {
            store: &store,
            keys: &keys,
            passphrase: &passphrase,
            profiles: &profiles,
            live: &live,
            names: &config.server.names,
            crl_base_url: &crl_base_url,
            now,
        })?;
        Ok(Self {
            store,
            keys,
            passphrase,
            profiles,
            installation,
            server_names: config.server.names.clone(),
            crl_base_url,
            live: ArcSwap::from_pointee(live),
            trust,
            identity: Arc::new(ServerIdentity::new(&server.chain, server.key)?),
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
        self.live.load().active(AuthorityKind::Device).is_ok_and(|active| active.record.id == id)
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

    /// Makes the next generation of an issuing authority. It issues from now on; the one before stays trusted.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then everything is as it was.
    pub fn rotate(
        &self,
        kind: AuthorityKind,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<AuthorityRecord, AuthorityProblem> {
        let which = match kind {
            AuthorityKind::Device => Subordinate::Device,
            AuthorityKind::Server => Subordinate::Server,
            AuthorityKind::Root => return Err(AuthorityProblem::RootIsNotRotated),
        };
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live.load_full();
        let root = live.root(&self.keys, &self.passphrase)?;
        let number = live.next_generation(kind);
        let key_name = establish::key_name(kind, number);
        let key = self.keys.generate(&key_name, &self.passphrase)?;
        let generation = Generation {
            installation: &self.installation,
            number,
        };
        let issued = issue::make_ca(
            &self.profiles,
            which,
            generation,
            &root,
            key.public_key(),
            now,
            fresh::bytes(),
        )?;
        let record = establish::record(kind, number, key_name, &issued, now)?;
        let event = event(
            now,
            EventKind::AuthorityRotated,
            format!("{}, by {}", record.subject, actor.name),
        );
        self.store.write_durable(|db| {
            db.authority_rotate(&record)?;
            db.event_record(std::slice::from_ref(&event))
        })?;
        self.reload(now)?;
        Ok(record)
    }

    /// Ends the trust in an old generation and returns the certificates that were cut off by it: none, unless
    /// `cut_off` says that a person means it. Their pumps' connections are the caller's to close.
    ///
    /// # Errors
    /// [`AuthorityProblem::WouldCutOff`] with the number of pumps that would be cut off.
    pub fn retire(
        &self,
        id: AuthorityId,
        cut_off: bool,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CertificateRecord>, AuthorityProblem> {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let live = self.live.load_full();
        let authority = live.find(id).ok_or(AuthorityProblem::Unknown { id })?;
        let certificates = self.store.read(|db| db.certificate_live_of(id, now))?;
        match prune(authority.state, certificates.len()) {
            PruneDecision::Prune => {}
            PruneDecision::CutsOff(_) if cut_off => {}
            PruneDecision::CutsOff(count) => return Err(AuthorityProblem::WouldCutOff { count }),
            PruneDecision::StillActive => return Err(AuthorityProblem::StillActive { kind: authority.kind }),
            PruneDecision::AlreadyRetired => return Err(AuthorityProblem::AlreadyRetired),
        }
        if authority.kind == AuthorityKind::Root {
            return Err(AuthorityProblem::RootIsNotRotated);
        }
        let fingerprints: Vec<_> = certificates
            .iter()
            .map(|certificate| certificate.fingerprint)
            .collect();
        let detail = format!(
            "{}, by {}; {} certificates cut off",
            authority.subject,
            actor.name,
            certificates.len()
        );
        let event = event(now, EventKind::AuthorityRetired, detail);
        self.store.write_durable(|db| {
            db.authority_retire(id)?;
            db.certificate_revoke(
                &fingerprints,
                fleet::certificate::RevocationReason::CaCompromise,
                now,
            )?;
            db.event_record(std::slice::from_ref(&event))
        })?;
        self.reload(now)?;
        Ok(certificates)
    }

    /// Takes over anchors that were imported or removed.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then the anchors in use are as they were.
    pub fn reload_anchors(&self) -> Result<(), AuthorityProblem> {
        let anchors = self.store.read(|db| db.anchor_list())?;
        let live = self.live.load();
        Ok(self
            .trust
            .replace(&live.device_anchors(), &live::manufacturer_anchors(&anchors))?)
    }

    /// Takes over what is on record now: issuers, anchors, our own certificate, revocation lists.
    fn reload(&self, now: Timestamp) -> Result<(), AuthorityProblem> {
        self.live
            .store(Arc::new(Live::load(&self.store, &self.keys, &self.passphrase)?));
        self.reload_anchors()?;
        self.renew_server_certificate(now)?;
        self.refresh_crls(now)
    }

    /// Issues a new server certificate when the present one is due, names other hosts, or is of an older authority.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; then the present one stays in use.
    pub fn renew_server_certificate(&self, now: Timestamp) -> Result<(), AuthorityProblem> {
        let live = self.live.load();
        let server = server::load_or_issue(&server::Needs {
            store: &self.store,
            keys: &self.keys,
            passphrase: &self.passphrase,
            profiles: &self.profiles,
            live: &live,
            names: &self.server_names,
            crl_base_url: &self.crl_base_url,
            now,
        })?;
        Ok(self.identity.replace(&server.chain, server.key)?)
    }
}

/// Whether a generation still has a say.
const fn is_trusted(authority: &AuthorityRecord) -> bool {
    match authority.state {
        AuthorityState::Active | AuthorityState::Trusted => true,
        AuthorityState::Retired => false,
    }
}

fn event(at: Timestamp, kind: EventKind, detail: String) -> Event {
    Event {
        id: EventId::from_uuid(fresh::uuid(at)),
        at,
        kind,
        pump: None,
        detail,
    }
}
