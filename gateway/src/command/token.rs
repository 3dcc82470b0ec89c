//! Service tokens: by which programs act, within named permissions and never beyond their owner's.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use fleet::{
    access::{Permission, reach},
    audit::Action,
    event::EventKind,
    id::ServiceTokenId,
    text::Name,
};
use secrecy::SecretString;
use serde_json::json;
use store::{ServiceTokenRecord, StoreError};

use super::{CommandError, change::Change};
use crate::{
    app::{Actor, App, Who},
    auth::{
        bearer::{self, Kind},
        standing,
    },
    deed::Deed,
};

/// The longest life of a token, in days.
pub const DAYS_MAX: u16 = 365;
/// Where nobody says how long.
pub const DAYS_DEFAULT: u16 = 90;

/// What is asked for.
#[derive(Debug)]
pub struct Wanted {
    /// By what name its owner will know it again.
    pub label: Name,
    /// What it may be used for.
    pub scopes: BTreeSet<Permission>,
    /// How many days it is good for, at most [`DAYS_MAX`].
    pub valid_days: u16,
}

/// Makes a token for whoever is signed in, and returns its secret for the one time that it is shown.
///
/// # Errors
/// [`CommandError::UnfitScope`] for a scope that no program may have, or that its owner does not hold.
pub fn create(
    app: &App,
    actor: &Actor,
    wanted: Wanted,
) -> Result<(ServiceTokenRecord, SecretString), CommandError> {
    let Who::Person { account, .. } = &actor.who else {
        return Err(CommandError::OnlyAPerson);
    };
    let change = Change::by(actor, app, Permission::ServiceTokenOwn);
    let (secret, secret_hash) = bearer::fresh(Kind::Token);
    let token = ServiceTokenRecord {
        id: change.id(ServiceTokenId::from_uuid),
        account: *account,
        label: wanted.label,
        scopes: ServiceTokenRecord::scopes_of(&wanted.scopes),
        secret_hash,
        created_at: change.now,
        expires_at: change.now + TimeDelta::days(i64::from(wanted.valid_days.min(DAYS_MAX))),
        revoked_at: None,
    };
    change.commit(|db| {
        let owner = standing::principal(db, &actor.who, change.now)?;
        if wanted.scopes.is_empty() {
            return Err(CommandError::NoScope);
        }
        for scope in &wanted.scopes {
            if !scope.is_for_programs() || reach(&owner, *scope, change.now).is_err() {
                return Err(CommandError::UnfitScope { scope: *scope });
            }
        }
        db.service_token_create(&token)?;
        let what = format_args!("token “{}” made", token.label);
        change.tell(db, EventKind::ApiTokenMade, None, what)?;
        let deed = Deed::of(Action::ServiceTokenMade, "service_token", token.id).after(json!({
            "label": token.label,
            "scopes": wanted.scopes,
            "expires_at": token.expires_at,
        }));
        change.record(db, deed)
    })?;
    Ok((token, secret))
}

/// Takes a token back: one's own, or anybody's for those who may. It opens nothing from now on.
///
/// # Errors
/// [`StoreError::NotFound`] for another's token, as for none, where one may only revoke one's own.
pub fn revoke(app: &App, actor: &Actor, id: ServiceTokenId) -> Result<(), CommandError> {
    let now = app.now();
    let anybodys = app.store.read(|db| {
        Ok(standing::principal(db, &actor.who, now)
            .is_ok_and(|principal| reach(&principal, Permission::ServiceTokenRevoke, now).is_ok()))
    })?;
    let permission = if anybodys {
        Permission::ServiceTokenRevoke
    } else {
        Permission::ServiceTokenOwn
    };
    let change = Change::by(actor, app, permission);
    change.commit(|db| {
        let token = db.service_token_fetch(id)?;
        if !anybodys && Some(token.account) != actor.account() {
            return Err(StoreError::NotFound {
                what: "token",
                id: id.to_string(),
            }
            .into());
        }
        if token.revoked_at.is_none() {
            db.service_token_revoke(id, change.now)?;
            let what = format_args!("token “{}” revoked", token.label);
            change.tell(db, EventKind::ApiTokenRevoked, None, what)?;
            let deed = Deed::of(Action::ServiceTokenRevoked, "service_token", id)
                .before(json!({ "label": token.label, "owner": token.account }));
            change.record(db, deed)?;
        }
        Ok(())
    })
}
