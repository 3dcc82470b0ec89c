//! The board: how many pumps each care area has, in use, ready, away; and how many it has to keep.
//!
//! Counted from one read of a few columns of every pump, by the same rules that the planner goes by.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use askama::filters::HtmlSafe;
use fleet::{
    Timestamp,
    id::{CareAreaId, ModelId},
    pump::{Availability, HoldKind, Status, StatusInput, availability, status},
    rollout::state::Stage,
    text::Name,
};
use store::{CareAreaRecord, Db, ModelRecord, PumpOnBoard, StoreError, WardFloorRecord};

use super::words;
use crate::app::App;

/// What is counted, each pump once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// In service, and free just now.
    pub(super) ready: usize,
    /// In service, and in use; or nobody knows better.
    pub(super) in_use: usize,
    /// Being updated or checked.
    pub(super) updating: usize,
    /// Updated and checked: a nurse has to sign.
    pub(super) to_sign: usize,
    /// Held: nobody uses it.
    pub(super) held: usize,
    /// Not heard of for long.
    pub(super) missing: usize,
}

impl Counts {
    pub(super) const fn total(self) -> usize {
        self.in_service() + self.updating + self.to_sign + self.held + self.missing
    }

    /// As a ward floor counts.
    pub(super) const fn in_service(self) -> usize {
        self.ready + self.in_use
    }

    /// In words, the most urgent last; nothing of what there is none of.
    pub(super) fn words(self) -> Vec<(&'static str, String)> {
        [
            ("ready", self.ready, "ready"),
            ("in-use", self.in_use, "in use"),
            ("updating", self.updating, "being updated"),
            ("to-sign", self.to_sign, "to sign"),
            ("held", self.held, "held"),
            ("missing", self.missing, "missing"),
        ]
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(class, count, what)| (class, format!("{count} {what}")))
        .collect()
    }

    fn add(&mut self, pump: &PumpOnBoard, app: &App, now: Timestamp) {
        let status = status_of(pump, app, now);
        let free = pump.said.is_some_and(|said| {
            availability(said.activity, said.patient_attached, said.received_at, now) == Availability::Free
        });
        // From the order on, a pump is out of service, also while it still waits for its moment: as the ward floor counts it.
        let away = pump
            .update
            .is_some_and(|update| update.stage() == Stage::Updating);
        let count = match status {
            Status::Held | Status::Sequestered => &mut self.held,
            Status::Missing => &mut self.missing,
            Status::AwaitingSignOff => &mut self.to_sign,
            Status::BeingUpdated | Status::AwaitingChecks => &mut self.updating,
            Status::InService | Status::UpdateStaged | Status::InBiomed | Status::Retired => {
                match (away, free) {
                    (true, _) => &mut self.updating,
                    (false, true) => &mut self.ready,
                    (false, false) => &mut self.in_use,
                }
            }
        };
        *count += 1;
    }
}

/// The word for a pump of the board.
pub(super) fn status_of(pump: &PumpOnBoard, app: &App, now: Timestamp) -> Status {
    status(StatusInput {
        retired: false,
        hold: pump.hold,
        missing: now - pump.heard_at > app.settings.missing_after,
        has_care_area: pump.care_area.is_some(),
        update: pump.update,
    })
}

/// A model of which a care area has fewer in service than it has to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Short {
    pub(super) model: Name,
    pub(super) in_service: usize,
    pub(super) keep: usize,
}

/// A care area on the board.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: CareAreaId,
    pub(super) name: Name,
    pub(super) counts: Counts,
    /// How many it has to keep in service, of all models.
    pub(super) keep: usize,
    pub(super) short: Vec<Short>,
}

/// The board.
#[derive(Debug, Clone, Default)]
pub(super) struct Board {
    pub(super) rows: Vec<Row>,
    /// Pumps in no care area.
    pub(super) elsewhere: Counts,
    /// Pumps that are kept as evidence or for doubts about their identity, of those held.
    pub(super) isolated: usize,
    pub(super) connected: usize,
}

/// What a board is counted from.
pub(super) struct Facts {
    pumps: Vec<PumpOnBoard>,
    areas: Vec<CareAreaRecord>,
    models: Vec<ModelRecord>,
    floors: Vec<WardFloorRecord>,
}

impl Facts {
    /// Everything, as of one instant.
    pub(super) fn read(db: &mut Db<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            pumps: db.pump_board()?,
            areas: db.care_area_list()?,
            models: db.model_list()?,
            floors: db.ward_floor_list()?,
        })
    }

    /// The board at an instant.
    pub(super) fn board(&self, app: &App, now: Timestamp) -> Board {
        let mut board = Board::default();
        let mut of_area: HashMap<CareAreaId, Counts> = HashMap::new();
        let mut of_group: BTreeMap<(CareAreaId, ModelId), Counts> = BTreeMap::new();
        for pump in &self.pumps {
            board.connected += usize::from(pump.connected);
            board.isolated += usize::from(matches!(
                pump.hold,
                Some(HoldKind::SecurityIsolation | HoldKind::Sequestered)
            ));
            match pump.care_area {
                Some(area) => {
                    of_area.entry(area).or_default().add(pump, app, now);
                    let group = of_group.entry((area, pump.model)).or_default();
                    group.add(pump, app, now);
                }
                None => board.elsewhere.add(pump, app, now),
            }
        }
        let keep = |floor: &WardFloorRecord| usize::try_from(floor.keep).unwrap_or(usize::MAX);
        board.rows = self
            .areas
            .iter()
            .map(|area| {
                let floors = || self.floors.iter().filter(|floor| floor.care_area == area.id);
                let short = floors().filter_map(|floor| {
                    let group = of_group.get(&(area.id, floor.model)).copied();
                    let in_service = group.unwrap_or_default().in_service();
                    let model = self.models.iter().find(|model| model.id == floor.model)?;
                    (in_service < keep(floor)).then(|| Short {
                        model: model.name.clone(),
                        in_service,
                        keep: keep(floor),
                    })
                });
                Row {
                    id: area.id,
                    name: area.name.clone(),
                    counts: of_area.get(&area.id).copied().unwrap_or_default(),
                    keep: floors().map(keep).fold(0, usize::saturating_add),
                    short: short.collect(),
                }
            })
            .collect();
        board
    }
}

impl Row {
    /// Where the care area's page is.
    pub(super) fn path(&self) -> String {
        area_path(&self.name)
    }

    /// The bar.
    pub(super) fn bar(&self) -> Bar {
        Bar {
            counts: self.counts,
            keep: self.keep,
            label: format!(
                "{}: {}, {}",
                self.name,
                words::pumps(self.counts.total()),
                self.counts
                    .words()
                    .into_iter()
                    .map(|(_, words)| words)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
        }
    }
}

/// Where the page of a care area is.
pub(super) fn area_path(name: &Name) -> String {
    format!("/areas/{}", path_part(name.as_str()))
}

/// A name as a part of a path.
fn path_part(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => char::from(byte).to_string(),
            // A name of dots only would be a step up.
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// A stacked bar, with a mark where the floor is.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    counts: Counts,
    keep: usize,
    label: String,
}

/// The width of a bar, in its own units.
const WIDTH: usize = 1000;

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { counts, keep, label } = self;
        let whole = counts.total().max(*keep).max(1);
        let at = |count: usize| count.saturating_mul(WIDTH) / whole;
        write!(
            f,
            r#"<svg class="bar" viewBox="0 0 {WIDTH} 24" preserveAspectRatio="none" role="img" aria-label="{}"><rect class="rest" width="{WIDTH}" height="24"/>"#,
            Escaped(label)
        )?;
        let mut before = 0;
        for (class, count) in [
            ("in-use", counts.in_use),
            ("ready", counts.ready),
            ("updating", counts.updating),
            ("to-sign", counts.to_sign),
            ("held", counts.held),
            ("missing", counts.missing),
        ] {
            if count > 0 {
                let (x, end) = (at(before), at(before + count));
                write!(
                    f,
                    r#"<rect class="{class}" x="{x}" width="{}" height="24"/>"#,
                    end.saturating_sub(x)
                )?;
            }
            before += count;
        }
        if *keep > 0 {
            let x = at(*keep).min(WIDTH - 4);
            write!(f, r#"<rect class="floor" x="{x}" y="0" width="4" height="24"/>"#)?;
        }
        f.write_str("</svg>")
    }
}

impl HtmlSafe for Bar {}

/// A text in an attribute: the name of a care area is what somebody typed.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                other => write!(f, "{other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_typed_stays_words() {
        let bar = Bar {
            counts: Counts {
                ready: 1,
                held: 2,
                ..Counts::default()
            },
            keep: 2,
            label: "<b>\"4 & West\"".to_owned(),
        };
        let text = bar.to_string();
        assert!(text.contains("&lt;b&gt;&quot;4 &amp; West&quot;"), "{text}");
        assert!(
            text.contains(r#"<rect class="ready" x="0" width="333""#),
            "{text}"
        );
        assert!(text.contains(r#"<rect class="floor" x="666""#), "{text}");
        assert_eq!(path_part("../4 West/ü"), "%2E%2E%2F4%20West%2F%C3%BC");
    }

    #[test]
    fn a_bar_without_pumps_is_empty_and_one_below_its_floor_shows_the_gap() {
        let bar = |counts, keep| {
            Bar {
                counts,
                keep,
                label: String::new(),
            }
            .to_string()
        };
        assert!(!bar(Counts::default(), 0).contains("NaN"));
        let short = bar(
            Counts {
                ready: 1,
                ..Counts::default()
            },
            4,
        );
        assert!(short.contains(r#"x="0" width="250""#), "{short}");
    }
}
