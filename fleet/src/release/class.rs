//! The class of a release: how deep it reaches into a pump, and so how much proof the pump owes afterwards.

use serde::{Deserialize, Serialize};

/// How deep a release reaches. What each class owes: [`crate::check::owed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "json-schema",
    schemars(description = "How deep a release reaches, and so how much a pump owes afterwards.")
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReleaseClass {
    /// A drug library: no code.
    Library,
    /// Settings: no code.
    Configuration,
    /// The wireless module and what talks over it: code that does not drive the motor.
    Communications,
    /// Code that drives the motor, senses pressure and air, or raises alarms.
    InfusionControl,
}

impl ReleaseClass {
    /// Every class, the shallow before the deep.
    pub const ALL: [Self; 4] = [
        Self::Library,
        Self::Configuration,
        Self::Communications,
        Self::InfusionControl,
    ];

    /// The word in a manifest and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Configuration => "configuration",
            Self::Communications => "communications",
            Self::InfusionControl => "infusion_control",
        }
    }

    /// The words a person reads.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Library => "Drug library",
            Self::Configuration => "Configuration",
            Self::Communications => "Communications",
            Self::InfusionControl => "Infusion control",
        }
    }

    /// Reads a word back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}
