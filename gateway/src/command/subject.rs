//! What a person is shown before signing, and what a signature is then held against.

use fleet::{
    Timestamp,
    access::{BREAK_GLASS_FOR, SamePerson, different_people},
    id::{AccountId, CareAreaId, GlassUseId, HoldId, PumpId, RepositoryId, RolloutId, WaveId},
    rollout::state::{AssignmentState, Stage},
    signature::{Meaning, Subject, SubjectKind, content_hash},
};
use serde_json::{Value, json};
use store::{AuditFilter, Db, PAGE_MAX, StoreError};
use thiserror::Error;
use uuid::Uuid;

use super::CommandError;

mod hold;
mod rollout;

/// A subject in its present state.
#[derive(Debug)]
pub struct Shown {
    /// Which, in which version, by which hash.
    pub subject: Subject,
    /// The fields that the hash is over: all that a signature vouches for.
    pub content: Value,
    /// The care area it belongs to.
    pub care_area: Option<CareAreaId>,
    /// The care areas of which one is signed for, where it belongs to several.
    pub care_areas: Vec<CareAreaId>,
    /// What people call it.
    pub title: String,
    /// Why it can not be signed at this moment.
    pub obstacle: Option<NotReady>,
    /// Whose deed it is: these people do not sign it (S12).
    pub authors: Vec<AccountId>,
}

/// Why a subject can not be signed at this moment. Saying `not now` is possible all the same.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotReady {
    /// A hold stands.
    #[error("the pump is held; it is verified after its hold was released")]
    Held,
    /// It left for good.
    #[error("the pump was retired")]
    Retired,
    /// It never said what it runs.
    #[error("the pump has not reported its software yet; let it connect first")]
    NothingReported,
    /// Its update is not at its end.
    #[error("its update is not at its end: {}", .at.label().to_lowercase())]
    Updating { at: AssignmentState },
    /// Nobody is asked for this now.
    #[error("nobody is asked to sign this now: {at}")]
    NotAsked { at: &'static str },
    /// The hold is history.
    #[error("the hold ended at {at}")]
    HoldOver { at: Timestamp },
    /// Evidence is touched by nothing.
    #[error("the pump is sequestered; it is not released, and nothing touches it")]
    Evidence,
    /// S4 begins with a passed retest.
    #[error("the retest has not passed: {}", .at.to_lowercase())]
    NotRetested { at: &'static str },
    /// No nurse could sign for it.
    #[error("the pump belongs to no care area; give it one, and a nurse of it signs")]
    NoCareArea,
    /// The glass is still broken.
    #[error("break-glass is still open, until {until}; review it when it is over")]
    StillOpen { until: Timestamp },
}

impl Shown {
    /// S12, and the second person of a review.
    ///
    /// # Errors
    /// [`SamePerson`].
    pub(super) fn signed_by(&self, signer: AccountId) -> Result<(), SamePerson> {
        self.authors
            .iter()
            .try_for_each(|author| different_people(*author, signer))
    }
}

/// A subject as it is now. What is shown of a wave depends on what is to be signed; where that is not said, on how far it is.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn show(
    db: &mut Db<'_>,
    kind: SubjectKind,
    id: Uuid,
    meaning: Option<Meaning>,
    now: Timestamp,
) -> Result<Shown, CommandError> {
    match kind {
        SubjectKind::Pump => pump(db, PumpId::from_uuid(id)),
        SubjectKind::BreakGlass => glass_use(db, GlassUseId::from_uuid(id), now),
        SubjectKind::Rollout => rollout::rollout(db, RolloutId::from_uuid(id)),
        SubjectKind::Wave => rollout::wave(db, WaveId::from_uuid(id), meaning),
        SubjectKind::TrustRoot => rollout::trust_root(db, RepositoryId::from_uuid(id)),
        SubjectKind::Hold => hold::hold(db, HoldId::from_uuid(id), meaning, now),
    }
}

/// The subject of a signature that was given, as it is now; nothing when it is gone.
///
/// # Errors
/// The database's.
pub(crate) fn current(
    db: &mut Db<'_>,
    kind: SubjectKind,
    id: Uuid,
    meaning: Meaning,
    now: Timestamp,
) -> Result<Option<Subject>, StoreError> {
    match show(db, kind, id, Some(meaning), now) {
        Ok(shown) => Ok(Some(shown.subject)),
        Err(CommandError::Store(StoreError::NotFound { .. })) => Ok(None),
        Err(CommandError::Store(error)) => Err(error),
        Err(other) => Err(StoreError::Corrupt {
            attempted: "read what was signed",
            detail: other.to_string(),
        }),
    }
}

fn subject(kind: SubjectKind, id: Uuid, version: i64, content: &Value) -> Subject {
    Subject {
        kind,
        id,
        version,
        content_hash: content_hash(kind, content),
    }
}

/// A pump: what it is and what it runs. Where it stands and which tag it bears may change without voiding a signature.
fn pump(db: &mut Db<'_>, id: PumpId) -> Result<Shown, CommandError> {
    let pump = db.pump_fetch(id)?;
    let model = db.model_list()?.into_iter().find(|model| model.id == pump.model);
    let components: Vec<_> = pump
        .components
        .iter()
        .map(|part| json!({ "name": part.name, "version": part.version }))
        .collect();
    let updates = db.assignment_of_pump(id)?;
    let at = |stage| {
        updates
            .iter()
            .find(move |assignment| assignment.state.stage() == stage)
    };
    let under_way = at(Stage::Updating);
    let update = under_way.or(at(Stage::Verified));
    let results = match update {
        None => Vec::new(),
        Some(update) => db.check_result_of(&[update.id])?,
    };
    // After an update the signature is for that update and for every reading: an older one does not stand for it.
    let proved: Vec<_> = results
        .iter()
        .map(|result| json!({ "at": result.at, "by": result.account, "readings": result.body }))
        .collect();
    let content = json!({
        "serial": pump.serial,
        "manufacturer": model.as_ref().map(|model| &model.manufacturer_name),
        "model": model.as_ref().map(|model| &model.name),
        "hardware_id": pump.hardware_id,
        "components": components,
        "hold": pump.hold.as_ref().map(|hold| hold.kind),
        "retired": pump.retired_at.is_some(),
        "update": update.map(|update| json!({ "id": update.id, "ticket": update.ticket, "checks": proved })),
    });
    let authors = results.iter().filter_map(|result| result.account).collect();
    let obstacle = if pump.retired_at.is_some() {
        Some(NotReady::Retired)
    } else if pump.hold.is_some() {
        Some(NotReady::Held)
    } else if pump.components.is_empty() {
        Some(NotReady::NothingReported)
    } else {
        under_way
            .map(|update| update.state)
            .filter(|state| *state != AssignmentState::AwaitingSignoff)
            .map(|at| NotReady::Updating { at })
    };
    let title = pump
        .asset_tag
        .as_ref()
        .map_or_else(|| pump.serial.to_string(), ToString::to_string);
    Ok(Shown {
        subject: subject(SubjectKind::Pump, id.as_uuid(), pump.content_version, &content),
        content,
        care_area: pump.care_area,
        care_areas: Vec::new(),
        title,
        obstacle,
        authors,
    })
}

/// A use of break-glass: who, why, and everything that person did while it lasted.
fn glass_use(db: &mut Db<'_>, id: GlassUseId, now: Timestamp) -> Result<Shown, CommandError> {
    let used = db.glass_use_fetch(id)?;
    let person = db.account_fetch(used.account)?;
    let over_at = used.over_at();
    let filter = AuditFilter {
        account: Some(used.account),
        since: Some(used.since),
        until: Some(over_at),
        ..AuditFilter::default()
    };
    let mut deeds = Vec::new();
    let mut after = None;
    loop {
        let page = db.audit_list(&filter, after.as_deref(), PAGE_MAX)?;
        for row in page.items {
            let number = row.number;
            let line = row.read().map_err(|detail| StoreError::Corrupt {
                attempted: "read what was done under break-glass",
                detail: format!("audit entry {number}: {detail}"),
            })?;
            let entry = line.entry;
            deeds.push(json!({
                "entry": number,
                "at": entry.at,
                "action": entry.action,
                "subject_kind": entry.subject.kind,
                "subject_id": entry.subject.id,
            }));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    deeds.reverse();
    let content = json!({
        "account": used.account,
        "printed_name": person.printed_name,
        "since": used.since,
        "over_at": over_at,
        "reason": used.reason,
        "deeds": deeds,
    });
    let is_open = now < over_at && used.since + BREAK_GLASS_FOR > now;
    Ok(Shown {
        subject: subject(SubjectKind::BreakGlass, id.as_uuid(), 1, &content),
        content,
        care_area: None,
        care_areas: Vec::new(),
        title: format!("{}, {}", person.printed_name, used.since),
        obstacle: is_open.then_some(NotReady::StillOpen { until: over_at }),
        authors: vec![used.account],
    })
}
