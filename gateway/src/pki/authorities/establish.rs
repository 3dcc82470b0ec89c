//! The first generation of every authority, made by `gateway init`.

use std::sync::Arc;

use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState},
    id::AuthorityId,
};
use secrecy::SecretString;
use store::{AuthorityRecord, Db, ServerCertificateRecord, StoreError};

use super::{Authorities, AuthorityProblem, live::Signing, server};
use crate::{
    config::Config,
    fresh,
    pki::{
        inspect,
        issue::{self, Generation, Installation, Issued, Issuer, Subordinate},
        key::{CaKey, FileKeyStore, KdfCost},
        profile::Profiles,
    },
};

/// Root, Device CA, Server CA and a server certificate: their keys are written, and nothing of them is on record yet.
#[derive(Debug)]
pub struct Founding {
    authorities: [AuthorityRecord; 3],
    server: ServerCertificateRecord,
    root_pem: String,
}

impl Founding {
    /// Puts all of it on record, as part of a transaction that may hold more.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when authorities are on record already.
    pub fn record(&self, db: &mut Db<'_>) -> Result<(), StoreError> {
        self.authorities
            .iter()
            .try_for_each(|authority| db.authority_create(authority))?;
        db.server_certificate_put(&self.server)
    }

    /// The root certificate.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }
}

impl Authorities {
    /// Makes the first authorities, and writes their keys.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; the caller throws away the keys that were made so far.
    pub fn found(
        config: &Config,
        passphrase: &SecretString,
        kdf: KdfCost,
        now: Timestamp,
    ) -> Result<Founding, AuthorityProblem> {
        let profiles = Profiles::embedded()?;
        let installation = Installation::new(config.hospital.name.as_str())?;
        let keys = FileKeyStore::new(config.key_dir(), kdf);
        let first = Generation {
            installation: &installation,
            number: 1,
        };

        let root_key_name = key_name(AuthorityKind::Root, 1);
        let root_key: Arc<dyn CaKey> = keys.generate(&root_key_name, passphrase)?;
        let made = issue::make_root(&profiles, first, &root_key, now, fresh::bytes())?;
        let root = Issuer::new(&made.der, root_key)?;
        let root_pem = pem::encode(&pem::Pem::new("CERTIFICATE", made.der.clone()));
        let subordinate = |which: Subordinate| {
            let name = key_name(which.kind(), 1);
            let key = keys.generate(&name, passphrase)?;
            let made = issue::make_ca(
                &profiles,
                which,
                first,
                &root,
                key.public_key(),
                now,
                fresh::bytes(),
            )?;
            Ok::<_, AuthorityProblem>(Signing {
                record: record(which.kind(), 1, name, &made, now)?,
                issuer: Arc::new(Issuer::new(&made.der, key)?),
            })
        };
        let device = subordinate(Subordinate::Device)?;
        let active = subordinate(Subordinate::Server)?;
        let (server, _) = server::Needs {
            keys: &keys,
            passphrase,
            profiles: &profiles,
            active: &active,
            names: &config.server.names,
            crl_base_url: &config.crl_base_url(),
            now,
        }
        .make()?;
        Ok(Founding {
            authorities: [
                record(AuthorityKind::Root, 1, root_key_name, &made, now)?,
                device.record,
                active.record,
            ],
            server,
            root_pem,
        })
    }
}

/// A name that no earlier attempt took, even one that failed after its key was written.
pub(super) fn key_name(kind: AuthorityKind, generation: i32) -> String {
    format!(
        "{}-{generation}-{}",
        kind.as_str(),
        hex::encode(fresh::bytes::<4>())
    )
}

pub(super) fn record(
    kind: AuthorityKind,
    generation: i32,
    key_name: String,
    made: &Issued,
    now: Timestamp,
) -> Result<AuthorityRecord, AuthorityProblem> {
    Ok(AuthorityRecord {
        id: AuthorityId::from_uuid(fresh::uuid(now)),
        kind,
        generation,
        state: AuthorityState::Active,
        subject: inspect::subject(&made.der)?,
        certificate_der: made.der.clone(),
        key_name,
        not_before: made.not_before,
        not_after: made.not_after,
        created_at: now,
    })
}
