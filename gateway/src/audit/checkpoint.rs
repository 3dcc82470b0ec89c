//! Checkpoints: the end of the chain, signed by the gateway's record key. One that was carried elsewhere in time proves what the
//! record was then.

use fleet::{Timestamp, audit::Checkpoint};
use serde::{Deserialize, Serialize};
use store::{CheckpointRecord, StoreError};
use thiserror::Error;
use utoipa::ToSchema;

use crate::{
    app::App,
    auth::record_key::{RecordKey, RecordPublicKey},
    pki::key::KeyError,
};

/// Why no checkpoint was made.
#[derive(Debug, Error)]
pub enum CheckpointProblem {
    /// The record could not be read or written.
    #[error("making a checkpoint of the audit trail: {0}")]
    Store(#[from] StoreError),
    /// The key did not sign.
    #[error("making a checkpoint of the audit trail: {0}")]
    Key(#[from] KeyError),
}

/// A checkpoint with its signature, as it is carried elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// What is signed: its canonical bytes.
    pub checkpoint: Checkpoint,
    /// The key that signed: the first 16 digits of the SHA-256 of its public half.
    pub key_id: String,
    /// ECDSA on P-256 with SHA-256, DER, in base 64.
    pub signature: String,
}

impl SignedCheckpoint {
    /// Signs.
    ///
    /// # Errors
    /// [`KeyError::Signing`].
    pub fn sign(key: &RecordKey, checkpoint: Checkpoint) -> Result<Self, KeyError> {
        Ok(Self {
            checkpoint,
            key_id: key.id().to_owned(),
            signature: key.sign(&checkpoint.canonical_bytes())?,
        })
    }

    /// Whether it is signed by this key.
    #[must_use]
    pub fn is_signed_by(&self, key: &RecordPublicKey) -> bool {
        key.verifies(&self.checkpoint.canonical_bytes(), &self.signature)
    }
}

impl From<CheckpointRecord> for SignedCheckpoint {
    fn from(record: CheckpointRecord) -> Self {
        Self {
            checkpoint: record.checkpoint,
            key_id: record.key_id,
            signature: record.signature,
        }
    }
}

impl From<SignedCheckpoint> for CheckpointRecord {
    fn from(signed: SignedCheckpoint) -> Self {
        Self {
            checkpoint: signed.checkpoint,
            key_id: signed.key_id,
            signature: signed.signature,
        }
    }
}

/// Makes a checkpoint of the present end, or gives the one that there is of it; nothing before the first entry.
///
/// # Errors
/// [`CheckpointProblem`].
pub fn make(app: &App, now: Timestamp) -> Result<Option<SignedCheckpoint>, CheckpointProblem> {
    let (head, last) = app
        .store
        .read(|db| Ok((db.audit_head()?, db.checkpoint_list(1)?.pop())))?;
    let (number, hash) = head;
    if number == 0 {
        return Ok(None);
    }
    if let Some(last) = last
        && last.checkpoint.number == number
    {
        return Ok(Some(last.into()));
    }
    let signed = SignedCheckpoint::sign(
        &app.people.record_key,
        Checkpoint {
            number,
            hash,
            at: now,
        },
    )?;
    let record = CheckpointRecord::from(signed.clone());
    match app.store.write_durable(|db| db.checkpoint_create(&record)) {
        // Somebody was first, with the same end.
        Ok(()) | Err(StoreError::Conflict { .. }) => Ok(Some(signed)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use fleet::signature::Digest;
    use secrecy::SecretString;

    use super::*;
    use crate::pki::key::{FileKeyStore, KdfCost};

    #[test]
    fn a_changed_checkpoint_is_not_signed() {
        let dir = tempfile::tempdir().unwrap();
        let keys = FileKeyStore::new(dir.path().join("keys"), KdfCost::FOR_TESTS);
        let key = RecordKey::open_or_create(&keys, &SecretString::from("only for this test")).unwrap();
        let checkpoint = Checkpoint {
            number: 7,
            hash: Digest::of(b"7"),
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        };
        let signed = SignedCheckpoint::sign(&key, checkpoint).unwrap();
        assert!(signed.is_signed_by(key.public()));
        let text = serde_json::to_string(&signed).unwrap();
        assert_eq!(serde_json::from_str::<SignedCheckpoint>(&text).unwrap(), signed);
        let mut changed = signed.clone();
        changed.checkpoint.number = 8;
        assert!(!changed.is_signed_by(key.public()));
        let mut changed = signed;
        changed.checkpoint.hash = Digest::ZERO;
        assert!(!changed.is_signed_by(key.public()));
    }
}
