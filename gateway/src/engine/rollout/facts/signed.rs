//! Signatures, each held against what it was given for as that is now.
//!
//! What is signed of a rollout or a wave names every pump of it, so it is put together once and kept until something of it
//! changes: for a rollout and a briefing that is the rollout's content; for what came of a wave also the states of its pumps. Serial
//! numbers, names of waves and the pumps of a wave do not change.

use std::collections::{HashMap, hash_map::Entry};

use fleet::{
    Timestamp,
    id::{RolloutId, WaveId},
    rollout::gate::Signed,
    signature::{Meaning, SignatureStatement, Subject, SubjectKind},
};
use store::{Db, StoreError};
use uuid::Uuid;

use crate::command::subject;

/// The signatures of rollouts and waves, and what they were given for.
#[derive(Default)]
pub(super) struct Signatures {
    given: HashMap<(SubjectKind, Uuid), Vec<SignatureStatement>>,
    subjects: HashMap<(SubjectKind, Uuid, Meaning), Option<Subject>>,
}

impl Signatures {
    /// Somebody signed something.
    pub(super) fn forget_given(&mut self, kind: SubjectKind, id: Uuid) {
        self.given.remove(&(kind, id));
    }

    /// The content of a rollout changed, and with it that of its waves.
    pub(super) fn forget_rollout(&mut self, id: RolloutId, waves: impl Iterator<Item = WaveId>) {
        let mut gone: Vec<_> = waves.map(|wave| (SubjectKind::Wave, wave.as_uuid())).collect();
        gone.push((SubjectKind::Rollout, id.as_uuid()));
        self.subjects
            .retain(|(kind, id, _), _| !gone.contains(&(*kind, *id)));
    }

    /// A pump of a wave is further. Says whether anything that was signed depends on that.
    pub(super) fn forget_outcome(&mut self, wave: WaveId) -> bool {
        let id = wave.as_uuid();
        let before = self.subjects.len();
        self.subjects.retain(|(kind, subject, meaning), _| {
            *kind != SubjectKind::Wave || *subject != id || *meaning == Meaning::BriefingAcknowledged
        });
        before != self.subjects.len()
    }

    /// What was signed of a rollout or a wave.
    pub(super) fn of(
        &mut self,
        db: &mut Db<'_>,
        kind: SubjectKind,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Vec<Signed>, StoreError> {
        let statements = match self.given.remove(&(kind, id)) {
            Some(statements) => statements,
            None => db
                .signature_of(kind, id)?
                .into_iter()
                .map(|record| record.statement)
                .collect(),
        };
        let mut signed = Vec::with_capacity(statements.len());
        for statement in &statements {
            let meaning = statement.answer.meaning();
            let current = match self.subjects.entry((kind, id, meaning)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(vacant) => *vacant.insert(subject::current(db, kind, id, meaning, now)?),
            };
            signed.extend(Signed::of(statement, current.as_ref()));
        }
        self.given.insert((kind, id), statements);
        Ok(signed)
    }
}

/// Signatures of one subject that is small: it is read each time.
pub(super) fn held_against_the_record(
    db: &mut Db<'_>,
    statements: &[SignatureStatement],
    now: Timestamp,
) -> Result<Vec<Signed>, StoreError> {
    let mut subjects: HashMap<_, Option<Subject>> = HashMap::new();
    let mut signed = Vec::with_capacity(statements.len());
    for statement in statements {
        let Subject { kind, id, .. } = statement.subject;
        let meaning = statement.answer.meaning();
        let current = match subjects.entry(meaning) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => *vacant.insert(subject::current(db, kind, id, meaning, now)?),
        };
        signed.extend(Signed::of(statement, current.as_ref()));
    }
    Ok(signed)
}
