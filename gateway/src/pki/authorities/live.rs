//! The authorities as they are at one moment, with the keys that sign. A change makes a new picture; nobody sees half of one.

use std::sync::Arc;

use fleet::{
    certificate::{AuthorityKind, AuthorityState},
    id::{AnchorId, AuthorityId},
};
use secrecy::SecretString;
use store::{AnchorRecord, AuthorityRecord};

use super::{AuthorityProblem, is_trusted};
use crate::pki::{issue::Issuer, key::FileKeyStore};

/// An authority and its opened key.
#[derive(Debug, Clone)]
pub(super) struct Signing {
    pub(super) record: AuthorityRecord,
    pub(super) issuer: Arc<Issuer>,
}

impl Signing {
    /// Opens an authority's key: a third of a second of work.
    pub(super) fn open(
        record: &AuthorityRecord,
        keys: &FileKeyStore,
        passphrase: &SecretString,
    ) -> Result<Self, AuthorityProblem> {
        let key = keys.load(&record.key_name, passphrase)?;
        Ok(Self {
            record: record.clone(),
            issuer: Arc::new(Issuer::new(&record.certificate_der, key)?),
        })
    }
}

/// Everything at one moment.
#[derive(Debug)]
pub(super) struct Live {
    records: Vec<AuthorityRecord>,
    /// Device and Server CAs whose key is open: the active ones issue, all of them sign revocation lists, a retired one
    /// its last.
    signing: Vec<Signing>,
}

impl Live {
    /// What the records say. Keys that are open already stay so; only those of trusted authorities are opened.
    pub(super) fn of(
        records: Vec<AuthorityRecord>,
        opened: &[Signing],
        keys: &FileKeyStore,
        passphrase: &SecretString,
    ) -> Result<Self, AuthorityProblem> {
        let mut signing = Vec::new();
        for record in records.iter().filter(|record| record.kind != AuthorityKind::Root) {
            let open = opened.iter().find(|one| one.record.id == record.id);
            if let Some(open) = open {
                signing.push(Signing {
                    record: record.clone(),
                    issuer: Arc::clone(&open.issuer),
                });
            } else if is_trusted(record) {
                signing.push(Signing::open(record, keys, passphrase)?);
            }
        }
        Ok(Self { records, signing })
    }

    pub(super) fn records(&self) -> &[AuthorityRecord] {
        &self.records
    }

    pub(super) fn trusted(&self) -> impl Iterator<Item = &AuthorityRecord> {
        self.records.iter().filter(|record| is_trusted(record))
    }

    pub(super) fn signing(&self) -> &[Signing] {
        &self.signing
    }

    pub(super) fn signing_of(&self, id: AuthorityId) -> Option<&Signing> {
        self.signing.iter().find(|signing| signing.record.id == id)
    }

    pub(super) fn active(&self, kind: AuthorityKind) -> Result<&Signing, AuthorityProblem> {
        self.signing
            .iter()
            .find(|signing| signing.record.kind == kind && signing.record.state == AuthorityState::Active)
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
}

/// The number of the generation that comes after those on record.
pub(super) fn next_generation(records: &[AuthorityRecord], kind: AuthorityKind) -> i32 {
    let last = records
        .iter()
        .filter(|record| record.kind == kind)
        .map(|record| record.generation)
        .max();
    last.unwrap_or(0).saturating_add(1)
}

/// The Device CAs that pumps' certificates may chain to.
pub(super) fn device_anchors(records: &[AuthorityRecord]) -> Vec<Vec<u8>> {
    records
        .iter()
        .filter(|record| is_trusted(record) && record.kind == AuthorityKind::Device)
        .map(|record| record.certificate_der.clone())
        .collect()
}

/// Manufacturers' anchors as the TLS listener takes them.
pub(super) fn manufacturer_anchors(anchors: Vec<AnchorRecord>) -> Vec<(AnchorId, Vec<u8>)> {
    anchors
        .into_iter()
        .map(|anchor| (anchor.id, anchor.certificate_der))
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
