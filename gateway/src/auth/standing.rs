//! What somebody may do at this instant, read afresh: a session that ended, a role that was taken away or a token that was
//! revoked a second ago is not in it.

use fleet::{
    Timestamp,
    access::{Principal, PrincipalKind, SignedOut},
    id::DeviceId,
    signature::Named,
};
use store::{AccountRecord, Db, ServiceTokenRecord, SessionRecord, StoreError};
use thiserror::Error;

use crate::app::Who;

/// Why nobody is recognised. The words may be shown to whoever asks.
#[derive(Debug, Error)]
pub enum NotStanding {
    /// Nothing was sent, or nothing of ours.
    #[error("who is asking is not known: {0}")]
    Unknown(&'static str),
    /// The session is over.
    #[error("{0}")]
    SignedOut(SignedOut),
    /// The token ran out, or was taken back.
    #[error("the token has expired or was revoked; have a new one made")]
    TokenOver,
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody may do now.
///
/// # Errors
/// [`NotStanding`] when they may do nothing at all.
pub fn principal(db: &mut Db<'_>, who: &Who, now: Timestamp) -> Result<Principal, NotStanding> {
    match who {
        Who::Person { session, account, .. } => {
            let session = db.session_fetch(*session)?;
            let person = db.account_fetch(*account)?;
            of_session(db, &session, &person, now)
        }
        Who::Program { token, owner, .. } => {
            let token = db.service_token_fetch(*token)?;
            let owner = db.account_fetch(*owner)?;
            of_token(db, &token, &owner, now)
        }
        Who::Gateway | Who::Unknown => Err(NotStanding::Unknown("nobody signed in")),
    }
}

/// What the person of a session may do now.
///
/// # Errors
/// As [`principal`].
pub fn of_session(
    db: &mut Db<'_>,
    session: &SessionRecord,
    person: &AccountRecord,
    now: Timestamp,
) -> Result<Principal, NotStanding> {
    session.times().standing(now).map_err(NotStanding::SignedOut)?;
    if person.disabled_at.is_some() {
        return Err(NotStanding::SignedOut(SignedOut::AccountDisabled));
    }
    let kind = match session.glass {
        None => PrincipalKind::Person,
        Some(used) => PrincipalKind::BreakGlass(db.glass_use_fetch(used)?.glass()),
    };
    Ok(Principal {
        account: person.id,
        grants: db.grant_list(person.id)?,
        kind,
    })
}

/// What the program of a token may do now: never more than its scopes, never more than its owner.
///
/// # Errors
/// As [`principal`].
pub fn of_token(
    db: &mut Db<'_>,
    token: &ServiceTokenRecord,
    owner: &AccountRecord,
    now: Timestamp,
) -> Result<Principal, NotStanding> {
    if token.revoked_at.is_some() || now >= token.expires_at || owner.disabled_at.is_some() {
        return Err(NotStanding::TokenOver);
    }
    Ok(Principal {
        account: owner.id,
        grants: db.grant_list(owner.id)?,
        kind: PrincipalKind::Program {
            scopes: token.permissions(),
        },
    })
}

/// The device of a session, by the name it has.
///
/// # Errors
/// The database's.
pub fn device(db: &mut Db<'_>, session: &SessionRecord) -> Result<Option<Named<DeviceId>>, StoreError> {
    session
        .device
        .map(|id| {
            db.device_fetch(id).map(|device| Named {
                id,
                name: device.name,
            })
        })
        .transpose()
}
