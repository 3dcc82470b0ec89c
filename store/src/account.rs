//! People's accounts: who they are, and how they prove it. No account is ever deleted, so no id is ever another's.

use diesel::prelude::*;
use fleet::{Timestamp, id::AccountId, text::Name};

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_text_marker, rows_for, text_marker},
    schema::accounts,
    sql::{Val, row},
};

/// An account.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub struct AccountRecord {
    /// Ours, for life.
    pub id: AccountId,
    /// The name by which the person signs in, as it was given.
    pub name: Name,
    /// The person's name as it is printed beside a signature.
    pub printed_name: Name,
    /// The password's hash in PHC string form.
    pub password_hash: String,
    /// The password was given by somebody else and is good for choosing another only.
    pub must_change_password: bool,
    /// The sealed seed of an authenticator, if one was confirmed.
    pub totp_sealed: Option<Vec<u8>>,
    /// The time step of the last code that was taken; none is taken twice.
    pub totp_last_step: Option<i64>,
    /// The hash of the PIN for signing, in PHC string form.
    pub pin_hash: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was closed.
    pub disabled_at: Option<Timestamp>,
    /// Counts what an administrator edits: name, roles, whether it is open.
    pub row_version: i64,
}

impl std::fmt::Debug for AccountRecord {
    /// Without hashes and seeds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountRecord")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

/// What a name is looked up by: who types `Ana` means `ana`.
fn key(name: &Name) -> String {
    name.as_str().to_lowercase()
}

impl Db<'_> {
    /// Makes an account; [`StoreError::Conflict`] when the name is or ever was somebody's.
    pub fn account_create(&mut self, account: &AccountRecord) -> Result<(), StoreError> {
        diesel::insert_into(accounts::table)
            .values((
                row!(accounts, account;
                    id, name, printed_name, password_hash, must_change_password, pin_hash, created_at, disabled_at, row_version),
                accounts::totp_sealed.eq(account.totp_sealed.as_deref()),
                accounts::totp_last_step.eq(account.totp_last_step),
                accounts::name_key.eq(Val(key(&account.name))),
            ))
            .execute(self.connection)
            .map(drop)
            .attempt("make an account")
    }

    /// An account; [`StoreError::NotFound`] when there is none.
    pub fn account_fetch(&mut self, id: AccountId) -> Result<AccountRecord, StoreError> {
        accounts::table
            .find(Val(id))
            .select(AccountRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read an account")?
            .ok_or_else(|| StoreError::not_found("person", id))
    }

    /// The account with this name, in whatever case it is written.
    pub fn account_fetch_by_name(&mut self, name: &Name) -> Result<Option<AccountRecord>, StoreError> {
        accounts::table
            .filter(accounts::name_key.eq(Val(key(name))))
            .select(AccountRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read an account")
    }

    /// Accounts in the order of their names.
    pub fn account_list(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<AccountRecord>, StoreError> {
        let mut query = accounts::table.select(AccountRecord::as_select()).into_boxed();
        if let Some(marker) = after {
            let (name, _) = read_text_marker::<AccountId>(marker)?;
            query = query.filter(accounts::name_key.gt(Val(name)));
        }
        let rows = query
            .order(accounts::name_key)
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("list accounts")?;
        Ok(cut(rows, limit, |account: &AccountRecord| {
            text_marker(&key(&account.name), account.id)
        }))
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
                accounts::must_change_password.eq(must_change),
            ))
            .execute(self.connection)
            .attempt("set a password")?;
        found("person", id, changed)
    }

    /// Sets the sealed seed of the authenticator, or takes it away. No code was taken of it yet but those up to `last_step`.
    pub fn account_totp_set(
        &mut self,
        id: AccountId,
        sealed: Option<&[u8]>,
        last_step: Option<i64>,
    ) -> Result<(), StoreError> {
        let changed = diesel::update(accounts::table.find(Val(id)))
            .set((
                accounts::totp_sealed.eq(sealed),
                accounts::totp_last_step.eq(last_step),
            ))
            .execute(self.connection)
            .attempt("set an authenticator")?;
        found("person", id, changed)
    }

    /// Uses a code of the authenticator up; [`StoreError::Conflict`] when it, or a later one, was used already.
    pub fn account_totp_use(&mut self, id: AccountId, step: i64) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "use a code of the authenticator";
        let changed = diesel::update(accounts::table.find(Val(id)))
            .filter(
                accounts::totp_last_step
                    .is_null()
                    .or(accounts::totp_last_step.lt(step)),
            )
            .set(accounts::totp_last_step.eq(step))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::conflict(ATTEMPTED, "it was used already"))
        }
    }

    /// Sets the PIN, given as its hash in PHC string form, or takes it away.
    pub fn account_pin_set(&mut self, id: AccountId, hash: Option<&str>) -> Result<(), StoreError> {
        let changed = diesel::update(accounts::table.find(Val(id)))
            .set(accounts::pin_hash.eq(hash.map(|hash| Val(hash.to_owned()))))
            .execute(self.connection)
            .attempt("set a PIN")?;
        found("person", id, changed)
    }

    /// Sets what an administrator edits, as it was seen at a version: the printed name, and whether the account is open.
    /// [`StoreError::Conflict`] when it changed since.
    pub fn account_edit(
        &mut self,
        id: AccountId,
        seen: i64,
        printed_name: &Name,
        disabled_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "edit an account";
        self.touched.staff = true;
        let changed = diesel::update(accounts::table.find(Val(id)))
            .filter(accounts::row_version.eq(seen))
            .set((
                accounts::printed_name.eq(Val(printed_name)),
                accounts::disabled_at.eq(disabled_at),
                accounts::row_version.eq(accounts::row_version + 1),
            ))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::conflict(ATTEMPTED, "it was changed in the meantime"))
        }
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
