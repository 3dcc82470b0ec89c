//! Verifying: goes through the record once, keeps one hash in memory, and names the first entry that is not as it was written.

use std::cmp::Ordering;

use thiserror::Error;

use super::{Checkpoint, Entry, chain};
use crate::signature::Digest;

/// Where verifying begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Before the first entry.
    Genesis,
    /// Behind the entry of a checkpoint whose signature was found good.
    After(Checkpoint),
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Its contents, or its stored hash, are not those that were written behind the entry before it.
    Altered,
    /// It is not there.
    Missing,
    /// It stands in another place.
    Reordered,
    /// It and everything behind it is gone, though a checkpoint covers it.
    Truncated,
    /// It is there a second time.
    Duplicated,
    /// The chain up to it holds, but a checkpoint knows another: the record was made anew.
    HashMismatch,
}

impl Fault {
    /// The word in the command's JSON and in the exit message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Duplicated => "duplicated",
            Self::HashMismatch => "hash_mismatch",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Altered => {
                "was altered: its hash does not follow from its contents and the entry before it"
            }
            Self::Missing => "is missing",
            Self::Reordered => "stands in another place",
            Self::Truncated => "and all behind it are gone, though a checkpoint covers them",
            Self::Duplicated => "is there twice",
            Self::HashMismatch => {
                "agrees with the entries before it and not with the checkpoint: the record was made anew, somewhere up to here"
            }
        }
    }
}

/// The record does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("audit entry {number} {}; the record holds up to entry {holds_up_to}", .what.explanation())]
pub struct Broken {
    /// The first entry that is wrong.
    pub number: i64,
    /// What is wrong with it.
    pub what: Fault,
    /// The last entry whose chain is unbroken; 0 when it is none.
    pub holds_up_to: i64,
}

/// The record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were checked.
    pub count: u64,
    /// The number of the last one; that of the start when there was none.
    pub last: i64,
    /// Its hash.
    pub hash: Digest,
}

/// Verifies entry by entry, in the order in which the record gives them.
#[derive(Debug, Clone)]
pub struct Verifier {
    start: i64,
    done: Verified,
    expected: Option<Checkpoint>,
    gap: Option<Gap>,
    broken: Option<Broken>,
}

/// An entry came too early. The next one tells whether the one that was due is missing, or only in another place.
#[derive(Debug, Clone, Copy)]
struct Gap {
    due: i64,
    came: i64,
}

impl Verifier {
    /// Begins. Of the checkpoints that are at hand, `expected` should be the newest: the record must reach it and agree with it.
    #[must_use]
    pub fn new(start: Start, expected: Option<Checkpoint>) -> Self {
        let (number, hash) = match start {
            Start::Genesis => (0, Digest::ZERO),
            Start::After(checkpoint) => (checkpoint.number, checkpoint.hash),
        };
        let done = Verified {
            count: 0,
            last: number,
            hash,
        };
        let mut verifier = Self {
            start: number,
            done,
            expected,
            gap: None,
            broken: None,
        };
        // A part of the record that begins behind the checkpoint does not contain what it covers.
        verifier.broken = match expected {
            Some(checkpoint) if checkpoint.number < number => {
                Some(verifier.fault(checkpoint.number, Fault::Missing))
            }
            _ => verifier.against_checkpoint().err(),
        };
        verifier
    }

    /// Takes the next entry with the hash that is stored beside it.
    ///
    /// # Errors
    /// [`Broken`] names the first entry that is wrong, and is given again whatever follows. That one is missing shows one
    /// entry later, or in [`Verifier::finish`].
    pub fn push(&mut self, entry: &Entry, stored: Digest) -> Result<(), Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        let judged = self.judge(entry, stored);
        self.broken = judged.err();
        judged
    }

    fn judge(&mut self, entry: &Entry, stored: Digest) -> Result<(), Broken> {
        let number = entry.number;
        if let Some(Gap { due, came }) = self.gap {
            let what = if (due..came).contains(&number) {
                Fault::Reordered
            } else {
                Fault::Missing
            };
            return Err(self.fault(due, what));
        }
        let due = self.done.last.saturating_add(1);
        match number.cmp(&due) {
            // Everything from the start up to here was seen.
            Ordering::Less if number > self.start => Err(self.fault(number, Fault::Duplicated)),
            // Nothing bears such a number, or it belongs before the start.
            Ordering::Less => Err(self.fault(number, Fault::Reordered)),
            Ordering::Greater => {
                self.gap = Some(Gap { due, came: number });
                Ok(())
            }
            Ordering::Equal => {
                let hash = chain(self.done.hash, entry);
                if hash != stored {
                    return Err(self.fault(number, Fault::Altered));
                }
                self.done = Verified {
                    count: self.done.count.saturating_add(1),
                    last: number,
                    hash,
                };
                self.against_checkpoint()
            }
        }
    }

    fn against_checkpoint(&self) -> Result<(), Broken> {
        match self.expected {
            Some(checkpoint) if checkpoint.number == self.done.last && checkpoint.hash != self.done.hash => {
                Err(self.fault(checkpoint.number, Fault::HashMismatch))
            }
            _ => Ok(()),
        }
    }

    /// How far it is, for a progress bar.
    #[must_use]
    pub const fn progress(&self) -> &Verified {
        &self.done
    }

    /// Ends: nothing follows.
    ///
    /// # Errors
    /// [`Broken`] as before, or when the record ends before the checkpoint.
    pub fn finish(self) -> Result<Verified, Broken> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        if let Some(gap) = self.gap {
            return Err(self.fault(gap.due, Fault::Missing));
        }
        match self.expected {
            Some(checkpoint) if checkpoint.number > self.done.last => {
                Err(self.fault(self.done.last.saturating_add(1), Fault::Truncated))
            }
            _ => Ok(self.done),
        }
    }

    fn fault(&self, number: i64, what: Fault) -> Broken {
        Broken {
            number,
            what,
            holds_up_to: self.done.last,
        }
    }
}

/// Verifies a whole record, or the part of it behind a checkpoint.
///
/// # Errors
/// [`Broken`] names the first entry that is wrong.
pub fn verify(
    record: impl IntoIterator<Item = (Entry, Digest)>,
    start: Start,
    expected: Option<Checkpoint>,
) -> Result<Verified, Broken> {
    let mut verifier = Verifier::new(start, expected);
    for (entry, stored) in record {
        verifier.push(&entry, stored)?;
    }
    verifier.finish()
}

#[cfg(test)]
mod tests;
