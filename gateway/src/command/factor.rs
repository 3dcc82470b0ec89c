//! What a person proves themselves by: password, authenticator, PIN. Setting each takes the password again.

use std::collections::BTreeSet;

use fleet::{
    access::{Permission, SignedOut},
    audit::Action,
    event::EventKind,
    id::{AccountId, SessionId},
    signature::Factor,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{AccountRecord, Db, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App, Who},
    auth::{
        bearer::{self, Kind},
        password::{self, PasswordProblem},
        pin, totp,
    },
    deed::Deed,
};

/// What somebody shows, each as it was typed.
#[derive(Debug, Default)]
pub struct Shown {
    pub password: Option<SecretString>,
    pub totp: Option<SecretString>,
    pub pin: Option<SecretString>,
}

impl Shown {
    /// Which factors there are, right or wrong.
    #[must_use]
    pub fn factors(&self) -> Vec<Factor> {
        [
            self.password.as_ref().map(|_| Factor::Password),
            self.totp.as_ref().map(|_| Factor::Totp),
            self.pin.as_ref().map(|_| Factor::Pin),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// What was found right, and the step of the code that is to be used up.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) factors: BTreeSet<Factor>,
    pub(super) totp_step: Option<i64>,
}

/// The words of factors, as they are kept.
pub(super) fn words<'a>(factors: impl IntoIterator<Item = &'a Factor>) -> String {
    let words: Vec<_> = factors.into_iter().map(|factor| factor.as_str()).collect();
    words.join(" ")
}

/// The account of a person who is signed in.
pub(super) fn account_of(app: &App, actor: &Actor) -> Result<AccountRecord, CommandError> {
    match &actor.who {
        Who::Person { account, .. } => Ok(app.store.read(|db| db.account_fetch(*account))?),
        Who::Program { .. } | Who::Gateway | Who::Unknown => Err(CommandError::OnlyAPerson),
    }
}

fn session_of(actor: &Actor) -> Option<SessionId> {
    match &actor.who {
        Who::Person { session, .. } => Some(*session),
        Who::Program { .. } | Who::Gateway | Who::Unknown => None,
    }
}

/// Checks everything that was shown. One wrong thing refuses all of it: which one was right says nothing to a guesser.
/// Takes tens of milliseconds.
///
/// # Errors
/// [`CommandError::WrongFactor`] names the first that is wrong.
pub(super) fn check(app: &App, account: &AccountRecord, shown: &Shown) -> Result<Found, CommandError> {
    let mut factors = BTreeSet::new();
    let mut totp_step = None;
    if let Some(password) = &shown.password {
        if !password::verify(password, Some(&account.password_hash)) {
            return Err(wrong(Factor::Password));
        }
        factors.insert(Factor::Password);
    }
    if let Some(given) = &shown.pin {
        if !pin::verify(given, account.pin_hash.as_deref()) {
            return Err(wrong(Factor::Pin));
        }
        factors.insert(Factor::Pin);
    }
    if let Some(code) = &shown.totp {
        totp_step = Some(self::totp_step(app, account, code)?);
        factors.insert(Factor::Totp);
    }
    Ok(Found { factors, totp_step })
}

const fn wrong(factor: Factor) -> CommandError {
    CommandError::WrongFactor { factor }
}

/// The time step of a code that is right and was not used.
pub(super) fn totp_step(
    app: &App,
    account: &AccountRecord,
    code: &SecretString,
) -> Result<i64, CommandError> {
    let sealed = account.totp_sealed.as_deref().ok_or(wrong(Factor::Totp))?;
    let seed = app.people.seal.unseal(&totp_context(account.id), sealed)?;
    let last = account.totp_last_step.and_then(|step| u64::try_from(step).ok());
    let step = totp::verify(&seed, code, app.now(), last).map_err(|_| wrong(Factor::Totp))?;
    i64::try_from(step).map_err(|_| wrong(Factor::Totp))
}

/// A sealed seed opens for its own account only.
fn totp_context(account: AccountId) -> String {
    format!("totp {account}")
}

/// A code is used up in the transaction that acts on it.
pub(super) fn use_up(db: &mut Db<'_>, account: AccountId, found: &Found) -> Result<(), CommandError> {
    if let Some(step) = found.totp_step {
        db.account_totp_use(account, step).map_err(|error| match error {
            StoreError::Conflict { .. } => wrong(Factor::Totp),
            other => other.into(),
        })?;
    }
    Ok(())
}

/// The hash of a password that may replace another.
pub(super) fn new_password(
    app: &App,
    account: &AccountRecord,
    new: &SecretString,
) -> Result<String, CommandError> {
    let context = password::Context {
        name: &account.name,
        printed_name: &account.printed_name,
        hospital: &app.people.hospital,
    };
    app.people.passwords.accept(new, &context)?;
    // Compared by its hash: at this point the old one need not have been typed.
    if password::verify(new, Some(&account.password_hash)) {
        return Err(PasswordProblem::IsTheOldOne.into());
    }
    Ok(password::hash(new)?)
}

/// Replaces a password. Whoever got in by the old one is out: other sessions end, tokens are taken back.
pub(super) fn password_replace(
    change: &Change<'_>,
    db: &mut Db<'_>,
    account: AccountId,
    hash: &str,
    but: Option<SessionId>,
) -> Result<(), CommandError> {
    db.account_password_set(account, hash, false)?;
    let sessions = db.session_end_of(account, but, change.now, SignedOut::PasswordChanged)?;
    let tokens = db.service_token_revoke_of(account, change.now)?;
    let what = format_args!("password changed, {sessions} sessions ended, {tokens} tokens revoked");
    change.tell(db, EventKind::PasswordChanged, None, what)?;
    let deed = Deed::of(Action::PasswordChanged, "person", account)
        .after(json!({ "sessions_ended": sessions, "tokens_revoked": tokens }));
    change.record(db, deed)
}

/// Changes one's own password; every other session of the person ends, and this one gets another secret, which is returned.
///
/// # Errors
/// [`CommandError::WrongFactor`], [`CommandError::Password`].
pub fn password_change(
    app: &App,
    actor: &Actor,
    old: SecretString,
    new: &SecretString,
) -> Result<SecretString, CommandError> {
    let account = account_of(app, actor)?;
    let shown = Shown {
        password: Some(old),
        ..Shown::default()
    };
    check(app, &account, &shown)?;
    let hash = new_password(app, &account, new)?;
    let session = session_of(actor).ok_or(CommandError::OnlyAPerson)?;
    let (secret, secret_hash) = bearer::fresh(Kind::Session);
    let change = Change::by(actor, app, Permission::FactorOwn);
    change.commit(|db| {
        unchanged(db, &account)?;
        password_replace(&change, db, account.id, &hash, Some(session))?;
        Ok(db.session_rotate(session, &secret_hash, None, change.now)?)
    })?;
    Ok(secret)
}

/// Hashing took a while: what was proved must still be the account's.
fn unchanged(db: &mut Db<'_>, account: &AccountRecord) -> Result<(), CommandError> {
    let on_record = db.account_fetch(account.id)?;
    if on_record.password_hash == account.password_hash {
        Ok(())
    } else {
        Err(wrong(Factor::Password))
    }
}

/// A seed for an authenticator that is not in use yet.
#[derive(Debug)]
pub struct Enrolment {
    /// For an authenticator that scans.
    pub uri: SecretString,
    /// For one that is typed into.
    pub seed: SecretString,
    /// To be sent back with the first code.
    pub ticket: String,
}

/// So long a person has to set the authenticator up.
const ENROLMENT_SECONDS: i64 = 15 * 60;

/// Draws a seed. Nothing is kept of it until a first code proves that the authenticator has it. An authenticator that is in use
/// is replaced only by whoever has it.
///
/// # Errors
/// [`CommandError::WrongFactor`], [`CommandError::SecondFactorRequired`].
pub fn totp_begin(app: &App, actor: &Actor, shown: &Shown) -> Result<Enrolment, CommandError> {
    let account = account_of(app, actor)?;
    let found = check(app, &account, shown)?;
    if account.totp_sealed.is_some() && !found.factors.contains(&Factor::Totp) {
        return Err(CommandError::SecondFactorRequired);
    }
    // The code is used up here: it opens nothing a second time.
    if found.totp_step.is_some() {
        let change = Change::by(actor, app, Permission::FactorOwn);
        change.commit(|db| use_up(db, account.id, &found))?;
    }
    let seed = totp::new_seed();
    let until = app.now().timestamp() + ENROLMENT_SECONDS;
    let context = enrolment_context(account.id, until);
    let sealed = app.people.seal.seal(&context, seed.expose_secret())?;
    Ok(Enrolment {
        uri: totp::uri(&seed, app.people.hospital.as_str(), account.name.as_str()),
        seed: totp::typed(&seed),
        ticket: format!("{until}.{}", hex::encode(sealed)),
    })
}

fn enrolment_context(account: AccountId, until: i64) -> String {
    format!("totp enrolment {account} {until}")
}

/// Takes an authenticator into use, proved by its first code. One that was in use before is replaced.
///
/// # Errors
/// [`CommandError::WrongFactor`]; [`CommandError::EnrolmentOver`] when the ticket is too old or not this person's.
pub fn totp_confirm(app: &App, actor: &Actor, ticket: &str, code: &SecretString) -> Result<(), CommandError> {
    let account = account_of(app, actor)?;
    let (until, sealed) = ticket
        .split_once('.')
        .and_then(|(until, sealed)| Some((until.parse::<i64>().ok()?, hex::decode(sealed).ok()?)))
        .filter(|(until, _)| app.now().timestamp() < *until)
        .ok_or(CommandError::EnrolmentOver)?;
    let seed = app
        .people
        .seal
        .unseal(&enrolment_context(account.id, until), &sealed)
        .map_err(|_| CommandError::EnrolmentOver)?;
    let step = totp::verify(&seed, code, app.now(), None).map_err(|_| wrong(Factor::Totp))?;
    let step = i64::try_from(step).map_err(|_| wrong(Factor::Totp))?;
    let sealed = app.people.seal.seal(&totp_context(account.id), &seed)?;
    let change = Change::by(actor, app, Permission::FactorOwn);
    change.commit(|db| {
        db.account_totp_set(account.id, Some(&sealed), Some(step))?;
        change.record(db, Deed::of(Action::TotpEnrolled, "person", account.id))
    })
}

/// Takes the authenticator out of use.
///
/// # Errors
/// [`CommandError::WrongFactor`] when password or code is wrong.
pub fn totp_remove(app: &App, actor: &Actor, shown: &Shown) -> Result<(), CommandError> {
    let account = account_of(app, actor)?;
    let found = check(app, &account, shown)?;
    for needed in [Factor::Password, Factor::Totp] {
        if !found.factors.contains(&needed) {
            return Err(wrong(needed));
        }
    }
    let change = Change::by(actor, app, Permission::FactorOwn);
    change.commit(|db| {
        use_up(db, account.id, &found)?;
        db.account_totp_set(account.id, None, None)?;
        change.record(db, Deed::of(Action::TotpRemoved, "person", account.id))
    })
}

/// Sets the PIN for signing. It is the second factor of a signature, so the first one alone does not set it anew: an
/// authenticator's code does where there is one, else the PIN that is replaced.
///
/// # Errors
/// [`CommandError::WrongFactor`], [`CommandError::SecondFactorRequired`], [`CommandError::CurrentPinRequired`],
/// [`CommandError::Pin`].
pub fn pin_set(app: &App, actor: &Actor, shown: &Shown, new: &SecretString) -> Result<(), CommandError> {
    let account = account_of(app, actor)?;
    let found = check(app, &account, shown)?;
    let has = |factor: Factor| found.factors.contains(&factor);
    if account.totp_sealed.is_some() && !has(Factor::Totp) {
        return Err(CommandError::SecondFactorRequired);
    }
    if account.totp_sealed.is_none() && account.pin_hash.is_some() && !has(Factor::Pin) {
        return Err(CommandError::CurrentPinRequired);
    }
    pin::accept(new)?;
    let hash = pin::hash(new)?;
    let change = Change::by(actor, app, Permission::FactorOwn);
    change.commit(|db| {
        unchanged(db, &account)?;
        use_up(db, account.id, &found)?;
        db.account_pin_set(account.id, Some(&hash))?;
        change.record(db, Deed::of(Action::PinSet, "person", account.id))
    })
}
