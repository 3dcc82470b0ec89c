//! Going through the record, in a file or in the database, and naming the first entry that is not as it was written.

use std::io::{BufRead, Read};

use fleet::audit::{Broken, Checkpoint, ExportLine, Fault, LINE_MAX, LineError, Start, Verified, Verifier};
use store::{Store, StoreError};
use thiserror::Error;

use super::{
    checkpoint::SignedCheckpoint,
    export::{CHECKPOINTS, FORMAT, Header},
};
use crate::auth::record_key::RecordPublicKey;

/// So many rows are read at once.
const PIECE: u32 = 1_000;
/// The header may hold many checkpoints, and no more than this, in bytes.
const HEADER_MAX: u64 = 4 * 1024 * 1024;

/// What was found to hold, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The entries that were gone through.
    pub verified: Verified,
    /// Checkpoints whose signature and whose entry agree.
    pub checkpoints: usize,
    /// The newest of them: entries behind it could have been cut off without a trace.
    pub covered_to: i64,
    /// The key of the checkpoints.
    pub key_id: Option<String>,
    /// The key was known from elsewhere. If not, whoever made the file could have made the key as well.
    pub key_is_pinned: bool,
}

/// Why the record does not hold.
#[derive(Debug, Error)]
pub enum VerifyProblem {
    /// An entry is not as it was written.
    #[error("{broken}{}", .line.map(|line| format!(" (line {line})")).unwrap_or_default())]
    Broken { broken: Broken, line: Option<u64> },
    /// A line is not in the form that is exported.
    #[error("line {line}: {problem}; the record holds up to entry {holds_up_to}")]
    Line {
        line: u64,
        problem: LineError,
        holds_up_to: i64,
    },
    /// A row of the table contradicts itself.
    #[error("audit entry {number} was altered: {detail}; the record holds up to entry {holds_up_to}")]
    Row {
        number: i64,
        detail: String,
        holds_up_to: i64,
    },
    /// A checkpoint that this key did not sign.
    #[error("the checkpoint of entry {number} is not signed by the key {key_id}: it was forged or altered")]
    Forged { number: i64, key_id: String },
    /// The first line is no header.
    #[error("the file does not begin with the header of an audit export: {detail}")]
    Header { detail: String },
    /// The key of the file is not the one that was given.
    #[error(
        "the file names the key {found}, and {expected} was expected: it is another gateway's record, or a forged one"
    )]
    OtherKey { found: String, expected: String },
    /// The file could not be read.
    #[error("reading the export: {0}")]
    Io(#[from] std::io::Error),
    /// The database could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VerifyProblem {
    /// The first entry that is wrong, where it is one.
    #[must_use]
    pub const fn entry(&self) -> Option<i64> {
        match self {
            Self::Broken { broken, .. } => Some(broken.number),
            Self::Row { number, .. } | Self::Forged { number, .. } => Some(*number),
            Self::Line { holds_up_to, .. } => Some(*holds_up_to + 1),
            Self::Header { .. } | Self::OtherKey { .. } | Self::Io(_) | Self::Store(_) => None,
        }
    }

    /// What is wrong with it, in a word.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Broken { broken, .. } => Some(broken.what),
            Self::Row { .. } | Self::Line { .. } => Some(Fault::Altered),
            Self::Forged { .. } => Some(Fault::HashMismatch),
            Self::Header { .. } | Self::OtherKey { .. } | Self::Io(_) | Self::Store(_) => None,
        }
    }
}

/// A verifier that holds every checkpoint against its entry, not only the newest.
struct Walk {
    verifier: Verifier,
    /// By number, the next one last.
    ahead: Vec<Checkpoint>,
    met: usize,
    covered_to: i64,
}

impl Walk {
    fn new(start: Start, mut checkpoints: Vec<Checkpoint>) -> Self {
        checkpoints.sort_by_key(|checkpoint| std::cmp::Reverse(checkpoint.number));
        let newest = checkpoints.first().copied();
        let from = match start {
            Start::Genesis => 0,
            Start::After(checkpoint) => checkpoint.number,
        };
        checkpoints.retain(|checkpoint| checkpoint.number > from);
        Self {
            verifier: Verifier::new(start, newest.filter(|newest| newest.number > from)),
            ahead: checkpoints,
            met: 0,
            covered_to: from,
        }
    }

    fn holds_up_to(&self) -> i64 {
        self.verifier.progress().last
    }

    fn push(&mut self, line: &ExportLine) -> Result<(), Broken> {
        self.verifier.push(&line.entry, line.hash)?;
        let done = *self.verifier.progress();
        while let Some(next) = self.ahead.last().copied()
            && next.number <= done.last
        {
            if next.number == done.last && next.hash != done.hash {
                return Err(Broken {
                    number: next.number,
                    what: Fault::HashMismatch,
                    holds_up_to: done.last - 1,
                });
            }
            self.met += 1;
            self.covered_to = next.number;
            self.ahead.pop();
        }
        Ok(())
    }

    fn finish(self, key: Option<&RecordPublicKey>, key_is_pinned: bool) -> Result<Report, Broken> {
        Ok(Report {
            verified: self.verifier.finish()?,
            checkpoints: self.met,
            covered_to: self.covered_to,
            key_id: key.map(|key| key.id().to_owned()),
            key_is_pinned,
        })
    }
}

fn signed(checkpoints: &[SignedCheckpoint], key: &RecordPublicKey) -> Result<Vec<Checkpoint>, VerifyProblem> {
    checkpoints
        .iter()
        .map(|signed| {
            if signed.is_signed_by(key) {
                Ok(signed.checkpoint)
            } else {
                Err(VerifyProblem::Forged {
                    number: signed.checkpoint.number,
                    key_id: key.id().to_owned(),
                })
            }
        })
        .collect()
}

/// Verifies an export. `pinned` is the key as it is known from elsewhere, `carried` are checkpoints that were carried
/// elsewhere before. `progress` is told the number of bytes and entries.
///
/// # Errors
/// [`VerifyProblem`] names the first entry that is wrong.
pub fn file(
    mut reader: impl BufRead,
    pinned: Option<&RecordPublicKey>,
    carried: &[SignedCheckpoint],
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, VerifyProblem> {
    let mut line = Vec::new();
    let mut bytes = read_line(&mut reader, HEADER_MAX, &mut line)?;
    let header: Header = serde_json::from_slice(&line).map_err(|error| VerifyProblem::Header {
        detail: error.to_string(),
    })?;
    if header.format != FORMAT {
        return Err(VerifyProblem::Header {
            detail: format!("the format is `{}`, not `{FORMAT}`", header.format),
        });
    }
    let named = RecordPublicKey::from_pem(&header.key).map_err(|problem| VerifyProblem::Header {
        detail: problem.to_string(),
    })?;
    if let Some(pinned) = pinned
        && *pinned != named
    {
        return Err(VerifyProblem::OtherKey {
            found: named.id().to_owned(),
            expected: pinned.id().to_owned(),
        });
    }
    let mut checkpoints = signed(&header.checkpoints, &named)?;
    checkpoints.extend(signed(carried, &named)?);
    let start = header.after.map_or(Start::Genesis, Start::After);
    let mut walk = Walk::new(start, checkpoints);
    let mut number = 1;
    let most = u64::try_from(LINE_MAX).unwrap_or(u64::MAX) + 1;
    loop {
        let read = read_line(&mut reader, most, &mut line)?;
        if read == 0 {
            break;
        }
        bytes += read;
        number += 1;
        let entry = ExportLine::from_line(&line).map_err(|problem| VerifyProblem::Line {
            line: number,
            problem,
            holds_up_to: walk.holds_up_to(),
        })?;
        walk.push(&entry).map_err(|broken| VerifyProblem::Broken {
            broken,
            line: Some(number),
        })?;
        progress(bytes, walk.verifier.progress().count);
    }
    walk.finish(Some(&named), pinned.is_some())
        .map_err(|broken| VerifyProblem::Broken { broken, line: None })
}

/// Reads a line without its line feed, and says how many bytes it took. Of a longer one no more than `most` is read.
fn read_line(reader: &mut impl BufRead, most: u64, line: &mut Vec<u8>) -> std::io::Result<u64> {
    line.clear();
    let read = reader.by_ref().take(most).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(u64::try_from(read).unwrap_or(u64::MAX))
}

/// Verifies the record in a database. `key` is needed for the checkpoints that are in it, and those that were carried elsewhere.
///
/// # Errors
/// [`VerifyProblem`] names the first entry that is wrong.
pub fn database(
    store: &Store,
    key: Option<&RecordPublicKey>,
    carried: &[SignedCheckpoint],
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, VerifyProblem> {
    let stored = store.read(|db| db.checkpoint_list(CHECKPOINTS))?;
    let stored: Vec<_> = stored.into_iter().map(SignedCheckpoint::from).collect();
    let checkpoints = match key {
        Some(key) => {
            // An earlier key of this gateway may have signed the older ones.
            let own: Vec<_> = stored.into_iter().filter(|one| one.key_id == key.id()).collect();
            let mut checkpoints = signed(&own, key)?;
            checkpoints.extend(signed(carried, key)?);
            checkpoints
        }
        None => stored.iter().chain(carried).map(|one| one.checkpoint).collect(),
    };
    let total = store.read(|db| db.audit_head())?.0;
    let total = u64::try_from(total).unwrap_or_default();
    let mut walk = Walk::new(Start::Genesis, checkpoints);
    let mut at = i64::MIN;
    loop {
        let rows = store.read(|db| db.audit_after(at, PIECE))?;
        let Some(last) = rows.last() else { break };
        at = last.number;
        for row in rows {
            let number = row.number;
            let holds_up_to = walk.holds_up_to();
            let line = row.read().map_err(|detail| VerifyProblem::Row {
                number,
                detail,
                holds_up_to,
            })?;
            walk.push(&line)
                .map_err(|broken| VerifyProblem::Broken { broken, line: None })?;
        }
        progress(total, walk.verifier.progress().count);
    }
    walk.finish(key, key.is_some())
        .map_err(|broken| VerifyProblem::Broken { broken, line: None })
}
