//! Waves as a ward sees them: what comes to the bedside, and what came of it; for the care areas of whoever looks.

use std::collections::BTreeMap;

use fleet::{
    Timestamp,
    access::{Permission, Reach},
    id::{CareAreaId, RolloutId, WaveId},
    rollout::state::{Stage, WaveState},
    signature::{Digest, Meaning, SignatureState, SubjectKind, state},
};
use serde::{Deserialize, Deserializer};
use store::{Db, PumpListing, StoreError, WaveRecord};

use crate::{
    api::problem::Problem,
    app::App,
    command::{sign, subject},
    engine::rollout::facts,
    web::{gate::Visitor, pump::Line, words},
};

/// What was shown, as it comes back with the form.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Shown {
    pub(super) wave: WaveId,
    pub(super) care_area: CareAreaId,
    /// A part of a form that holds more: what is read of it comes as text.
    #[serde(deserialize_with = "number")]
    pub(super) version: i64,
    pub(super) content_hash: Digest,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}

impl Shown {
    pub(super) fn wanted(self, meaning: Meaning) -> sign::Wanted {
        sign::Wanted {
            kind: SubjectKind::Wave,
            id: self.wave.as_uuid(),
            version: self.version,
            content_hash: self.content_hash,
            meaning,
            care_area: Some(self.care_area),
            comment: None,
        }
    }
}

/// Something of a wave that one care area is asked for.
pub(super) struct Asked {
    pub(super) shown: Shown,
    pub(super) area: String,
    /// `AX-1 wireless 3.3.0`.
    pub(super) release: String,
    pub(super) number: i64,
    pub(super) bedside: Vec<String>,
    /// The care area's pumps of it, by the name on their labels.
    pub(super) pumps: Vec<Member>,
    pub(super) came_of_it: Outcome,
    /// What comes next, if anything does.
    pub(super) next: Option<Next>,
    /// Somebody may sign here.
    pub(super) may_sign: bool,
    /// A charge nurse signed it already, and it stands.
    pub(super) is_signed: bool,
    /// So many people of the care area said that they read it.
    pub(super) readers: i64,
}

/// A pump of a wave.
pub(super) struct Member {
    pub(super) line: Line,
    pub(super) said: &'static str,
}

/// What came of a wave, in the whole hospital.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) total: u32,
    pub(super) verified: u32,
    pub(super) failures: u32,
    /// The names of those that failed, of this care area.
    pub(super) failed: Vec<String>,
    pub(super) left_behind: u32,
    pub(super) taken_out: u32,
    /// With patients now, and not updated: they are not touched.
    pub(super) with_patients: usize,
}

/// The wave after.
pub(super) struct Next {
    pub(super) number: i64,
    pub(super) pumps: usize,
    pub(super) areas: String,
    /// `4 West: 9 in service now, at least 3 stay.`
    pub(super) stay: Vec<String>,
}

/// What everybody is asked for about waves, by what they may say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Briefing,
    Approval,
}

impl Ask {
    const fn fits(self, state: WaveState) -> bool {
        match self {
            Self::Briefing => matches!(state, WaveState::Briefing),
            Self::Approval => matches!(state, WaveState::AwaitingApproval),
        }
    }

    const fn meaning(self) -> Meaning {
        match self {
            Self::Briefing => Meaning::BriefingAcknowledged,
            Self::Approval => Meaning::ApprovedForWave,
        }
    }

    /// Who is shown it.
    const fn shown_to(self) -> Permission {
        match self {
            Self::Briefing => Permission::BriefingRead,
            Self::Approval => Permission::SignWave,
        }
    }
}

/// Everything of this kind that is asked of the care areas of somebody, the oldest rollout first.
pub(super) fn asked(app: &App, visitor: &Visitor, ask: Ask) -> Result<Vec<Asked>, Problem> {
    let now = app.now();
    let Some(reach) = visitor.reach(app, ask.shown_to()) else {
        return Ok(Vec::new());
    };
    let signs = visitor.reach(app, ask.meaning().permission());
    app.store
        .read(|db| Ok(read(db, app, ask, &reach, signs.as_ref(), now)))?
}

fn read(
    db: &mut Db<'_>,
    app: &App,
    ask: Ask,
    reach: &Reach,
    signs: Option<&Reach>,
    now: Timestamp,
) -> Result<Vec<Asked>, Problem> {
    let rollouts: Vec<RolloutId> = db.rollout_at_work()?.iter().map(|rollout| rollout.id).collect();
    let waves = db.wave_of(&rollouts)?;
    let mut all = Vec::new();
    for wave in waves.iter().filter(|wave| ask.fits(wave.state)) {
        let id = wave.id.as_uuid();
        let shown = subject::show(db, SubjectKind::Wave, id, Some(ask.meaning()), now)?;
        for area in shown
            .care_areas
            .iter()
            .filter(|area| reach.includes(Some(**area)))
        {
            let signed = db.signature_of(SubjectKind::Wave, id)?.iter().any(|record| {
                let statement = &record.statement;
                statement.answer.is_signature()
                    && statement.answer.meaning() == ask.meaning()
                    && statement.care_area.as_ref().map(|named| named.id) == Some(*area)
                    && state(statement, Some(&shown.subject)) == SignatureState::Valid
            });
            let form = Shown {
                wave: wave.id,
                care_area: *area,
                version: shown.subject.version,
                content_hash: shown.subject.content_hash,
            };
            let next = waves
                .iter()
                .find(|other| other.rollout == wave.rollout && other.number == wave.number + 1);
            let mut one = of_area(db, app, wave, form, now)?;
            one.next = match next {
                Some(next) if ask == Ask::Approval => Some(coming(db, app, next, now)?),
                _ => None,
            };
            one.may_sign = signs.is_some_and(|signs| signs.includes(Some(*area)));
            one.is_signed = signed;
            all.push(one);
        }
    }
    Ok(all)
}

fn of_area(
    db: &mut Db<'_>,
    app: &App,
    wave: &WaveRecord,
    shown: Shown,
    now: Timestamp,
) -> Result<Asked, StoreError> {
    let rollout = db.rollout_fetch(wave.rollout)?;
    let release = facts::release(db, rollout.release)?;
    let areas = db.care_area_list()?;
    let area = areas.iter().find(|area| area.id == shown.care_area);
    let assignments = db.assignment_of(&[wave.rollout])?;
    let of_wave: Vec<_> = assignments.iter().filter(|row| row.wave == wave.id).collect();
    let ids: Vec<_> = of_wave.iter().map(|row| row.pump).collect();
    let listings: BTreeMap<_, PumpListing> = db
        .pump_listing_of(&ids)?
        .into_iter()
        .map(|listing| (listing.pump.id, listing))
        .collect();
    let (mut came_of_it, mut pumps) = (Outcome::default(), Vec::new());
    for row in of_wave {
        let Some(listing) = listings.get(&row.pump) else {
            continue;
        };
        let line = Line::of(listing, app, now);
        let is_here = row.care_area == shown.care_area;
        let stage = row.state.stage();
        let counts = stage != Stage::Left || row.left_behind;
        came_of_it.total += u32::from(counts);
        came_of_it.taken_out += u32::from(!counts);
        came_of_it.left_behind += u32::from(row.left_behind);
        came_of_it.verified += u32::from(stage == Stage::Verified);
        came_of_it.failures += u32::from(stage == Stage::Failed);
        came_of_it.with_patients +=
            usize::from(line.in_use && matches!(stage, Stage::Waiting | Stage::Preparing | Stage::Left));
        if is_here && stage == Stage::Failed {
            came_of_it.failed.push(line.name.clone());
        }
        if is_here {
            pumps.push(Member {
                said: if row.left_behind {
                    "Later"
                } else {
                    row.state.label()
                },
                line,
            });
        }
    }
    pumps.sort_by(|a, b| a.line.name.cmp(&b.line.name));
    let readers = db.briefing_counts(&[wave.id])?;
    let readers = readers.iter().find(|count| count.care_area == shown.care_area);
    Ok(Asked {
        shown,
        area: area.map(|area| area.name.to_string()).unwrap_or_default(),
        release: format!("{} {}", release.manifest.name, release.manifest.version),
        number: wave.number,
        bedside: release.manifest.bedside.iter().map(ToString::to_string).collect(),
        pumps,
        came_of_it,
        next: None,
        may_sign: false,
        is_signed: false,
        readers: readers.map_or(0, |count| count.people),
    })
}

/// What the wave after touches, and how many stay available there.
fn coming(db: &mut Db<'_>, app: &App, wave: &WaveRecord, now: Timestamp) -> Result<Next, StoreError> {
    let standing = db.assignment_standing_in(wave.id)?;
    let board = crate::web::board::Facts::read(db)?.board(app, now);
    let concerned: Vec<_> = board
        .rows
        .iter()
        .filter(|row| standing.iter().any(|one| one.care_area == row.id))
        .collect();
    let names: Vec<_> = concerned.iter().map(|row| row.name.as_str()).collect();
    let stay = concerned.iter().map(|row| {
        format!(
            "{}: {} in service now; at least {} stay in service while it goes on.",
            row.name,
            row.counts.in_service(),
            row.keep
        )
    });
    Ok(Next {
        number: wave.number,
        pumps: standing.len(),
        areas: words::listed(&names),
        stay: stay.collect(),
    })
}
