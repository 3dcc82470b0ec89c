//! The plan: each check with what it measures, its limits, and who carries it out.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    signature::Digest,
    text::{CheckId, Name, Prompt},
};

macro_rules! words {
    ($(#[$meta:meta])* $type:ident, $what:ident = $what_doc:literal;
     $($(#[$vmeta:meta])* $name:ident = $word:literal, $text:literal;)+) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $type {
            $($(#[$vmeta])* #[serde(rename = $word)] $name,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word in a manifest and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            #[doc = $what_doc]
            #[must_use]
            pub const fn $what(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.$what())
            }
        }
    };
}

words! {
    /// What a check is about.
    CheckKind, label = "The words a person reads.";
    /// Delivered against programmed rate (IEC 60601-2-24, 201.12.1).
    FlowAccuracy = "flow_accuracy", "Flow accuracy";
    /// The pressure at which it stops and alarms (IEC 60601-2-24, 201.12.4.4).
    OcclusionPressure = "occlusion_pressure", "Occlusion pressure";
    /// The bubble at which it stops and alarms (IEC 60601-2-24, 201.12.4.4).
    AirInLine = "air_in_line", "Air in line";
    /// Whether an alarm can be heard (IEC 60601-1-8).
    AlarmSpeaker = "alarm_speaker", "Alarm speaker";
    /// Charge or running time.
    Battery = "battery", "Battery";
    /// How far the pump's clock is off.
    Clock = "clock", "Clock";
    /// Whether the drug library is the one that was approved, to the bit.
    LibraryIntegrity = "library_integrity", "Drug library";
    /// Errors found by the pump's test of its own memory and processors.
    SelfTest = "self_test", "Self-test";
    /// Whether it is heard on the network.
    NetworkLink = "network_link", "Network link";
    /// What a person sees: case, latch, labels, screen.
    Inspection = "inspection", "Inspection";
    /// What only this maker checks.
    Other = "other", "Other check";
}

words! {
    /// The unit of a limit and of a reading. Units are never converted: another unit is another quantity.
    CheckUnit, symbol = "The unit as it is written behind a number.";
    Percent = "percent", "%";
    MillilitresPerHour = "ml_per_h", "mL/h";
    Microlitre = "microlitre", "µL";
    Kilopascal = "kpa", "kPa";
    MillimetreOfMercury = "mmhg", "mmHg";
    Milliampere = "milliampere", "mA";
    Volt = "volt", "V";
    Decibel = "decibel", "dB";
    DecibelMilliwatt = "dbm", "dBm";
    Second = "second", "s";
    Minute = "minute", "min";
    /// A number of things: errors, bubbles, presses.
    Count = "count", "×";
}

/// Limits of a quantity. Below `low` or above `high` is a fail; within `guard_band` inside a limit is for review.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// The unit of all three.
    pub unit: CheckUnit,
    /// The least accepted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The greatest accepted value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// How far inside a limit a reading must be to pass; at least the uncertainty of the measurement.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 0.0)))]
    pub guard_band: f64,
}

// Serde refuses unknown fields only of variants with braces, so the empty one has them.
/// What a reading is held against.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum Expectation {
    /// A number with a unit.
    Quantity(Limits),
    /// The SHA-256 of something on the pump. Where the manifest gives none it is the one the hospital has on record.
    Digest {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(
            feature = "json-schema",
            schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$"))
        )]
        sha256: Option<Digest>,
    },
    /// A person says yes to the prompt.
    Confirmation {},
}

// The braces: see `Expectation`.
/// Who carries a check out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub enum Conduct {
    /// The pump, by itself.
    Pump {},
    /// A person.
    Person {
        /// The instrument that is needed, by its kind: "infusion device analyser".
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instrument: Option<Name>,
    },
}

/// One check of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct CheckSpec {
    /// Its name within the release.
    pub id: CheckId,
    pub kind: CheckKind,
    pub conduct: Conduct,
    /// What a person is asked to do, or reads beside the result.
    pub prompt: Prompt,
    pub expect: Expectation,
}

/// What is wrong with a check of a plan.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SpecProblem {
    /// Neither a lower nor an upper limit.
    #[error("has neither `low` nor `high`; nothing could fail it")]
    NoLimit,
    /// Not a finite number.
    #[error("`{0}` is not a finite number")]
    NotFinite(&'static str),
    /// Below zero.
    #[error("`guard_band` is below zero")]
    NegativeGuardBand,
    /// No reading could pass.
    #[error("no reading could pass: `low` + `guard_band` lies above `high` - `guard_band`")]
    NothingPasses,
    /// Asked of a pump.
    #[error("asks the pump to confirm; only a person can, a pump gives a reading")]
    PumpConfirms,
    /// Seconds of pressure.
    #[error("a check of kind `{}` is not read in {given}", .kind.as_str())]
    WrongReading { kind: CheckKind, given: String },
}

impl Conduct {
    /// Whether the pump carries it out by itself.
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        match self {
            Self::Pump {} => true,
            Self::Person { .. } => false,
        }
    }
}

impl Limits {
    fn check(self) -> Result<(), SpecProblem> {
        let Self {
            low,
            high,
            guard_band,
            ..
        } = self;
        for (name, value) in [("low", low), ("high", high), ("guard_band", Some(guard_band))] {
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(SpecProblem::NotFinite(name));
            }
        }
        if guard_band < 0.0 {
            return Err(SpecProblem::NegativeGuardBand);
        }
        match (low, high) {
            (None, None) => Err(SpecProblem::NoLimit),
            (Some(low), Some(high)) if low + guard_band > high - guard_band => {
                Err(SpecProblem::NothingPasses)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Limits {
    /// As a person reads it: `30 to 90 kPa`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit.symbol();
        match (self.low, self.high) {
            (Some(low), Some(high)) => write!(f, "{low} to {high} {unit}"),
            (Some(low), None) => write!(f, "at least {low} {unit}"),
            (None, Some(high)) => write!(f, "at most {high} {unit}"),
            (None, None) => f.write_str("no limit"),
        }
    }
}

impl CheckKind {
    /// Whether a check of this kind can be read so.
    #[must_use]
    pub const fn is_read_as(self, expect: &Expectation) -> bool {
        use CheckUnit as U;
        let unit = match expect {
            Expectation::Quantity(limits) => limits.unit,
            Expectation::Digest { .. } => return matches!(self, Self::LibraryIntegrity | Self::Other),
            Expectation::Confirmation {} => return matches!(self, Self::Inspection | Self::Other),
        };
        match self {
            Self::FlowAccuracy => matches!(unit, U::Percent | U::MillilitresPerHour),
            Self::OcclusionPressure => matches!(unit, U::Kilopascal | U::MillimetreOfMercury),
            Self::AirInLine => matches!(unit, U::Microlitre),
            Self::AlarmSpeaker => matches!(unit, U::Milliampere | U::Decibel),
            Self::Battery => matches!(unit, U::Percent | U::Volt | U::Minute),
            Self::Clock => matches!(unit, U::Second),
            Self::SelfTest => matches!(unit, U::Count),
            Self::NetworkLink => matches!(unit, U::DecibelMilliwatt | U::Percent),
            Self::LibraryIntegrity | Self::Inspection => false,
            Self::Other => true,
        }
    }
}

impl CheckSpec {
    /// What is wrong with it.
    ///
    /// # Errors
    /// The first [`SpecProblem`].
    pub fn check(&self) -> Result<(), SpecProblem> {
        if let Expectation::Quantity(limits) = &self.expect {
            limits.check()?;
        }
        if self.conduct.is_automatic() && matches!(self.expect, Expectation::Confirmation {}) {
            return Err(SpecProblem::PumpConfirms);
        }
        if !self.kind.is_read_as(&self.expect) {
            return Err(SpecProblem::WrongReading {
                kind: self.kind,
                given: match self.expect {
                    Expectation::Quantity(limits) => limits.unit.symbol().to_owned(),
                    Expectation::Digest { .. } => "SHA-256".to_owned(),
                    Expectation::Confirmation {} => "yes and no".to_owned(),
                },
            });
        }
        Ok(())
    }
}
