//! One-time enrolment tokens. The secret is not kept, only the SHA-256 of it.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    certificate::Fingerprint,
    enrolment::TokenRecord,
    id::{EnrolTokenId, ModelId},
    text::SerialNumber,
};

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::enrol_tokens,
    sql::{Val, row},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = enrol_tokens)]
struct TokenRow {
    id: EnrolTokenId,
    serial: SerialNumber,
    model: ModelId,
    bound_key: Option<Fingerprint>,
    created_at: Timestamp,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
    consumed_key: Option<Fingerprint>,
    withdrawn_at: Option<Timestamp>,
}

impl From<TokenRow> for TokenRecord {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            serial: row.serial,
            model: row.model,
            bound_key: row.bound_key,
            expires_at: row.expires_at,
            consumed: row.consumed_at.zip(row.consumed_key),
            withdrawn_at: row.withdrawn_at,
        }
    }
}

impl Db<'_> {
    /// Puts a token on record.
    pub fn enrol_token_create(
        &mut self,
        token: &TokenRecord,
        secret_hash: &[u8; 32],
        created_at: Timestamp,
    ) -> Result<(), StoreError> {
        let (consumed_at, consumed_key) = token.consumed.unzip();
        diesel::insert_into(enrol_tokens::table)
            .values((
                row!(enrol_tokens, token; id, serial, model, bound_key, expires_at, withdrawn_at),
                enrol_tokens::secret_hash.eq(Val(secret_hash)),
                enrol_tokens::created_at.eq(Val(created_at)),
                enrol_tokens::consumed_at.eq(consumed_at),
                enrol_tokens::consumed_key.eq(consumed_key),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("put an enrolment token on record")
    }

    /// The token whose secret has this SHA-256, whatever its state.
    pub fn enrol_token_fetch_by_hash(
        &mut self,
        secret_hash: &[u8; 32],
    ) -> Result<Option<TokenRecord>, StoreError> {
        enrol_tokens::table
            .filter(enrol_tokens::secret_hash.eq(Val(secret_hash)))
            .select(TokenRow::as_select())
            .first(self.connection)
            .optional()
            .map(|row| row.map(TokenRecord::from))
            .attempt("look up an enrolment token")
    }

    /// Tokens and when each was made, the newest first.
    pub fn enrol_token_list(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<(TokenRecord, Timestamp)>, StoreError> {
        let mut query = enrol_tokens::table.select(TokenRow::as_select()).into_boxed();
        if let Some(marker) = after {
            let (at, id) = read_time_marker::<EnrolTokenId>(marker)?;
            query = query.filter(
                enrol_tokens::created_at.lt(Val(at)).or(enrol_tokens::created_at
                    .eq(Val(at))
                    .and(enrol_tokens::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((enrol_tokens::created_at.desc(), enrol_tokens::id.desc()))
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("list enrolment tokens")?;
        let page = cut(rows, limit, |row: &TokenRow| time_marker(row.created_at, row.id));
        Ok(page.map(|row| {
            let created_at = row.created_at;
            (TokenRecord::from(row), created_at)
        }))
    }

    /// Takes a token back; [`StoreError::Conflict`] when it was used already. Taking it back again changes nothing.
    pub fn enrol_token_withdraw(&mut self, id: EnrolTokenId, at: Timestamp) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "withdraw an enrolment token";
        let changed = diesel::update(enrol_tokens::table.find(Val(id)))
            .filter(enrol_tokens::consumed_at.is_null())
            .filter(enrol_tokens::withdrawn_at.is_null())
            .set(enrol_tokens::withdrawn_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        match (changed, self.enrol_token_ended(id, ATTEMPTED)?) {
            (1, _) | (_, Ended::Withdrawn) => Ok(()),
            _ => Err(StoreError::conflict(ATTEMPTED, "it was used already")),
        }
    }

    /// Uses a token up, once: [`StoreError::Conflict`] when it was used or withdrawn before, also by another
    /// transaction at this very moment. Whether it had expired is judged before (see [`fleet::enrolment::authorise`]).
    pub fn enrol_token_consume(
        &mut self,
        id: EnrolTokenId,
        key: Fingerprint,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "use an enrolment token";
        let changed = diesel::update(enrol_tokens::table.find(Val(id)))
            .filter(enrol_tokens::consumed_at.is_null())
            .filter(enrol_tokens::withdrawn_at.is_null())
            .set((
                enrol_tokens::consumed_at.eq(Val(Some(at))),
                enrol_tokens::consumed_key.eq(Val(Some(key))),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            return Ok(());
        }
        Err(match self.enrol_token_ended(id, ATTEMPTED)? {
            Ended::Withdrawn => StoreError::conflict(ATTEMPTED, "it was withdrawn"),
            Ended::Used => StoreError::conflict(ATTEMPTED, "it was used already"),
        })
    }

    fn enrol_token_ended(&mut self, id: EnrolTokenId, attempted: &'static str) -> Result<Ended, StoreError> {
        let withdrawn_at: Option<Timestamp> = enrol_tokens::table
            .find(Val(id))
            .select(enrol_tokens::withdrawn_at)
            .first(self.connection)
            .optional()
            .attempt(attempted)?
            .ok_or_else(|| StoreError::not_found("enrolment token", id))?;
        Ok(if withdrawn_at.is_some() {
            Ended::Withdrawn
        } else {
            Ended::Used
        })
    }
}

enum Ended {
    Used,
    Withdrawn,
}
