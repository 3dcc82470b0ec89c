//! What a person is shown before signing, and what a signature is then held against.

use fleet::{
    Timestamp,
    access::{BREAK_GLASS_FOR, SamePerson, different_people},
    id::{AccountId, CareAreaId, GlassUseId, PumpId},
    signature::{Subject, SubjectKind, content_hash},
};
use serde_json::{Value, json};
use store::{AuditFilter, Db, PAGE_MAX, StoreError};
use thiserror::Error;
use uuid::Uuid;

use super::CommandError;

/// A subject in its present state.
#[derive(Debug)]
pub struct Shown {
    /// Which, in which version, by which hash.
    pub subject: Subject,
    /// The fields that the hash is over: all that a signature vouches for.
    pub content: Value,
    /// The care area it belongs to.
    pub care_area: Option<CareAreaId>,
    /// What people call it.
    pub title: String,
    /// Why it can not be signed at this moment.
    pub obstacle: Option<NotReady>,
    /// Whose deed it is: that person does not sign it.
    pub author: Option<AccountId>,
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
        self.author
            .map_or(Ok(()), |author| different_people(author, signer))
    }
}

/// A subject as it is now.
///
/// # Errors
/// [`StoreError::NotFound`].
pub fn show(db: &mut Db<'_>, kind: SubjectKind, id: Uuid, now: Timestamp) -> Result<Shown, CommandError> {
    match kind {
        SubjectKind::Pump => pump(db, PumpId::from_uuid(id)),
        SubjectKind::BreakGlass => glass_use(db, GlassUseId::from_uuid(id), now),
        SubjectKind::Hold | SubjectKind::Wave | SubjectKind::Rollout | SubjectKind::TrustRoot => {
            Err(StoreError::NotFound {
                what: kind.label(),
                id: id.to_string(),
            }
            .into())
        }
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
    let content = json!({
        "serial": pump.serial,
        "manufacturer": model.as_ref().map(|model| &model.manufacturer_name),
        "model": model.as_ref().map(|model| &model.name),
        "hardware_id": pump.hardware_id,
        "components": components,
        "hold": pump.hold.as_ref().map(|hold| hold.kind),
        "retired": pump.retired_at.is_some(),
    });
    let obstacle = if pump.retired_at.is_some() {
        Some(NotReady::Retired)
    } else if pump.hold.is_some() {
        Some(NotReady::Held)
    } else if pump.components.is_empty() {
        Some(NotReady::NothingReported)
    } else {
        None
    };
    let title = pump
        .asset_tag
        .as_ref()
        .map_or_else(|| pump.serial.to_string(), ToString::to_string);
    Ok(Shown {
        subject: subject(SubjectKind::Pump, id.as_uuid(), pump.content_version, &content),
        content,
        care_area: pump.care_area,
        title,
        obstacle,
        author: None,
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
        title: format!("{}, {}", person.printed_name, used.since),
        obstacle: is_open.then_some(NotReady::StillOpen { until: over_at }),
        author: Some(used.account),
    })
}
