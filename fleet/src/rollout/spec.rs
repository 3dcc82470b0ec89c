//! What a person writes of a rollout: which pumps, in which waves, when, within which bounds. It is what an approval vouches for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    limits::{Limits, Percent},
    window::{Window, WindowError},
};
use crate::{
    filter::{Expr, matches},
    id::PumpId,
    pump::PumpFacts,
    release::{Manifest, NotEligible, TargetPath, choose_target},
    text::Name,
};

/// The most waves of one rollout.
pub const WAVES_MAX: usize = 50;
/// The most windows of one rollout.
pub const WINDOWS_MAX: usize = 20;
/// The most pumps that may join one rollout.
pub const JOINS_MAX: u32 = 10_000;

/// A rollout as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spec {
    /// Which pumps.
    pub pumps: Selection,
    /// In this order.
    pub waves: Vec<WaveSpec>,
    /// When pumps are touched; none is at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowSpec>,
    /// Bounds; what is left out is as it usually is.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// Pumps that come to be meant while the rollout runs join its last wave; without it none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joins: Option<JoinSpec>,
}

/// Pumps that join later. The last wave says which: those that it would have taken, while nobody was told of it yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JoinSpec {
    /// At most so many.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10000))]
    pub at_most: u32,
}

/// Which pumps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Selection {
    /// Those that a filter matches.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    Filter(Expr),
    /// These.
    List(BTreeSet<PumpId>),
}

/// A wave as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaveSpec {
    /// What people call it.
    pub name: Name,
    /// Which of the pumps that no earlier wave took.
    pub takes: Takes,
}

/// Which of the pumps that are left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Takes {
    /// Those of these care areas.
    CareAreas(BTreeSet<Name>),
    /// So many, spread over the care areas.
    Count(u32),
    /// So large a share of all, rounded up, spread over the care areas.
    Percent(Percent),
    /// These.
    List(BTreeSet<PumpId>),
    /// Those that a filter matches.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    Filter(Expr),
    /// All that are left.
    Rest,
}

/// A maintenance window as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WindowSpec {
    /// When it opens: minute, hour, day of month, month, day of week, such as `0 22 * * MON-FRI`.
    pub opens: String,
    /// For how long.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1440))]
    pub minutes: u32,
    /// On clocks of this IANA zone.
    pub zone: String,
    /// Days of that zone on which it does not open.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub not_on: BTreeSet<NaiveDate>,
}

macro_rules! limits {
    ($($(#[$meta:meta])* $name:ident: $type:ty, $field:ident, $of:expr, $back:expr;)+) => {
        /// Bounds as they are written. What is left out is as it usually is; times are whole seconds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct LimitsSpec {
            $($(#[$meta])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)+
        }

        impl LimitsSpec {
            /// With what was left out.
            #[must_use]
            pub fn complete(&self) -> Limits {
                let mut limits = Limits::DEFAULT;
                $(if let Some(given) = self.$name {
                    limits.$field = $of(given);
                })+
                limits
            }

            /// Every bound, those that were left out as well.
            #[must_use]
            pub fn whole(limits: &Limits) -> Self {
                Self { $($name: Some($back(limits.$field)),)+ }
            }
        }
    };
}

fn seconds(given: u32) -> TimeDelta {
    TimeDelta::seconds(given.into())
}

fn in_seconds(given: TimeDelta) -> u32 {
    u32::try_from(given.num_seconds()).unwrap_or(u32::MAX)
}

fn same<T>(given: T) -> T {
    given
}

limits! {
    /// More failures than this share of a wave halt it, and
    failure_percent: Percent, failure_share, same, same;
    /// at least so many.
    failure_count: u32, failure_count, same, same;
    /// So much of a wave has to be verified before the next.
    verified_percent: Percent, verified_share, same, same;
    /// So much of a care area's staff has to have read the briefing.
    briefing_percent: Percent, briefing_share, same, same;
    /// So long a wave is watched.
    soak_seconds: u32, soak, seconds, in_seconds;
    /// So long in an emergency.
    emergency_soak_seconds: u32, emergency_soak, seconds, in_seconds;
    /// A pump that activates and says nothing for so long has failed.
    silence_seconds: u32, install_silence, seconds, in_seconds;
    /// Checks that did not come to an end after so long have failed.
    checks_seconds: u32, check_deadline, seconds, in_seconds;
    /// A pump that did not begin to install so long after its wave opened goes to the catch-up list.
    laggard_seconds: u32, laggard_after, seconds, in_seconds;
    /// A ticket is good for at most so long.
    ticket_seconds: u32, ticket_life, seconds, in_seconds;
    /// Nothing is installed when less than this is left of the window.
    install_seconds: u32, install_takes, seconds, in_seconds;
    /// After a refusal or a broken download a pump is left in peace for so long,
    retry_seconds: u32, retry_after, seconds, in_seconds;
    /// and after so many it goes to the catch-up list.
    attempts: u32, attempts, same, same;
    /// At most so many pumps are out of service for it at once.
    updates_at_once: u32, updates_at_once, same, same;
    /// At most so many download for it at once.
    downloads_at_once: u32, downloads_at_once, same, same;
}

/// Why a rollout can not be as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecError {
    #[error("a rollout has 1 to {WAVES_MAX} waves; this has {0}")]
    Waves(usize),
    #[error("a rollout has at most {WINDOWS_MAX} windows; this has {0}")]
    Windows(usize),
    #[error("window {number}: {problem}")]
    Window { number: usize, problem: WindowError },
    #[error("wave {number} takes what is left, and others follow it; only the last can")]
    RestIsNotLast { number: usize },
    #[error("1 to {JOINS_MAX} pumps may join a rollout; this says {0}")]
    Joins(u32),
    #[error(
        "the last wave takes a number of pumps, so none can join it later; let it take care areas, a filter, a list or what is left"
    )]
    NoneCanJoin,
}

impl Spec {
    /// The windows, and that everything else can be.
    ///
    /// # Errors
    /// The first [`SpecError`].
    pub fn check(&self) -> Result<Vec<Window>, SpecError> {
        let waves = self.waves.len();
        if waves == 0 || waves > WAVES_MAX {
            return Err(SpecError::Waves(waves));
        }
        if self.windows.len() > WINDOWS_MAX {
            return Err(SpecError::Windows(self.windows.len()));
        }
        let early = self
            .waves
            .iter()
            .take(waves - 1)
            .position(|wave| wave.takes == Takes::Rest);
        if let Some(place) = early {
            return Err(SpecError::RestIsNotLast { number: place + 1 });
        }
        if let Some(joins) = self.joins {
            if joins.at_most == 0 || joins.at_most > JOINS_MAX {
                return Err(SpecError::Joins(joins.at_most));
            }
            if matches!(
                self.waves.last().map(|wave| &wave.takes),
                Some(Takes::Count(_) | Takes::Percent(_))
            ) {
                return Err(SpecError::NoneCanJoin);
            }
        }
        let window = |(place, window): (usize, &WindowSpec)| {
            let length = TimeDelta::minutes(window.minutes.into());
            Window::new(&window.opens, length, &window.zone, window.not_on.clone()).map_err(|problem| {
                SpecError::Window {
                    number: place + 1,
                    problem,
                }
            })
        };
        self.windows.iter().enumerate().map(window).collect()
    }

    /// Divides pumps into waves. Every pump of the selection is in exactly one place: a wave, left out with the reason, or in
    /// no wave because none takes it. The order in which pumps are given does not matter.
    #[must_use]
    pub fn divide(&self, manifest: &Manifest, pumps: &[PumpFacts]) -> Division {
        let mut division = Division {
            waves: vec![Vec::new(); self.waves.len()],
            ..Division::default()
        };
        let mut left: Vec<(&PumpFacts, TargetPath)> = Vec::new();
        for pump in pumps.iter().filter(|pump| self.pumps.has(pump)) {
            match choose_target(manifest, pump) {
                Ok(_) if pump.care_area.is_none() => {
                    division.left_out.push((pump.id, NotEligible::NoCareArea));
                }
                Ok(target) => left.push((pump, target.path.clone())),
                Err(why) => division.left_out.push((pump.id, why)),
            }
        }
        let all = u32::try_from(left.len()).unwrap_or(u32::MAX);
        spread(&mut left);
        for (wave, into) in self.waves.iter().zip(&mut division.waves) {
            let mut room = match &wave.takes {
                Takes::Count(count) => *count,
                Takes::Percent(share) => share.of(all),
                Takes::CareAreas(_) | Takes::List(_) | Takes::Filter(_) | Takes::Rest => u32::MAX,
            };
            left.retain(|(pump, target)| {
                let is_taken = room > 0 && wave.takes.has(pump);
                if is_taken {
                    room -= 1;
                    into.push((pump.id, target.clone()));
                }
                !is_taken
            });
        }
        division.in_no_wave = left.into_iter().map(|(pump, _)| pump.id).collect();
        division
    }
}

impl Selection {
    /// Whether a pump is meant.
    #[must_use]
    pub fn has(&self, pump: &PumpFacts) -> bool {
        match self {
            Self::Filter(expr) => matches(expr, pump),
            Self::List(list) => list.contains(&pump.id),
        }
    }
}

impl Takes {
    pub(super) fn has(&self, pump: &PumpFacts) -> bool {
        match self {
            Self::CareAreas(names) => pump.care_area.as_ref().is_some_and(|area| names.contains(area)),
            Self::List(list) => list.contains(&pump.id),
            Self::Filter(expr) => matches(expr, pump),
            Self::Count(_) | Self::Percent(_) | Self::Rest => true,
        }
    }
}

/// Puts pumps in an order in which the care areas take turns, so that a wave of a few is not all of one ward's.
fn spread(pumps: &mut [(&PumpFacts, TargetPath)]) {
    pumps.sort_by(|(a, _), (b, _)| (&a.care_area, &a.serial, a.id).cmp(&(&b.care_area, &b.serial, b.id)));
    let mut turns: BTreeMap<Option<Name>, usize> = BTreeMap::new();
    let turn: BTreeMap<PumpId, usize> = pumps
        .iter()
        .map(|(pump, _)| {
            let turn = turns.entry(pump.care_area.clone()).or_default();
            *turn += 1;
            (pump.id, *turn)
        })
        .collect();
    // Stable: within a turn the care areas keep their order.
    pumps.sort_by_key(|(pump, _)| turn.get(&pump.id).copied());
}

/// Who gets a release when, and who does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Division {
    /// The pumps of each wave, each with the file it gets.
    pub waves: Vec<Vec<(PumpId, TargetPath)>>,
    /// Pumps that can not have it, each with why.
    pub left_out: Vec<(PumpId, NotEligible)>,
    /// Pumps that no wave takes.
    pub in_no_wave: Vec<PumpId>,
}

#[cfg(test)]
mod tests;
