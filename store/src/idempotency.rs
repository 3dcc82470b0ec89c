//! Creations that named a key of their own, so that asking twice creates once.

use diesel::prelude::*;
use fleet::{Timestamp, id::AccountId};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::idempotency_keys,
    sql::{Val, row},
};

/// What was asked under a key, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys)]
pub struct IdempotencyRecord {
    /// Who asked; each person and program has keys of their own.
    pub account: AccountId,
    /// The key.
    pub name: String,
    /// SHA-256 over method, path and body.
    pub request_hash: [u8; 32],
    /// When it was first asked.
    pub at: Timestamp,
    /// The status of the answer; nothing while it is being worked on, or where the work was cut off.
    pub status: Option<i64>,
    /// The media type of the answer.
    pub content_type: Option<String>,
    /// The body of the answer; nothing where it held a secret.
    pub body: Option<String>,
}

impl Db<'_> {
    /// Takes a key. Nothing when it was free; else what is on record under it.
    pub fn idempotency_begin(
        &mut self,
        record: &IdempotencyRecord,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let taken = idempotency_keys::table
            .find((Val(record.account), Val(&record.name)))
            .select(IdempotencyRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("look up an idempotency key")?;
        if taken.is_some() {
            return Ok(taken);
        }
        diesel::insert_into(idempotency_keys::table)
            .values(row!(idempotency_keys, record; account, name, request_hash, at))
            .execute(self.connection)
            .attempt("take an idempotency key")?;
        Ok(None)
    }

    /// Keeps the answer.
    pub fn idempotency_finish(
        &mut self,
        account: AccountId,
        name: &str,
        status: u16,
        content_type: Option<&str>,
        body: Option<&str>,
    ) -> Result<(), StoreError> {
        let owned = |text: Option<&str>| Val(text.map(str::to_owned));
        diesel::update(idempotency_keys::table.find((Val(account), Val(name.to_owned()))))
            .set((
                idempotency_keys::status.eq(Some(i64::from(status))),
                idempotency_keys::content_type.eq(owned(content_type)),
                idempotency_keys::body.eq(owned(body)),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("keep the answer to an idempotency key")
    }

    /// Gives a key back: nothing was done under it.
    pub fn idempotency_release(&mut self, account: AccountId, name: &str) -> Result<(), StoreError> {
        diesel::delete(idempotency_keys::table.find((Val(account), Val(name.to_owned()))))
            .execute(self.connection)
            .map(drop)
            .attempt("give an idempotency key back")
    }

    /// Forgets keys that were first used before an instant.
    pub fn idempotency_forget(&mut self, before: Timestamp) -> Result<usize, StoreError> {
        diesel::delete(idempotency_keys::table.filter(idempotency_keys::at.lt(Val(before))))
            .execute(self.connection)
            .attempt("forget idempotency keys")
    }
}
