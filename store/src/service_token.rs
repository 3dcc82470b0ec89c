//! Tokens by which programs act within named permissions. The secret is not kept, only the SHA-256 of it.

use std::collections::BTreeSet;

use diesel::prelude::*;
use fleet::{
    Timestamp,
    access::Permission,
    id::{AccountId, ServiceTokenId},
    text::Name,
};

use crate::{
    AccountRecord, Db, Page, StoreError,
    account::found,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::{accounts, service_tokens},
    sql::{Val, row},
};

/// A token for the staff API.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = service_tokens)]
pub struct ServiceTokenRecord {
    /// Ours, for life.
    pub id: ServiceTokenId,
    /// For whom it acts.
    pub account: AccountId,
    /// What it is for, in its owner's words.
    pub label: Name,
    /// The words of the permissions it was made for, with spaces between; see [`ServiceTokenRecord::permissions`].
    pub scopes: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// Good until then.
    pub expires_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl ServiceTokenRecord {
    /// The permissions as they are kept.
    #[must_use]
    pub fn scopes_of(permissions: &BTreeSet<Permission>) -> String {
        let words: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
        words.join(" ")
    }

    /// What it was made for. A word that this version does not know opens nothing.
    #[must_use]
    pub fn permissions(&self) -> BTreeSet<Permission> {
        self.scopes.split(' ').filter_map(Permission::from_word).collect()
    }
}

impl Db<'_> {
    /// Makes a token.
    pub fn service_token_create(&mut self, token: &ServiceTokenRecord) -> Result<(), StoreError> {
        diesel::insert_into(service_tokens::table)
            .values(
                row!(service_tokens, token; id, account, label, scopes, secret_hash, created_at, expires_at, revoked_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt("make a service token")
    }

    /// The token whose secret has this SHA-256, and the account it acts for. Whether it is still good is the caller's to judge.
    pub fn service_token_fetch_by_hash(
        &mut self,
        secret_hash: &[u8; 32],
    ) -> Result<Option<(ServiceTokenRecord, AccountRecord)>, StoreError> {
        service_tokens::table
            .inner_join(accounts::table)
            .filter(service_tokens::secret_hash.eq(Val(secret_hash)))
            .select((ServiceTokenRecord::as_select(), AccountRecord::as_select()))
            .first(self.connection)
            .optional()
            .attempt("look up a service token")
    }

    /// A token; [`StoreError::NotFound`] when there is none.
    pub fn service_token_fetch(&mut self, id: ServiceTokenId) -> Result<ServiceTokenRecord, StoreError> {
        service_tokens::table
            .find(Val(id))
            .select(ServiceTokenRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a service token")?
            .ok_or_else(|| StoreError::not_found("token", id))
    }

    /// Tokens, of one person or of all, the newest first.
    pub fn service_token_list(
        &mut self,
        account: Option<AccountId>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<ServiceTokenRecord>, StoreError> {
        let mut query = service_tokens::table
            .select(ServiceTokenRecord::as_select())
            .into_boxed();
        if let Some(account) = account {
            query = query.filter(service_tokens::account.eq(Val(account)));
        }
        if let Some(marker) = after {
            let (at, id) = read_time_marker::<ServiceTokenId>(marker)?;
            query = query.filter(
                service_tokens::created_at
                    .lt(Val(at))
                    .or(service_tokens::created_at
                        .eq(Val(at))
                        .and(service_tokens::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((service_tokens::created_at.desc(), service_tokens::id.desc()))
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("list service tokens")?;
        Ok(cut(rows, limit, |token: &ServiceTokenRecord| {
            time_marker(token.created_at, token.id)
        }))
    }

    /// Takes a token back. One that was taken back before keeps its time.
    pub fn service_token_revoke(&mut self, id: ServiceTokenId, at: Timestamp) -> Result<(), StoreError> {
        if self.service_token_fetch(id)?.revoked_at.is_some() {
            return Ok(());
        }
        let changed = diesel::update(service_tokens::table.find(Val(id)))
            .set(service_tokens::revoked_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("revoke a service token")?;
        found("token", id, changed)
    }

    /// Takes every token of a person back, and says how many.
    pub fn service_token_revoke_of(
        &mut self,
        account: AccountId,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        diesel::update(service_tokens::table.filter(service_tokens::account.eq(Val(account))))
            .filter(service_tokens::revoked_at.is_null())
            .set(service_tokens::revoked_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("revoke service tokens")
    }
}
