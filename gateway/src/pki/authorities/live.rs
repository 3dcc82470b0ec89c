//! The authorities as they are at one moment, with the keys that sign. A change makes a new picture; nobody sees half of one.

use std::{collections::HashMap, sync::RwLock};

use fleet::{
    Timestamp,
    certificate::AuthorityKind,
    id::{AnchorId, AuthorityId},
};
use secrecy::SecretString;
use store::{AnchorRecord, AuthorityRecord, Store};

use super::{AuthorityProblem, is_trusted};
use crate::pki::{issue::Issuer, key::FileKeyStore};

/// An authority and its opened key.
#[derive(Debug)]
pub(super) struct Signing {
    pub(super) record: AuthorityRecord,
    pub(super) issuer: Issuer,
}

/// A signed revocation list.
#[derive(Debug, Clone)]
pub(super) struct SignedList {
    pub(super) der: Vec<u8>,
    pub(super) next_update: Timestamp,
}

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Live {
    records: Vec<AuthorityRecord>,
    /// Device and Server CAs that are trusted: the active ones issue, all of them sign revocation lists.
    signing: Vec<Signing>,
    /// By the name under which they are served.
    pub(super) lists: RwLock<HashMap<String, SignedList>>,
}

impl Live {
    pub(super) fn load(
        store: &Store,
        keys: &FileKeyStore,
        passphrase: &SecretString,
    ) -> Result<Self, AuthorityProblem> {
        let records = store.read(|db| db.authority_list())?;
        let signing = records
            .iter()
            .filter(|record| is_trusted(record) && record.kind != AuthorityKind::Root)
            .map(|record| {
                let key = keys.load(&record.key_name, passphrase)?;
                Ok(Signing {
                    record: record.clone(),
                    issuer: Issuer::new(&record.certificate_der, key)?,
                })
            })
            .collect::<Result<_, AuthorityProblem>>()?;
        Ok(Self {
            records,
            signing,
            lists: RwLock::default(),
        })
    }

    pub(super) fn find(&self, id: AuthorityId) -> Option<&AuthorityRecord> {
        self.records.iter().find(|record| record.id == id)
    }

    pub(super) fn trusted(&self) -> impl Iterator<Item = &AuthorityRecord> {
        self.records.iter().filter(|record| is_trusted(record))
    }

    pub(super) fn signing(&self) -> &[Signing] {
        &self.signing
    }

    pub(super) fn active(&self, kind: AuthorityKind) -> Result<&Signing, AuthorityProblem> {
        self.signing
            .iter()
            .find(|signing| {
                signing.record.kind == kind
                    && signing.record.state == fleet::certificate::AuthorityState::Active
            })
            .ok_or(AuthorityProblem::NoneActive { kind })
    }

    /// Opens the root's key for as long as the result lives.
    pub(super) fn root(
        &self,
        keys: &FileKeyStore,
        passphrase: &SecretString,
    ) -> Result<Issuer, AuthorityProblem> {
        let root = self
            .trusted()
            .filter(|record| record.kind == AuthorityKind::Root)
            .max_by_key(|record| record.generation)
            .ok_or(AuthorityProblem::NoneActive {
                kind: AuthorityKind::Root,
            })?;
        let key = keys.load(&root.key_name, passphrase)?;
        Ok(Issuer::new(&root.certificate_der, key)?)
    }

    pub(super) fn next_generation(&self, kind: AuthorityKind) -> i32 {
        let last = self
            .records
            .iter()
            .filter(|record| record.kind == kind)
            .map(|record| record.generation)
            .max();
        last.unwrap_or(0).saturating_add(1)
    }

    /// The Device CAs that pumps' certificates may chain to.
    pub(super) fn device_anchors(&self) -> Vec<Vec<u8>> {
        self.trusted()
            .filter(|record| record.kind == AuthorityKind::Device)
            .map(|record| record.certificate_der.clone())
            .collect()
    }
}

/// Manufacturers' anchors as the TLS listener takes them.
pub(super) fn manufacturer_anchors(anchors: &[AnchorRecord]) -> Vec<(AnchorId, Vec<u8>)> {
    anchors
        .iter()
        .map(|anchor| (anchor.id, anchor.certificate_der.clone()))
        .collect()
}

/// The name under which an authority's revocation list is served.
pub(super) fn list_name(authority: &AuthorityRecord) -> String {
    format!("{}-{}", authority.kind.as_str(), authority.generation)
}

/// The address that goes into certificates.
pub(super) fn crl_url(base: &str, authority: &AuthorityRecord) -> String {
    format!("{base}/{}.crl", list_name(authority))
}
