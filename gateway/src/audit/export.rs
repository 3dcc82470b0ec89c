//! The record as a file: a header, then one line of JSON for each entry.
//!
//! The header names the format and holds the checkpoints and the public key. It vouches for nothing by itself, since whoever
//! makes a false record can make a false header: the key has to be known from elsewhere, and the newest checkpoint too.

use fleet::{
    Timestamp,
    audit::{Checkpoint, ExportLine},
    text::Name,
};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};

use super::checkpoint::SignedCheckpoint;
use crate::auth::record_key::RecordPublicKey;

/// What the first line names.
pub const FORMAT: &str = "infusion-pump-gateway audit export v1";
/// So many entries are read at once.
const PIECE: u32 = 1_000;
/// So many checkpoints stand in the header, the newest ones.
pub const CHECKPOINTS: u32 = 1_000;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// Whose record it is.
    pub hospital: Name,
    /// When it was exported.
    pub exported_at: Timestamp,
    /// The entry before the first one of the file, where the file does not begin with the record.
    pub after: Option<Checkpoint>,
    /// The number of the last entry of the file.
    pub last: i64,
    /// The newest checkpoints, the newest first.
    pub checkpoints: Vec<SignedCheckpoint>,
    /// The public key that the checkpoints are signed by, in PEM.
    pub key: String,
}

/// Reads the record forward, a piece at a time, so that its length does not matter.
#[derive(Debug)]
pub struct Export {
    store: Store,
    at: i64,
    last: i64,
}

impl Export {
    /// The entries behind one number, up to another.
    #[must_use]
    pub const fn new(store: Store, after: i64, last: i64) -> Self {
        Self {
            store,
            at: after,
            last,
        }
    }

    /// The next piece: lines, each with its line feed. Nothing when there are no more. A row that contradicts itself is
    /// written as it lies there, so that verifying names it.
    ///
    /// # Errors
    /// The database's.
    pub fn next_piece(&mut self) -> Result<Option<String>, StoreError> {
        if self.at >= self.last {
            return Ok(None);
        }
        let rows = self.store.read(|db| db.audit_after(self.at, PIECE))?;
        let mut piece = String::new();
        for row in rows {
            if row.number > self.last {
                break;
            }
            self.at = row.number;
            piece.push_str(&row.as_it_lies());
            piece.push('\n');
        }
        if piece.is_empty() {
            // Entries that should be there are not.
            self.at = self.last;
            return Ok(None);
        }
        Ok(Some(piece))
    }
}

/// The header of an export, and the export.
///
/// # Errors
/// The database's, or [`StoreError::NotFound`] when it shall begin behind an entry that is not there.
pub fn begin(
    store: &Store,
    hospital: &Name,
    key: &RecordPublicKey,
    after: i64,
    now: Timestamp,
) -> Result<(Header, Export), StoreError> {
    let (last, checkpoints, start) = store.read(|db| {
        let (last, _) = db.audit_head()?;
        let start = match after {
            0 => None,
            number => Some(
                db.audit_after(number - 1, 1)?
                    .pop()
                    .filter(|row| row.number == number)
                    .ok_or(StoreError::NotFound {
                        what: "audit entry",
                        id: number.to_string(),
                    })?,
            ),
        };
        Ok((last, db.checkpoint_list(CHECKPOINTS)?, start))
    })?;
    let start: Option<ExportLine> = match start {
        None => None,
        Some(row) => Some(row.read().map_err(|detail| StoreError::Corrupt {
            attempted: "export the audit trail",
            detail: format!("entry {after}: {detail}"),
        })?),
    };
    let header = Header {
        format: FORMAT.to_owned(),
        hospital: hospital.clone(),
        exported_at: now,
        after: start.map(|line| Checkpoint {
            number: line.entry.number,
            hash: line.hash,
            at: line.entry.at,
        }),
        last,
        checkpoints: checkpoints.into_iter().map(SignedCheckpoint::from).collect(),
        key: key.to_pem(),
    };
    Ok((header, Export::new(store.clone(), after, last)))
}
