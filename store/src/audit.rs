//! The audit trail: only ever added to, one entry per change, in the transaction of the change.
//!
//! What is hashed is kept as text, exactly. The columns beside it serve to find an entry; reading compares them with the
//! text, so that neither can be altered alone.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    audit::{Actor, Checkpoint, Entry, ExportLine, Word, chain},
    id::AccountId,
    signature::Digest,
};

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, rows_for},
    schema::{audit_checkpoints, audit_entries},
    sql::Val,
};

/// Which entries to list; nothing set lists all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// Done by this person, or by a program of theirs.
    pub account: Option<AccountId>,
    /// Of this action.
    pub action: Option<Word>,
    /// About this kind of thing.
    pub subject_kind: Option<Word>,
    /// About this one thing.
    pub subject_id: Option<String>,
    /// At or after this instant.
    pub since: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// A row as it lies there, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit_entries)]
pub struct AuditRow {
    /// Its number.
    pub number: i64,
    at: Timestamp,
    account: Option<AccountId>,
    action: Word,
    subject_kind: Word,
    subject_id: String,
    entry: String,
    hash: Digest,
}

impl AuditRow {
    /// The line of an export, made of what the row holds, fit or not: verifying judges.
    #[must_use]
    pub fn as_it_lies(&self) -> String {
        format!("{{\"entry\":{},\"hash\":\"{}\"}}", self.entry, self.hash)
    }

    /// The entry and its hash, if the row says one thing in all its columns.
    ///
    /// # Errors
    /// In words, what does not fit. The entry was altered then.
    pub fn read(self) -> Result<ExportLine, String> {
        let read = ExportLine::from_line(self.as_it_lies().as_bytes()).map_err(|error| error.to_string())?;
        let entry = &read.entry;
        let differs = if entry.number != self.number {
            "number"
        } else if entry.at != self.at {
            "time"
        } else if account_of(&entry.actor) != self.account {
            "account"
        } else if entry.action != self.action {
            "action"
        } else if entry.subject.kind != self.subject_kind || entry.subject.id != self.subject_id {
            "subject"
        } else {
            return Ok(read);
        };
        Err(format!("the column of its {differs} differs from its text"))
    }
}

/// A checkpoint with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointRecord {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// Which key signed.
    pub key_id: String,
    /// The signature in base 64.
    pub signature: String,
}

/// By whose account something was done; a program acts on its owner's.
fn account_of(actor: &Actor) -> Option<AccountId> {
    match actor {
        Actor::Person { account, .. } => Some(*account),
        Actor::Program { owner, .. } => Some(*owner),
        Actor::Pump { .. } | Actor::Gateway | Actor::Unknown => None,
    }
}

impl Db<'_> {
    /// The number and the hash of the last entry; zero before the first.
    pub fn audit_head(&mut self) -> Result<(i64, Digest), StoreError> {
        let last: Option<(i64, Digest)> = audit_entries::table
            .order(audit_entries::number.desc())
            .select((audit_entries::number, audit_entries::hash))
            .first(self.connection)
            .optional()
            .attempt("read the end of the audit trail")?;
        Ok(last.unwrap_or((0, Digest::ZERO)))
    }

    /// Adds an entry behind the last one, which gives it its number; says which.
    pub fn audit_append(&mut self, mut entry: Entry) -> Result<i64, StoreError> {
        let (last, previous) = self.audit_head()?;
        entry.number = last + 1;
        let hash = chain(previous, &entry);
        diesel::insert_into(audit_entries::table)
            .values((
                audit_entries::number.eq(entry.number),
                audit_entries::at.eq(Val(entry.at)),
                audit_entries::account.eq(Val(account_of(&entry.actor))),
                audit_entries::action.eq(Val(&entry.action)),
                audit_entries::subject_kind.eq(Val(&entry.subject.kind)),
                audit_entries::subject_id.eq(Val(&entry.subject.id)),
                audit_entries::entry.eq(Val(entry.canonical().to_json())),
                audit_entries::hash.eq(Val(hash)),
            ))
            .execute(self.connection)
            .attempt("write the audit trail")?;
        Ok(entry.number)
    }

    /// Rows behind a number, in order: for verifying, exporting and forwarding.
    pub fn audit_after(&mut self, number: i64, limit: u32) -> Result<Vec<AuditRow>, StoreError> {
        audit_entries::table
            .filter(audit_entries::number.gt(number))
            .order(audit_entries::number)
            .limit(i64::from(limit))
            .select(AuditRow::as_select())
            .load(self.connection)
            .attempt("read the audit trail")
    }

    /// Entries, the newest first.
    pub fn audit_list(
        &mut self,
        filter: &AuditFilter,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<AuditRow>, StoreError> {
        let mut query = audit_entries::table.select(AuditRow::as_select()).into_boxed();
        if let Some(account) = filter.account {
            query = query.filter(audit_entries::account.eq(Val(Some(account))));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit_entries::action.eq(Val(action)));
        }
        if let Some(kind) = &filter.subject_kind {
            query = query.filter(audit_entries::subject_kind.eq(Val(kind)));
        }
        if let Some(id) = &filter.subject_id {
            query = query.filter(audit_entries::subject_id.eq(Val(id)));
        }
        if let Some(since) = filter.since {
            query = query.filter(audit_entries::at.ge(Val(since)));
        }
        if let Some(until) = filter.until {
            query = query.filter(audit_entries::at.lt(Val(until)));
        }
        if let Some(marker) = after {
            let number: i64 = marker.parse().map_err(|_| StoreError::InvalidPage {
                marker: marker.chars().take(80).collect(),
            })?;
            query = query.filter(audit_entries::number.lt(number));
        }
        let rows = query
            .order(audit_entries::number.desc())
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("search the audit trail")?;
        Ok(cut(rows, limit, |row: &AuditRow| row.number.to_string()))
    }

    /// Keeps a checkpoint; [`StoreError::Conflict`] when there is one of the same entry.
    pub fn checkpoint_create(&mut self, record: &CheckpointRecord) -> Result<(), StoreError> {
        let Checkpoint { number, hash, at } = record.checkpoint;
        diesel::insert_into(audit_checkpoints::table)
            .values((
                audit_checkpoints::number.eq(number),
                audit_checkpoints::hash.eq(Val(hash)),
                audit_checkpoints::at.eq(Val(at)),
                audit_checkpoints::key_id.eq(Val(&record.key_id)),
                audit_checkpoints::signature.eq(Val(&record.signature)),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("keep a checkpoint")
    }

    /// Checkpoints, the newest first.
    pub fn checkpoint_list(&mut self, limit: u32) -> Result<Vec<CheckpointRecord>, StoreError> {
        let rows: Vec<(i64, Digest, Timestamp, String, String)> = audit_checkpoints::table
            .order(audit_checkpoints::number.desc())
            .limit(i64::from(limit))
            .select((
                audit_checkpoints::number,
                audit_checkpoints::hash,
                audit_checkpoints::at,
                audit_checkpoints::key_id,
                audit_checkpoints::signature,
            ))
            .load(self.connection)
            .attempt("list checkpoints")?;
        let record = |(number, hash, at, key_id, signature)| CheckpointRecord {
            checkpoint: Checkpoint { number, hash, at },
            key_id,
            signature,
        };
        Ok(rows.into_iter().map(record).collect())
    }
}
