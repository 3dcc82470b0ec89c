//! Signing in and out.
//!
//! A session's secret is drawn here and nowhere else, anew at every sign-in and at every change of privilege: one that
//! somebody brought along, or saw before, opens nothing.

use std::net::IpAddr;

use chrono::TimeDelta;
use fleet::{
    access::{Permission, SESSION_MAX, SignedOut},
    audit::{Action, Origin},
    id::SessionId,
    signature::{Factor, Named},
    text::Name,
};
use secrecy::SecretString;
use serde_json::json;
use store::{AccountRecord, DeviceRecord, SessionRecord, StoreError};

use super::{CommandError, change::Change, factor};
use crate::{
    app::{Actor, App, Who},
    auth::{
        bearer::{self, Kind},
        password,
    },
    deed::Deed,
};

/// What somebody shows to come in.
#[derive(Debug)]
pub struct Shown {
    /// The name by which the person signs in.
    pub name: Name,
    /// The password as it was typed.
    pub password: SecretString,
    /// A code of the authenticator.
    pub totp: Option<SecretString>,
    /// Replaces the password; needed while the one-time password stands.
    pub new_password: Option<SecretString>,
    /// The secret of the registered device, if it is one.
    pub device: Option<SecretString>,
    /// The secret of a session that the browser still has: it ends.
    pub before: Option<SecretString>,
    /// From which address.
    pub address: IpAddr,
    /// What the browser or program calls itself.
    pub agent: Option<Name>,
}

/// A new session, and its secret for the one time that it is shown.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionRecord,
    /// What proves it.
    pub secret: SecretString,
    /// Whose it is.
    pub person: AccountRecord,
}

/// Signs a person in. Takes tens of milliseconds of work, whether the account exists or not.
///
/// # Errors
/// [`CommandError::WrongPassword`] also for an account that is closed; then [`CommandError::SecondFactorRequired`],
/// [`CommandError::WrongFactor`], [`CommandError::PasswordChangeRequired`], [`CommandError::Password`].
pub fn begin(app: &App, shown: &Shown) -> Result<SignedIn, CommandError> {
    let outcome = prove_and_begin(app, shown);
    if let Err(refusal) = &outcome {
        refused(app, shown, refusal);
    }
    outcome
}

fn prove_and_begin(app: &App, shown: &Shown) -> Result<SignedIn, CommandError> {
    let account = app.store.read(|db| db.account_fetch_by_name(&shown.name))?;
    let stored = account.as_ref().map(|account| account.password_hash.as_str());
    let fits = password::verify(&shown.password, stored);
    let account = account
        .filter(|account| fits && account.disabled_at.is_none())
        .ok_or(CommandError::WrongPassword)?;
    let device = device_of(app, shown)?;

    let mut factors = vec![Factor::Password];
    let step = match (&account.totp_sealed, &shown.totp) {
        (None, _) => None,
        (Some(_), None) => return Err(CommandError::SecondFactorRequired),
        (Some(_), Some(code)) => {
            factors.push(Factor::Totp);
            Some(factor::totp_step(app, &account, code)?)
        }
    };
    let replacement = match &shown.new_password {
        Some(new) => Some(factor::new_password(app, &account, new, &shown.password)?),
        None if account.must_change_password => return Err(CommandError::PasswordChangeRequired),
        None => None,
    };

    let (secret, secret_hash) = bearer::fresh(Kind::Session);
    let idle = device
        .as_ref()
        .map_or(app.settings.idle, |device| seconds(device.idle_seconds));
    let now = app.now();
    let session = SessionRecord {
        id: SessionId::from_uuid(crate::fresh::uuid(now)),
        account: account.id,
        secret_hash,
        device: device.as_ref().map(|device| device.id),
        address: Some(shown.address),
        agent: shown.agent.clone(),
        factors: factor::words(&factors),
        authenticated_at: now,
        last_seen_at: now,
        idle_seconds: idle.num_seconds(),
        expires_at: now + SESSION_MAX,
        ended_at: None,
        end_reason: None,
        signed_at: None,
        glass: None,
    };
    let actor = Actor {
        who: Who::Person {
            account: account.id,
            name: account.printed_name.clone(),
            session: session.id,
        },
        origin: Origin {
            address: Some(shown.address),
            device: device.map(|device| Named {
                id: device.id,
                name: device.name,
            }),
        },
    };
    let change = Change::proved(&actor, app);
    change.commit(|db| {
        // Hashing took a while: what was proved must still be the account's.
        let on_record = db.account_fetch(account.id)?;
        if on_record.password_hash != account.password_hash || on_record.disabled_at.is_some() {
            return Err(CommandError::WrongPassword);
        }
        if let Some(step) = step {
            db.account_totp_use(account.id, step)
                .map_err(|error| used_up(error, Factor::Totp))?;
        }
        if let Some(hash) = &replacement {
            factor::password_replace(&change, db, account.id, hash, None)?;
        }
        if let Some(before) = shown.before.as_ref() {
            end_what_was_brought(&change, db, before)?;
        }
        db.session_create(&session)?;
        let deed =
            Deed::of(Action::SignedIn, "session", session.id).after(json!({ "factors": session.factors }));
        change.record(db, deed)
    })?;
    Ok(SignedIn {
        session,
        secret,
        person: account,
    })
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::try_seconds(seconds).unwrap_or(fleet::access::IDLE_DEFAULT)
}

fn used_up(error: StoreError, factor: Factor) -> CommandError {
    match error {
        StoreError::Conflict { .. } => CommandError::WrongFactor { factor },
        other => other.into(),
    }
}

fn device_of(app: &App, shown: &Shown) -> Result<Option<DeviceRecord>, CommandError> {
    use secrecy::ExposeSecret as _;
    let Some(secret) = &shown.device else {
        return Ok(None);
    };
    let known = match bearer::hash(Kind::Device, secret.expose_secret()) {
        Some(hash) => app.store.read(|db| db.device_fetch_by_hash(&hash))?,
        None => None,
    };
    known
        .filter(|device| device.removed_at.is_none())
        .map(Some)
        .ok_or(CommandError::DeviceUnknown)
}

/// The session that the browser had until now ends, whoever's it was.
fn end_what_was_brought(
    change: &Change<'_>,
    db: &mut store::Db<'_>,
    secret: &SecretString,
) -> Result<(), CommandError> {
    use secrecy::ExposeSecret as _;
    let Some(hash) = bearer::hash(Kind::Session, secret.expose_secret()) else {
        return Ok(());
    };
    if let Some((old, _)) = db.session_fetch_by_hash(&hash)?
        && old.ended_at.is_none()
    {
        db.session_end(old.id, change.now, SignedOut::ByPerson)?;
        change.record(db, Deed::of(Action::SessionEnded, "session", old.id))?;
    }
    Ok(())
}

/// What was refused at the door is on record, by the account it was about. A name that nobody has is not kept: people
/// type passwords into the wrong field.
fn refused(app: &App, shown: &Shown, refusal: &CommandError) {
    if matches!(refusal, CommandError::Store(_)) {
        return;
    }
    let actor = Actor {
        who: Who::Unknown,
        origin: Origin {
            address: Some(shown.address),
            device: None,
        },
    };
    let written = app.store.write(|db| {
        let account = db.account_fetch_by_name(&shown.name)?;
        let id = account.map_or_else(|| "unknown".to_owned(), |account| account.id.to_string());
        let deed = Deed::of(Action::SignInRefused, "person", id).after(json!({ "why": refusal.to_string() }));
        db.audit_append(deed.entry(&actor, app.now()))
    });
    if let Err(error) = written {
        tracing::error!(%error, "a refused sign-in could not be put on record");
    }
}

/// The sessions of whoever asks that still stand.
///
/// # Errors
/// The database's.
pub fn list(app: &App, actor: &Actor) -> Result<Vec<SessionRecord>, CommandError> {
    let Some(account) = actor.account() else {
        return Ok(Vec::new());
    };
    let now = app.now();
    let mut sessions = app.store.read(|db| db.session_list(account))?;
    sessions.retain(|session| session.times().standing(now).is_ok());
    Ok(sessions)
}

/// Ends a session of one's own.
///
/// # Errors
/// [`StoreError::NotFound`] for another's session, as for none.
pub fn end(app: &App, actor: &Actor, id: SessionId) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::SessionOwn);
    change.commit(|db| {
        let session = db.session_fetch(id)?;
        if Some(session.account) != actor.account() {
            return Err(StoreError::NotFound {
                what: "session",
                id: id.to_string(),
            }
            .into());
        }
        if session.ended_at.is_none() {
            let own = matches!(&actor.who, Who::Person { session, .. } if *session == id);
            let action = if own {
                Action::SignedOut
            } else {
                Action::SessionEnded
            };
            db.session_end(id, change.now, SignedOut::ByPerson)?;
            if let Some(glass) = session.glass {
                db.glass_use_end(glass, change.now)?;
            }
            change.record(db, Deed::of(action, "session", id))?;
        }
        Ok(())
    })
}
