//! People's accounts, and the tokens by which programs act for them.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AccountId, ApiTokenId},
    text::Name,
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{accounts, api_tokens},
    sql::{Val, row},
};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct AccountRecord {
    /// Ours, for life.
    pub id: AccountId,
    /// The name by which a person signs in; unique.
    pub name: Name,
    /// The password's hash in PHC string form.
    pub password_hash: String,
    /// The password was given by somebody else and is good for choosing another only.
    pub must_change_password: bool,
    /// What the account may do: `administrator`.
    pub role: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token for the staff API. Its secret is not kept, only the SHA-256 of it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = api_tokens)]
pub struct ApiTokenRecord {
    /// Ours, for life.
    pub id: ApiTokenId,
    /// For whom it acts.
    pub account: AccountId,
    /// What it is for, in its owner's words.
    pub label: Name,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// Good until then.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Db<'_> {
    /// Makes an account; [`StoreError::Conflict`] when the name is taken.
    pub fn account_create(&mut self, account: &AccountRecord) -> Result<(), StoreError> {
        diesel::insert_into(accounts::table)
            .values(row!(accounts, account; id, name, password_hash, must_change_password, role, created_at))
            .execute(self.connection)
            .map(drop)
            .attempt("make an account")
    }

    /// The account with this name.
    pub fn account_fetch_by_name(&mut self, name: &Name) -> Result<Option<AccountRecord>, StoreError> {
        accounts::table
            .filter(accounts::name.eq(Val(name)))
            .select(AccountRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read an account")
    }

    /// Sets a password, given as its hash in PHC string form.
    pub fn account_password_set(
        &mut self,
        id: AccountId,
        hash: &str,
        must_change: bool,
    ) -> Result<(), StoreError> {
        let changed = diesel::update(accounts::table.find(Val(id)))
            .set((
                accounts::password_hash.eq(Val(hash.to_owned())),
                accounts::must_change_password.eq(Val(must_change)),
            ))
            .execute(self.connection)
            .attempt("set a password")?;
        found("account", id, changed)
    }

    /// Makes a token.
    pub fn api_token_create(&mut self, token: &ApiTokenRecord) -> Result<(), StoreError> {
        diesel::insert_into(api_tokens::table)
            .values(
                row!(api_tokens, token; id, account, label, secret_hash, created_at, expires_at, revoked_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt("make an API token")
    }

    /// The token whose secret has this SHA-256, and the account it acts for. Whether it is still good is the caller's to judge.
    pub fn api_token_fetch_by_hash(
        &mut self,
        secret_hash: &[u8; 32],
    ) -> Result<Option<(ApiTokenRecord, AccountRecord)>, StoreError> {
        api_tokens::table
            .inner_join(accounts::table)
            .filter(api_tokens::secret_hash.eq(Val(secret_hash)))
            .select((ApiTokenRecord::as_select(), AccountRecord::as_select()))
            .first(self.connection)
            .optional()
            .attempt("look up an API token")
    }

    /// The tokens of an account, the oldest first.
    pub fn api_token_list(&mut self, account: AccountId) -> Result<Vec<ApiTokenRecord>, StoreError> {
        api_tokens::table
            .filter(api_tokens::account.eq(Val(account)))
            .order((api_tokens::created_at, api_tokens::id))
            .select(ApiTokenRecord::as_select())
            .load(self.connection)
            .attempt("list API tokens")
    }

    /// Takes a token back. Doing so again changes nothing.
    pub fn api_token_revoke(&mut self, id: ApiTokenId, at: Timestamp) -> Result<(), StoreError> {
        let revoked_at: Option<Timestamp> = api_tokens::table
            .find(Val(id))
            .select(api_tokens::revoked_at)
            .first(self.connection)
            .optional()
            .attempt("revoke an API token")?
            .ok_or_else(|| StoreError::not_found("API token", id))?;
        if revoked_at.is_some() {
            return Ok(());
        }
        diesel::update(api_tokens::table.find(Val(id)))
            .set(api_tokens::revoked_at.eq(Val(Some(at))))
            .execute(self.connection)
            .map(drop)
            .attempt("revoke an API token")
    }
}

/// Turns “no row was changed” into the error that says so.
pub(crate) fn found(
    what: &'static str,
    id: impl std::fmt::Display,
    changed: usize,
) -> Result<(), StoreError> {
    if changed == 0 {
        Err(StoreError::not_found(what, id))
    } else {
        Ok(())
    }
}
