//! Break-glass: a person looks and holds beyond the role, for an hour, with a reason. It alarms at once, and is reviewed
//! afterwards: the review is a signature.

use fleet::{
    access::Permission,
    audit::Action,
    event::EventKind,
    id::{GlassUseId, SessionId},
    text::Reason,
};
use secrecy::SecretString;
use serde_json::json;
use store::GlassUseRecord;

use super::{CommandError, change::Change, factor};
use crate::{
    app::{Actor, App, Who},
    auth::bearer::{self, Kind},
    deed::Deed,
};

fn session_of(actor: &Actor) -> Result<SessionId, CommandError> {
    match &actor.who {
        Who::Person { session, .. } => Ok(*session),
        Who::Program { .. } | Who::Gateway | Who::Unknown => Err(CommandError::OnlyAPerson),
    }
}

/// Breaks the glass in a session, which gets another secret, returned with the use. Takes the password: a tablet that was
/// left lying breaks nothing.
///
/// # Errors
/// [`CommandError::WrongFactor`].
pub fn break_glass(
    app: &App,
    actor: &Actor,
    password: SecretString,
    reason: &Reason,
) -> Result<(GlassUseRecord, SecretString), CommandError> {
    let session = session_of(actor)?;
    let account = factor::account_of(app, actor)?;
    let shown = factor::Shown {
        password: Some(password),
        ..factor::Shown::default()
    };
    factor::check(app, &account, &shown)?;
    let change = Change::by(actor, app, Permission::BreakGlassUse);
    let (secret, secret_hash) = bearer::fresh(Kind::Session);
    let used = GlassUseRecord {
        id: change.id(GlassUseId::from_uuid),
        account: account.id,
        since: change.now,
        reason: reason.clone(),
        ended_at: None,
    };
    change.commit(|db| {
        db.glass_use_create(&used)?;
        db.session_rotate(session, &secret_hash, Some(used.id), change.now)?;
        let what = format_args!("break-glass: {reason}");
        change.tell(db, EventKind::GlassBroken, None, what)?;
        let deed = Deed::of(Action::GlassBroken, "glass_use", used.id)
            .after(json!({ "until": used.over_at() }))
            .because(reason);
        change.record(db, deed)
    })?;
    Ok((used, secret))
}

/// Ends break-glass, before or after its time: the session is an ordinary one again, under another secret, which is returned.
///
/// # Errors
/// [`CommandError::NoGlass`].
pub fn end(app: &App, actor: &Actor) -> Result<SecretString, CommandError> {
    let id = session_of(actor)?;
    let (secret, secret_hash) = bearer::fresh(Kind::Session);
    // Also when its time is over, which leaves the session no right at all: so the right is not asked.
    let change = Change::proved(actor, app);
    change.commit(|db| {
        let session = db.session_fetch(id)?;
        session
            .times()
            .standing(change.now)
            .map_err(crate::auth::standing::NotStanding::SignedOut)?;
        let used = session.glass.ok_or(CommandError::NoGlass)?;
        db.glass_use_end(used, change.now)?;
        db.session_rotate(id, &secret_hash, None, change.now)?;
        change.record(db, Deed::of(Action::GlassEnded, "glass_use", used))
    })?;
    Ok(secret)
}
