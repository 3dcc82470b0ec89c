//! Accounts and the tokens by which programs act for them.

use chrono::TimeDelta;
use fleet::{Timestamp, event::EventKind, id::ApiTokenId, text::Name};
use secrecy::SecretString;
use store::{AccountRecord, ApiTokenRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    auth::{basic::Credentials, bearer, password},
};

/// The longest life of a token for programs, in days.
pub const TOKEN_DAYS_MAX: u16 = 365;
/// Where nobody says how long.
pub const TOKEN_DAYS_DEFAULT: u16 = 90;

/// What is asked for.
#[derive(Debug)]
pub struct TokenWanted {
    /// By what name its owner will know it again.
    pub label: Name,
    /// How many days it is good for, at most [`TOKEN_DAYS_MAX`].
    pub valid_days: u16,
    /// Replaces the password and takes back the account's other tokens; needed while the one-time password stands.
    pub new_password: Option<SecretString>,
}

/// A new token, and its secret for the one time that it is shown.
#[derive(Debug)]
pub struct NewToken {
    /// Which token.
    pub id: ApiTokenId,
    /// What the program sends.
    pub token: SecretString,
    /// Good until then.
    pub expires_at: Timestamp,
}

/// Makes a token for whoever knows an account's password. Takes tens of milliseconds of work, whether the account exists or not.
///
/// # Errors
/// [`CommandError::WrongPassword`], [`CommandError::PasswordChangeRequired`], [`CommandError::Password`], or the database's.
pub fn token_create(
    app: &App,
    credentials: &Credentials,
    wanted: TokenWanted,
) -> Result<NewToken, CommandError> {
    let account = prove(app, credentials)?;
    let replacement = match &wanted.new_password {
        Some(new) => {
            password::accept(new, &account.name, &credentials.password)?;
            Some(password::hash(new)?)
        }
        None if account.must_change_password => return Err(CommandError::PasswordChangeRequired),
        None => None,
    };

    let actor = Actor {
        account: Some(account.id),
        name: account.name.clone(),
    };
    let change = Change::by(&actor, app);
    let (token, secret_hash) = bearer::token();
    let record = ApiTokenRecord {
        id: change.id(ApiTokenId::from_uuid),
        account: account.id,
        label: wanted.label,
        secret_hash,
        created_at: change.now,
        expires_at: change.now + TimeDelta::days(i64::from(wanted.valid_days.min(TOKEN_DAYS_MAX))),
        revoked_at: None,
    };
    change.commit(|db| {
        // Hashing took a while: the password that was proved must still be the account's.
        let now_on_record = db.account_fetch_by_name(&account.name)?;
        if now_on_record.is_none_or(|now| now.password_hash != account.password_hash) {
            return Err(CommandError::WrongPassword);
        }
        if let Some(hash) = &replacement {
            db.account_password_set(account.id, hash, false)?;
            // Whoever got hold of the old password may have made tokens by it.
            let mut revoked = 0;
            for old in db.api_token_list(account.id)? {
                if old.revoked_at.is_none() {
                    db.api_token_revoke(old.id, change.now)?;
                    revoked += 1;
                }
            }
            let what = format_args!("password changed, {revoked} older tokens revoked");
            change.tell(db, EventKind::PasswordChanged, None, what)?;
        }
        db.api_token_create(&record)?;
        change.tell(
            db,
            EventKind::ApiTokenMade,
            None,
            format_args!("token “{}” made", record.label),
        )
    })?;
    Ok(NewToken {
        id: record.id,
        token,
        expires_at: record.expires_at,
    })
}

fn prove(app: &App, credentials: &Credentials) -> Result<AccountRecord, CommandError> {
    let account = app.store.read(|db| db.account_fetch_by_name(&credentials.name))?;
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let fits = password::verify(&credentials.password, stored);
    account.filter(|_| fits).ok_or(CommandError::WrongPassword)
}

/// The tokens of whoever asks.
///
/// # Errors
/// The database's.
pub fn token_list(app: &App, actor: &Actor) -> Result<Vec<ApiTokenRecord>, CommandError> {
    match actor.account {
        Some(account) => Ok(app.store.read(|db| db.api_token_list(account))?),
        None => Ok(Vec::new()),
    }
}

/// Takes a token of one's own back. It opens nothing from now on.
///
/// # Errors
/// [`StoreError::NotFound`] for another's token, as for none.
pub fn token_revoke(app: &App, actor: &Actor, id: ApiTokenId) -> Result<(), CommandError> {
    let change = Change::by(actor, app);
    change.commit(|db| {
        let own = match actor.account {
            Some(account) => db.api_token_list(account)?,
            None => Vec::new(),
        };
        let token = own
            .into_iter()
            .find(|token| token.id == id)
            .ok_or_else(|| StoreError::NotFound {
                what: "token",
                id: id.to_string(),
            })?;
        if token.revoked_at.is_none() {
            db.api_token_revoke(id, change.now)?;
            change.tell(
                db,
                EventKind::ApiTokenRevoked,
                None,
                format_args!("token “{}” revoked", token.label),
            )?;
        }
        Ok(())
    })
}
