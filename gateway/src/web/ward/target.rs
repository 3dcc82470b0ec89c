//! The pump that somebody means: by what a scanner reads or a hand types.

use fleet::{Timestamp, id::PumpId, pump::Udi};
use serde::Deserialize;
use store::{Db, PumpListing, StoreError};

use crate::{
    api::problem::{Problem, ProblemCode},
    app::App,
    web::{
        page::Page,
        pump::{Line, path},
    },
};

/// Nothing longer is looked for, in characters.
const TEXT_MAX: usize = 128;

/// What was scanned or typed.
#[derive(Debug, Clone, Default, Deserialize)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    pub(super) q: String,
    /// Of several pumps with one serial number, the one of this model.
    #[serde(default)]
    pub(super) model: Option<String>,
    /// What was done on the page before.
    #[serde(default)]
    pub(super) done: Option<Done>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum Done {
    Reported,
    Signed,
    Briefed,
    Approved,
    NotNow,
}

impl Done {
    /// The word in a path, which is also the name of the form whose draft is over.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Signed => "signed",
            Self::Briefed => "briefed",
            Self::Approved => "approved",
            Self::NotNow => "not_now",
        }
    }

    /// What is said of it.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Reported => "Your report is recorded. The pump is held, and biomed sees it.",
            Self::Signed => "Your signature is recorded. In a moment the pump may be used.",
            Self::Briefed => "Recorded. Thank you for reading it.",
            Self::Approved => "Your signature is recorded.",
            Self::NotNow => {
                "Your answer is recorded, with its reason. Nothing goes on before you or another charge nurse signs."
            }
        }
    }
}

impl Asked {
    /// What is looked for; nothing before something was scanned.
    pub(super) fn text(&self) -> Option<&str> {
        let text = self.q.trim();
        (!text.is_empty()).then_some(text)
    }

    /// The pumps that this names: none, one, or several of one serial number.
    pub(super) fn find(&self, db: &mut Db<'_>) -> Result<Vec<PumpListing>, StoreError> {
        let Some(text) = self.text().filter(|text| text.chars().count() <= TEXT_MAX) else {
            return Ok(Vec::new());
        };
        let mut found = db.pump_find(text)?;
        let upper = text.to_uppercase();
        if found.is_empty() && upper != text {
            found = db.pump_find(&upper)?;
        }
        if let Some(model) = &self.model {
            found.retain(|listing| listing.model_name.as_str() == model);
        }
        Ok(found)
    }

    /// The one pump that this names.
    ///
    /// # Errors
    /// [`ProblemCode::NotFound`].
    pub(super) fn one(&self, db: &mut Db<'_>) -> Result<PumpListing, Problem> {
        let mut found = self.find(db).map_err(Problem::from)?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Problem::new(ProblemCode::NotFound, "no such pump")),
        }
    }

    /// Whether a code names a model and no pump: the label has another one.
    pub(super) fn names_a_model(&self) -> bool {
        self.text()
            .and_then(|text| text.parse::<Udi>().ok())
            .is_some_and(|udi| udi.serial.is_none())
    }
}

/// A pump by its id.
pub(super) fn by_id(db: &mut Db<'_>, id: PumpId) -> Result<PumpListing, Problem> {
    let found = db.pump_listing_of(&[id]).map_err(Problem::from)?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| Problem::new(ProblemCode::NotFound, "no such pump"))
}

/// A pump as pages of the ward name it.
pub(super) struct Named {
    pub(super) line: Line,
    pub(super) id: PumpId,
    pub(super) serial: String,
    pub(super) udi: Option<String>,
    pub(super) area: Option<String>,
    pub(super) scan: String,
    pub(super) report: String,
    pub(super) sign: String,
}

impl Named {
    pub(super) fn of(listing: &PumpListing, app: &App, now: Timestamp) -> Self {
        let path = |page| path(page, &listing.pump, listing.model_name.as_str());
        Self {
            line: Line::of(listing, app, now),
            id: listing.pump.id,
            serial: listing.pump.serial.to_string(),
            udi: listing.pump.udi.as_ref().map(ToString::to_string),
            area: listing.care_area_name.as_ref().map(ToString::to_string),
            scan: path(Page::Scan),
            report: path(Page::Report),
            sign: path(Page::SignOff),
        }
    }

    /// Its page, saying what was done.
    pub(super) fn after(&self, done: Done) -> String {
        format!("{}&done={}", self.scan, done.as_str())
    }

    /// Model and where it is.
    pub(super) fn particulars(&self) -> String {
        let mut text = self.line.model.clone();
        let place = match (&self.area, &self.line.place) {
            (Some(area), Some(place)) => format!("{area}, {place}"),
            (Some(place), None) | (None, Some(place)) => place.clone(),
            (None, None) => return text,
        };
        text.push_str(" · ");
        text.push_str(&place);
        text
    }
}
