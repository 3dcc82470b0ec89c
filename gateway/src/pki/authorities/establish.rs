//! The first generation of every authority, made by `gateway init`.

use std::sync::Arc;

use fleet::{
    Timestamp,
    certificate::{AuthorityKind, AuthorityState},
    id::AuthorityId,
};
use secrecy::SecretString;
use store::{AuthorityRecord, Store};

use super::{Authorities, AuthorityProblem, live::Live, server};
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

impl Authorities {
    /// Makes root, Device CA, Server CA and a server certificate in an empty database, and returns the root as PEM.
    ///
    /// # Errors
    /// [`AuthorityProblem`]; the caller throws away what was made so far.
    pub fn establish(
        store: &Store,
        config: &Config,
        passphrase: &SecretString,
        kdf: KdfCost,
        now: Timestamp,
    ) -> Result<String, AuthorityProblem> {
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
        let mut records = vec![record(AuthorityKind::Root, 1, root_key_name, &made, now)?];
        for which in [Subordinate::Device, Subordinate::Server] {
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
            records.push(record(which.kind(), 1, name, &made, now)?);
        }
        store.write_durable(|db| records.iter().try_for_each(|record| db.authority_create(record)))?;

        let live = Live::load(store, &keys, passphrase)?;
        server::load_or_issue(&server::Needs {
            store,
            keys: &keys,
            passphrase,
            profiles: &profiles,
            live: &live,
            names: &config.server.names,
            crl_base_url: &config.crl_base_url(),
            now,
        })?;
        Ok(pem::encode(&pem::Pem::new("CERTIFICATE", made.der)))
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
