//! Signing, and saying `not now`.
//!
//! A signature is taken or refused as a whole, in one transaction: the right at this instant, the document as it is now, the
//! factors, that it was not given before. What is refused leaves nothing but an entry in the audit trail.

use fleet::{
    access::{Grant, Reach, Role, reach},
    audit::Action,
    event::EventKind,
    id::{CareAreaId, HoldId, PumpId, SignatureId},
    signature::{
        Answer, Digest, Meaning, Named, RequiredFactors, SessionFacts, SignatureState, SignatureStatement,
        Subject, SubjectKind, ZonedTime, canonical, check_factors, required_factors, state,
    },
    text::Reason,
};
use serde_json::json;
use store::{Db, SessionRecord, SignatureRecord, StoreError};
use uuid::Uuid;

use super::{
    CommandError,
    change::Change,
    factor,
    hold::release,
    pump,
    subject::{self, Shown},
};
use crate::{
    app::{Actor, App, Who},
    auth::standing,
    deed::Deed,
};

/// What somebody wants to sign, as it was shown.
#[derive(Debug)]
pub struct Wanted {
    pub kind: SubjectKind,
    pub id: Uuid,
    /// The version that was shown.
    pub version: i64,
    /// The hash of what was shown.
    pub content_hash: Digest,
    pub meaning: Meaning,
    /// For which care area, where the subject belongs to several.
    pub care_area: Option<CareAreaId>,
    /// A remark.
    pub comment: Option<Reason>,
}

/// Signs.
///
/// # Errors
/// [`CommandError::WrongFactor`], [`CommandError::Ceremony`], [`CommandError::ContentChanged`], [`CommandError::NotReady`],
/// [`CommandError::AlreadySigned`], [`CommandError::SamePerson`], [`CommandError::Denied`], [`CommandError::NotStanding`].
pub fn sign(
    app: &App,
    actor: &Actor,
    wanted: &Wanted,
    factors: &factor::Shown,
) -> Result<SignatureRecord, CommandError> {
    let signed = checked_and_signed(app, actor, wanted, factors);
    if let Err(refusal) = &signed {
        refused(app, actor, wanted, refusal);
    }
    signed
}

fn checked_and_signed(
    app: &App,
    actor: &Actor,
    wanted: &Wanted,
    factors: &factor::Shown,
) -> Result<SignatureRecord, CommandError> {
    let account = factor::account_of(app, actor)?;
    let found = factor::check(app, &account, factors)?;
    let change = Change::by(actor, app, wanted.meaning.permission());
    // A signature that lifts a hold changes what the gate and the pump are told.
    let is_of_hold = wanted.kind == SubjectKind::Hold;
    let _turn = is_of_hold.then(pump::in_turn);
    let (record, released) = change.commit(|db| {
        let shown = as_it_was_shown(&change, db, wanted)?;
        if let Some(obstacle) = &shown.obstacle {
            return Err(CommandError::NotReady(obstacle.clone()));
        }
        shown.signed_by(account.id)?;
        not_signed_before(&change, db, wanted, &shown.subject, shown.care_area)?;

        let session = session(db, actor)?;
        let required = required_factors(&facts(&session, actor), change.now);
        check_factors(required, &found.factors)?;
        factor::use_up(db, account.id, &found)?;

        let answer = Answer::Signed {
            meaning: wanted.meaning,
            comment: wanted.comment.clone(),
        };
        let factors = factor::words(&found.factors);
        let record = record(&change, db, &shown, answer, &session, factors)?;
        if required == RequiredFactors::PasswordAndSecond {
            db.session_signed(session.id, change.now)?;
        }
        put_on_record(&change, db, &shown, &record, Action::Signed)?;
        let released = if is_of_hold {
            release::when_complete(&change, db, HoldId::from_uuid(wanted.id))?
        } else {
            None
        };
        Ok((record, released))
    })?;
    if let Some(released) = released {
        released.tell(app);
    }
    Ok(record)
}

/// Says `not now`, with a reason. It takes the same right as signing, and no factor beyond the session: saying no must be easy.
///
/// # Errors
/// As [`sign`], without those about factors.
pub fn not_now(
    app: &App,
    actor: &Actor,
    wanted: &Wanted,
    reason: &Reason,
) -> Result<SignatureRecord, CommandError> {
    let change = Change::by(actor, app, wanted.meaning.permission());
    change.commit(|db| {
        let shown = as_it_was_shown(&change, db, wanted)?;
        let session = session(db, actor)?;
        let answer = Answer::NotNow {
            asked: wanted.meaning,
            reason: reason.clone(),
        };
        let record = record(&change, db, &shown, answer, &session, String::new())?;
        put_on_record(&change, db, &shown, &record, Action::SignedNotNow)?;
        Ok(record)
    })
}

/// The subject as it is now, which must be as it was shown, and this person's to sign.
fn as_it_was_shown(change: &Change<'_>, db: &mut Db<'_>, wanted: &Wanted) -> Result<Shown, CommandError> {
    if wanted.meaning.subject() != wanted.kind {
        return Err(CommandError::MeaningDoesNotFit {
            meaning: wanted.meaning,
            kind: wanted.kind,
        });
    }
    let mut shown = subject::show(db, wanted.kind, wanted.id, Some(wanted.meaning), change.now)?;
    if !shown.care_areas.is_empty() {
        shown.care_area = Some(one_of(&shown.care_areas, wanted.care_area)?);
    }
    change.within(shown.care_area)?;
    let current = &shown.subject;
    if current.version == wanted.version && current.content_hash == wanted.content_hash {
        Ok(shown)
    } else {
        Err(CommandError::ContentChanged {
            kind: wanted.kind,
            shown: wanted.version,
            current: current.version,
        })
    }
}

/// The care area that is signed for. Where there is only one it need not be said.
fn one_of(care_areas: &[CareAreaId], wanted: Option<CareAreaId>) -> Result<CareAreaId, CommandError> {
    match (wanted, care_areas) {
        (Some(wanted), _) if care_areas.contains(&wanted) => Ok(wanted),
        (None, [only]) => Ok(*only),
        (Some(_) | None, _) => Err(CommandError::WhichCareArea {
            count: care_areas.len(),
        }),
    }
}

fn not_signed_before(
    change: &Change<'_>,
    db: &mut Db<'_>,
    wanted: &Wanted,
    current: &Subject,
    care_area: Option<CareAreaId>,
) -> Result<(), CommandError> {
    let before = db
        .signature_of(wanted.kind, wanted.id)?
        .into_iter()
        .find(|record| {
            let statement = &record.statement;
            Some(statement.account) == change.actor.account()
                && statement.answer.is_signature()
                && statement.answer.meaning() == wanted.meaning
                && statement.care_area.as_ref().map(|area| area.id) == care_area
                && state(statement, Some(current)) == SignatureState::Valid
        });
    match before {
        None => Ok(()),
        Some(record) => Err(CommandError::AlreadySigned {
            at: record.statement.signed_at,
        }),
    }
}

fn session(db: &mut Db<'_>, actor: &Actor) -> Result<SessionRecord, CommandError> {
    match &actor.who {
        Who::Person { session, .. } => Ok(db.session_fetch(*session)?),
        Who::Program { .. } | Who::Gateway | Who::Unknown => Err(CommandError::OnlyAPerson),
    }
}

/// A session that moved to another address is not a continuous one, whatever explains it.
fn facts(session: &SessionRecord, actor: &Actor) -> SessionFacts {
    SessionFacts {
        authenticated_at: session.authenticated_at,
        first_signature_done: session.signed_at.is_some(),
        continuous: session.address == actor.origin.address,
    }
}

/// What a signature takes in a session, for whoever shows the form.
#[must_use]
pub fn takes(session: &SessionRecord, actor: &Actor, now: fleet::Timestamp) -> RequiredFactors {
    required_factors(&facts(session, actor), now)
}

/// The role by which a person may sign here: the first of the table that holds the right in this care area.
fn role(
    change: &Change<'_>,
    db: &mut Db<'_>,
    meaning: Meaning,
    care_area: Option<CareAreaId>,
) -> Result<Role, CommandError> {
    let mut principal = standing::principal(db, &change.actor.who, change.now)?;
    let grants = std::mem::take(&mut principal.grants);
    let mut holds = |grant: &Grant| {
        principal.grants = vec![grant.clone()];
        reach(&principal, meaning.permission(), change.now)
            .is_ok_and(|reach: Reach| reach.includes(care_area))
    };
    let first = grants.iter().find(|grant| holds(grant)).map(|grant| grant.role);
    first.ok_or_else(|| {
        fleet::access::Denied::NotYourRole {
            permission: meaning.permission(),
        }
        .into()
    })
}

fn record(
    change: &Change<'_>,
    db: &mut Db<'_>,
    shown: &Shown,
    answer: Answer,
    session: &SessionRecord,
    factors: String,
) -> Result<SignatureRecord, CommandError> {
    let account = db.account_fetch(session.account)?;
    let care_area = match shown.care_area {
        None => None,
        Some(id) => db
            .care_area_list()?
            .into_iter()
            .find(|area| area.id == id)
            .map(|area| Named { id, name: area.name }),
    };
    let statement = SignatureStatement {
        id: change.id(SignatureId::from_uuid),
        subject: shown.subject,
        role: role(change, db, answer.meaning(), shown.care_area)?,
        answer,
        printed_name: account.printed_name,
        account: account.id,
        care_area,
        device: standing::device(db, session)?,
        signed_at: ZonedTime::new(change.now, change.app.people.offset(change.now)),
    };
    let key = &change.app.people.record_key;
    let seal = key.sign(&statement.canonical_bytes())?;
    Ok(SignatureRecord {
        statement,
        content: canonical::to_json(&shown.content),
        session: session.id,
        factors,
        seal,
        key_id: key.id().to_owned(),
    })
}

fn put_on_record(
    change: &Change<'_>,
    db: &mut Db<'_>,
    shown: &Shown,
    record: &SignatureRecord,
    action: Action,
) -> Result<(), CommandError> {
    db.signature_create(record)?;
    let statement = &record.statement;
    let subject = &statement.subject;
    let pump = match subject.kind {
        SubjectKind::Pump => Some(PumpId::from_uuid(subject.id)),
        SubjectKind::Hold => Some(db.hold_fetch(HoldId::from_uuid(subject.id))?.pump),
        SubjectKind::Wave | SubjectKind::Rollout | SubjectKind::TrustRoot | SubjectKind::BreakGlass => None,
    };
    let what = format_args!(
        "{}: {} ({})",
        statement.answer.label(),
        shown.title,
        statement.role
    );
    let kind = match action {
        Action::SignedNotNow => EventKind::SignatureDeclined,
        _ => EventKind::Signed,
    };
    change.tell(db, kind, pump, what)?;
    let mut deed = Deed::of(action, subject.kind.as_str(), subject.id).after(json!({
        "signature": statement.id,
        "meaning": statement.answer.meaning(),
        "role": statement.role,
        "version": subject.version,
        "content_hash": subject.content_hash,
        "statement_hash": Digest::of(&statement.canonical_bytes()),
        "factors": record.factors,
    }));
    if let Some(comment) = statement.answer.comment() {
        deed = deed.because(comment);
    }
    change.record(db, deed)
}

/// What was refused is on record, with what was wanted and why it was not taken.
fn refused(app: &App, actor: &Actor, wanted: &Wanted, refusal: &CommandError) {
    // What the database can not do now it can not put on record either; a lost right is on record already.
    if matches!(
        refusal,
        CommandError::Store(StoreError::Unavailable { .. }) | CommandError::Denied(_)
    ) {
        return;
    }
    let deed = Deed::of(Action::SignatureRefused, wanted.kind.as_str(), wanted.id).after(json!({
        "meaning": wanted.meaning,
        "version": wanted.version,
        "content_hash": wanted.content_hash,
        "why": refusal.to_string(),
    }));
    let entry = deed.entry(actor, app.now());
    if let Err(error) = app.store.write(|db| db.audit_append(entry).map(drop)) {
        tracing::error!(%error, "a refused signature could not be put on record");
    }
}
