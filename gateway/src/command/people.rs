//! Administering people: accounts, roles, and getting somebody in again who is locked out. An administrator decides nothing about
//! pumps, and grants nothing to themselves.

use std::collections::BTreeSet;

use fleet::{
    access::{CareAreas, Grant, Permission, Role, SignedOut},
    audit::Action,
    id::AccountId,
    text::{Name, Reason},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{AccountRecord, Db};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App},
    auth::password,
    deed::Deed,
    fresh,
};

/// Characters of a one-time password, five bits each.
const ONE_TIME: usize = 16;

/// A person, and what they were given.
#[derive(Debug)]
pub struct Person {
    pub account: AccountRecord,
    pub grants: Vec<Grant>,
}

/// A person who can sign in once with this password, to choose another.
#[derive(Debug)]
pub struct Invited {
    pub person: Person,
    pub one_time_password: SecretString,
}

/// Adds a person.
///
/// # Errors
/// [`store::StoreError::Conflict`] when the name is or ever was somebody's; [`CommandError::UnknownCareArea`].
pub fn create(
    app: &App,
    actor: &Actor,
    name: &Name,
    printed_name: &Name,
    grants: Vec<Grant>,
) -> Result<Invited, CommandError> {
    let change = Change::by(actor, app, Permission::PeopleEdit);
    let one_time_password = fresh::secret::<ONE_TIME>();
    let account = AccountRecord {
        id: change.id(AccountId::from_uuid),
        name: name.clone(),
        printed_name: printed_name.clone(),
        password_hash: password::hash(&one_time_password)?,
        must_change_password: true,
        totp_sealed: None,
        totp_last_step: None,
        pin_hash: None,
        created_at: change.now,
        disabled_at: None,
        row_version: 1,
    };
    change.commit(|db| {
        known_areas(db, &grants)?;
        db.account_create(&account)?;
        db.grant_set(account.id, &grants)?;
        let deed = Deed::of(Action::PersonAdded, "person", account.id).after(json!({
            "name": account.name,
            "printed_name": account.printed_name,
            "roles": shown(&grants),
        }));
        change.record(db, deed)
    })?;
    Ok(Invited {
        person: Person { account, grants },
        one_time_password,
    })
}

/// Roles as the audit trail keeps them.
fn shown(grants: &[Grant]) -> Value {
    let one = |grant: &Grant| match &grant.care_areas {
        CareAreas::All => json!({ "role": grant.role, "care_areas": "all" }),
        CareAreas::Named(areas) => json!({ "role": grant.role, "care_areas": areas }),
    };
    grants.iter().map(one).collect()
}

fn known_areas(db: &mut Db<'_>, grants: &[Grant]) -> Result<(), CommandError> {
    let known: BTreeSet<_> = db.care_area_list()?.into_iter().map(|area| area.id).collect();
    for grant in grants {
        if let CareAreas::Named(areas) = &grant.care_areas
            && let Some(unknown) = areas.iter().find(|area| !known.contains(area))
        {
            return Err(CommandError::UnknownCareArea { care_area: *unknown });
        }
    }
    Ok(())
}

/// The record as it was seen, or the refusal that it changed.
fn seen(db: &mut Db<'_>, id: AccountId, seen: i64) -> Result<AccountRecord, CommandError> {
    let account = db.account_fetch(id)?;
    if account.row_version == seen {
        Ok(account)
    } else {
        Err(CommandError::Stale {
            seen,
            current: account.row_version,
        })
    }
}

/// Corrects the printed name. Signatures that were given keep the name they were given under.
///
/// # Errors
/// [`CommandError::Stale`].
pub fn edit(
    app: &App,
    actor: &Actor,
    id: AccountId,
    version: i64,
    printed_name: &Name,
) -> Result<(), CommandError> {
    let change = Change::by(actor, app, Permission::PeopleEdit);
    change.commit(|db| {
        let account = seen(db, id, version)?;
        db.account_edit(id, version, printed_name, account.disabled_at)?;
        let deed = Deed::of(Action::PersonEdited, "person", id)
            .before(json!({ "printed_name": account.printed_name }))
            .after(json!({ "printed_name": printed_name }));
        change.record(db, deed)
    })
}

/// Gives a person these roles and no others. Whoever is signed in under the old ones is signed out.
///
/// # Errors
/// [`CommandError::OwnRoles`], [`CommandError::LastAdministrator`], [`CommandError::Stale`], [`CommandError::UnknownCareArea`].
pub fn roles_set(
    app: &App,
    actor: &Actor,
    id: AccountId,
    version: i64,
    grants: &[Grant],
    reason: &Reason,
) -> Result<(), CommandError> {
    if actor.account() == Some(id) {
        return Err(CommandError::OwnRoles);
    }
    let change = Change::by(actor, app, Permission::PeopleEdit);
    change.commit(|db| {
        let account = seen(db, id, version)?;
        known_areas(db, grants)?;
        let before = db.grant_list(id)?;
        db.grant_set(id, grants)?;
        db.account_edit(id, version, &account.printed_name, account.disabled_at)?;
        an_administrator_is_left(db)?;
        db.session_end_of(id, None, change.now, SignedOut::RolesChanged)?;
        let deed = Deed::of(Action::RolesGranted, "person", id)
            .before(shown(&before))
            .after(shown(grants))
            .because(reason);
        change.record(db, deed)
    })
}

/// Somebody must be left who can let people in.
fn an_administrator_is_left(db: &mut Db<'_>) -> Result<(), CommandError> {
    if db.grant_count_active(Role::Administrator)? == 0 {
        Err(CommandError::LastAdministrator)
    } else {
        Ok(())
    }
}

/// Closes an account: sessions end, tokens are taken back. Its id and its name stay its own for ever.
///
/// # Errors
/// [`CommandError::OwnAccount`], [`CommandError::LastAdministrator`], [`CommandError::Stale`].
pub fn disable(
    app: &App,
    actor: &Actor,
    id: AccountId,
    version: i64,
    reason: &Reason,
) -> Result<(), CommandError> {
    if actor.account() == Some(id) {
        return Err(CommandError::OwnAccount);
    }
    let change = Change::by(actor, app, Permission::PeopleEdit);
    change.commit(|db| {
        let account = seen(db, id, version)?;
        if account.disabled_at.is_some() {
            return Ok(());
        }
        db.account_edit(id, version, &account.printed_name, Some(change.now))?;
        an_administrator_is_left(db)?;
        db.session_end_of(id, None, change.now, SignedOut::AccountDisabled)?;
        db.service_token_revoke_of(id, change.now)?;
        let deed = Deed::of(Action::PersonDisabled, "person", id).because(reason);
        change.record(db, deed)
    })
}

/// Opens an account again, with a new one-time password.
///
/// # Errors
/// [`CommandError::Stale`].
pub fn enable(
    app: &App,
    actor: &Actor,
    id: AccountId,
    version: i64,
    reason: &Reason,
) -> Result<SecretString, CommandError> {
    let change = Change::by(actor, app, Permission::PeopleEdit);
    let one_time = fresh::secret::<ONE_TIME>();
    let hash = password::hash(&one_time)?;
    change.commit(|db| {
        let account = seen(db, id, version)?;
        db.account_edit(id, version, &account.printed_name, None)?;
        start_afresh(&change, db, id, &hash)?;
        let deed = Deed::of(Action::PersonEnabled, "person", id).because(reason);
        change.record(db, deed)
    })?;
    Ok(one_time)
}

/// Gives a person who is locked out a new one-time password. Authenticator and PIN are taken away: whoever took the old ones
/// has nothing.
///
/// # Errors
/// [`CommandError::OwnAccount`]: one's own password is changed with the old one.
pub fn reset(app: &App, actor: &Actor, id: AccountId, reason: &Reason) -> Result<SecretString, CommandError> {
    if actor.account() == Some(id) {
        return Err(CommandError::OwnAccount);
    }
    let change = Change::by(actor, app, Permission::PeopleEdit);
    let one_time = fresh::secret::<ONE_TIME>();
    let hash = password::hash(&one_time)?;
    change.commit(|db| {
        start_afresh(&change, db, id, &hash)?;
        let deed = Deed::of(Action::PersonReset, "person", id).because(reason);
        change.record(db, deed)
    })?;
    Ok(one_time)
}

fn start_afresh(change: &Change<'_>, db: &mut Db<'_>, id: AccountId, hash: &str) -> Result<(), CommandError> {
    db.account_password_set(id, hash, true)?;
    db.account_totp_set(id, None, None)?;
    db.account_pin_set(id, None)?;
    db.session_end_of(id, None, change.now, SignedOut::PasswordChanged)?;
    db.service_token_revoke_of(id, change.now)?;
    Ok(())
}

/// Ends every session of a person.
///
/// # Errors
/// [`store::StoreError::NotFound`].
pub fn sessions_end(app: &App, actor: &Actor, id: AccountId) -> Result<usize, CommandError> {
    let change = Change::by(actor, app, Permission::PeopleEdit);
    change.commit(|db| {
        db.account_fetch(id)?;
        let ended = db.session_end_of(id, None, change.now, SignedOut::ByAdministrator)?;
        let deed = Deed::of(Action::SessionEnded, "person", id).after(json!({ "sessions_ended": ended }));
        change.record(db, deed)?;
        Ok(ended)
    })
}
