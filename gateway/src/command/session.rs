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
use sha2::{Digest as _, Sha256};
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
    /// The password.
    pub password: Password,
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

/// How the password is shown.
#[derive(Debug)]
pub enum Password {
    /// As it was typed.
    Typed(SecretString),
    /// It was typed and found right a moment ago; this is the ticket for the next step.
    Proved(String),
}

/// What became of one step of signing in.
#[derive(Debug)]
pub enum Step {
    /// In.
    In(Box<SignedIn>),
    /// The password is right, and the authenticator's code is needed too.
    Code { ticket: String },
    /// The password is right, and has to be replaced.
    NewPassword { ticket: String },
}

/// So long the steps of signing in may take together.
const STEPS_SECONDS: i64 = 5 * 60;

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

/// Signs a person in step by step: the password first, then what turns out to be needed. What proves the password between two
/// steps is a ticket that opens with our own key, holds no password, and is good for this account and password for five
/// minutes; a wrong code costs as much as anywhere.
///
/// # Errors
/// As [`begin`], and [`CommandError::SignInOver`] for a ticket that is no longer good.
pub fn step(app: &App, shown: &Shown) -> Result<Step, CommandError> {
    match prove_and_begin(app, shown) {
        Ok(begun) => Ok(Step::In(Box::new(begun))),
        Err(CommandError::SecondFactorRequired) => Ok(Step::Code {
            ticket: ticket(app, &shown.name)?,
        }),
        Err(CommandError::PasswordChangeRequired) => Ok(Step::NewPassword {
            ticket: ticket(app, &shown.name)?,
        }),
        Err(refusal) => {
            refused(app, shown, &refusal);
            Err(refusal)
        }
    }
}

fn step_context(account: &AccountRecord, until: i64) -> String {
    format!("sign-in {} {until}", account.id)
}

/// Only ever called when the password was found right just now.
fn ticket(app: &App, name: &Name) -> Result<String, CommandError> {
    let account = app.store.read(|db| db.account_fetch_by_name(name))?;
    let account = account.ok_or(CommandError::WrongPassword)?;
    let until = app.now().timestamp() + STEPS_SECONDS;
    let fingerprint = Sha256::digest(account.password_hash.as_bytes());
    let sealed = app
        .people
        .seal
        .seal(&step_context(&account, until), &fingerprint)?;
    Ok(format!("{until}.{}", hex::encode(sealed)))
}

/// Whether a ticket is of this account, of its present password, and of just now.
fn is_good(app: &App, account: &AccountRecord, ticket: &str) -> bool {
    let opened = ticket
        .split_once('.')
        .and_then(|(until, sealed)| Some((until.parse::<i64>().ok()?, hex::decode(sealed).ok()?)))
        .filter(|(until, _)| app.now().timestamp() < *until)
        .and_then(|(until, sealed)| {
            app.people
                .seal
                .unseal(&step_context(account, until), &sealed)
                .ok()
        });
    opened.is_some_and(|opened| {
        opened.as_slice() == Sha256::digest(account.password_hash.as_bytes()).as_slice()
    })
}

/// The account, where what was shown is its password. Takes as long for an account that does not exist.
fn proved(app: &App, shown: &Shown) -> Result<AccountRecord, CommandError> {
    let account = app.store.read(|db| db.account_fetch_by_name(&shown.name))?;
    match &shown.password {
        Password::Typed(password) => {
            let stored = account.as_ref().map(|account| account.password_hash.as_str());
            let fits = password::verify(password, stored);
            account
                .filter(|account| fits && account.disabled_at.is_none())
                .ok_or(CommandError::WrongPassword)
        }
        Password::Proved(ticket) => account
            .filter(|account| account.disabled_at.is_none() && is_good(app, account, ticket))
            .ok_or(CommandError::SignInOver),
    }
}

fn prove_and_begin(app: &App, shown: &Shown) -> Result<SignedIn, CommandError> {
    let account = proved(app, shown)?;
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
        Some(new) => Some(factor::new_password(app, &account, new)?),
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
