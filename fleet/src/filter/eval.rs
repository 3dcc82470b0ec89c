//! Whether a pump is meant: true, false, or unclear, and why.

use std::cmp::Ordering;

use serde::Serialize;
use thiserror::Error;

use super::{Expr, Field, Op, Operand, Relation, Test};
use crate::{
    pump::{InstalledComponent, PumpFacts},
    text::{ComponentName, SerialNumber},
    version::VersionError,
};

/// Three values, in an order in which `and` is the least and `or` the greatest (Kleene's strong logic).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Truth {
    No,
    Unclear,
    Yes,
}

impl Truth {
    const fn negated(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unclear => Self::Unclear,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// Why a test is neither true nor false.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unclear {
    #[error("it has not reported its versions")]
    NotReported,
    #[error("its serial number {serial} holds no number")]
    NoNumber { serial: SerialNumber },
    #[error("{component}: {error}")]
    Version {
        component: ComponentName,
        error: VersionError,
    },
}

/// Whether a pump is meant. What is unclear is not.
#[must_use]
pub fn matches(expr: &Expr, pump: &PumpFacts) -> bool {
    truth(expr, pump) == Truth::Yes
}

fn truth(expr: &Expr, pump: &PumpFacts) -> Truth {
    match expr {
        Expr::Or(parts) => fold(parts, pump, Truth::No, Truth::Yes, Ord::max),
        Expr::And(parts) => fold(parts, pump, Truth::Yes, Truth::No, Ord::min),
        Expr::Not(part) => truth(part, pump).negated(),
        Expr::Test(test) => test.ask(pump).map_or(Truth::Unclear, Truth::from),
    }
}

/// Joins until nothing can change it any more.
fn fold(
    parts: &[Expr],
    pump: &PumpFacts,
    start: Truth,
    settled: Truth,
    join: fn(Truth, Truth) -> Truth,
) -> Truth {
    let mut so_far = start;
    for part in parts {
        so_far = join(so_far, truth(part, pump));
        if so_far == settled {
            break;
        }
    }
    so_far
}

/// Why a pump is meant or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    pub truth: Truth,
    /// Every test, in the order of the filter.
    pub findings: Vec<Finding>,
}

/// One test, and what the pump says to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    pub test: String,
    pub truth: Truth,
    /// What the pump has, or why it is unclear.
    pub found: String,
}

/// Why a pump is meant or not, test by test.
#[must_use]
pub fn explain(expr: &Expr, pump: &PumpFacts) -> Explanation {
    let mut findings = Vec::new();
    collect(expr, pump, &mut findings);
    Explanation {
        truth: truth(expr, pump),
        findings,
    }
}

fn collect(expr: &Expr, pump: &PumpFacts, findings: &mut Vec<Finding>) {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().for_each(|part| collect(part, pump, findings)),
        Expr::Not(part) => collect(part, pump, findings),
        Expr::Test(test) => {
            let (truth, found) = match test.ask(pump) {
                Ok(yes) => (yes.into(), test.field.found(pump)),
                Err(unclear) => (Truth::Unclear, unclear.to_string()),
            };
            findings.push(Finding {
                test: test.to_string(),
                truth,
                found,
            });
        }
    }
}

impl Test {
    fn ask(&self, pump: &PumpFacts) -> Result<bool, Unclear> {
        match &self.relation {
            Relation::Compare(op, operand) => self.field.compare(*op, operand, pump),
            Relation::OneOf(operands) => {
                // One that is equal settles it, even beside one that is unclear.
                let mut unclear = None;
                for operand in operands {
                    match self.field.compare(Op::Equal, operand, pump) {
                        Ok(true) => return Ok(true),
                        Ok(false) => {}
                        Err(reason) => unclear = Some(reason),
                    }
                }
                unclear.map_or(Ok(false), Err)
            }
        }
    }
}

impl Field {
    fn compare(&self, op: Op, operand: &Operand, pump: &PumpFacts) -> Result<bool, Unclear> {
        if op == Op::NotEqual {
            return self.compare(Op::Equal, operand, pump).map(|equal| !equal);
        }
        match (self, operand) {
            (Self::Component(name), _) => component(name, op, operand, pump),
            (_, Operand::Number(bound)) => match pump.serial_number() {
                Some(number) => Ok(holds(op, number.cmp(bound))),
                None => Err(Unclear::NoNumber {
                    serial: pump.serial.clone(),
                }),
            },
            (_, Operand::Nothing) => Ok(self.values(pump).is_empty()),
            (_, Operand::Status(status)) => Ok(pump.status == *status),
            (_, Operand::Hold(kind)) => Ok(pump.hold == Some(*kind)),
            (_, Operand::Text(text)) if op == Op::Contains => {
                let text = text.to_lowercase();
                let values = self.values(pump);
                Ok(values.iter().any(|value| value.to_lowercase().contains(&text)))
            }
            (_, Operand::Text(text)) => Ok(self.values(pump).iter().any(|value| same(value, text))),
            // The parser reads a version for components only.
            (_, Operand::Version(_)) => Ok(false),
        }
    }

    /// What a pump has of it, as text.
    fn values<'a>(&self, pump: &'a PumpFacts) -> Vec<&'a str> {
        let one = |value: Option<&'a str>| value.into_iter().collect();
        match self {
            Self::Model => vec![pump.model.as_str()],
            Self::Manufacturer => vec![pump.manufacturer.as_str()],
            Self::Serial => vec![pump.serial.as_str()],
            Self::Asset => one(pump.asset_tag.as_ref().map(|tag| tag.as_str())),
            Self::Hardware => one(pump.hardware_id.as_ref().map(|id| id.as_str())),
            Self::Module => pump.modules.iter().map(|name| name.as_str()).collect(),
            Self::CareArea => one(pump.care_area.as_ref().map(|name| name.as_str())),
            Self::Location => one(pump.location.as_ref().map(|name| name.as_str())),
            Self::Tag => pump.tags.iter().map(|tag| tag.as_str()).collect(),
            Self::Status => vec![pump.status.as_str()],
            Self::Hold => one(pump.hold.map(|kind| kind.as_str())),
            Self::Library => one(pump.drug_library.as_ref().map(|library| library.name.as_str())),
            Self::Vulnerability => pump.vulnerabilities.iter().map(|id| id.as_str()).collect(),
            Self::Component(name) => one(find(name, pump).map(|installed| installed.version.as_str())),
            Self::Text => Self::CALLED_BY
                .iter()
                .flat_map(|field| field.values(pump))
                .collect(),
        }
    }

    /// What people call a pump by.
    const CALLED_BY: [Self; 8] = [
        Self::Serial,
        Self::Asset,
        Self::Manufacturer,
        Self::Model,
        Self::Hardware,
        Self::CareArea,
        Self::Location,
        Self::Tag,
    ];

    fn found(&self, pump: &PumpFacts) -> String {
        let values = self.values(pump);
        if values.is_empty() {
            "none".to_owned()
        } else {
            values.join(", ")
        }
    }
}

fn find<'a>(name: &ComponentName, pump: &'a PumpFacts) -> Option<&'a InstalledComponent> {
    let mut components = pump.components.iter();
    components.find(|component| same(component.name.as_str(), name.as_str()))
}

/// Equal but for upper and lower case.
fn same(a: &str, b: &str) -> bool {
    let lower = |text| str::chars(text).flat_map(char::to_lowercase);
    lower(a).eq(lower(b))
}

fn component(name: &ComponentName, op: Op, operand: &Operand, pump: &PumpFacts) -> Result<bool, Unclear> {
    if pump.components.is_empty() {
        return Err(Unclear::NotReported);
    }
    let (installed, bound) = match (find(name, pump), operand) {
        (None, operand) => return Ok(*operand == Operand::Nothing),
        (Some(installed), Operand::Version(bound)) => (installed, bound),
        (Some(_), _) => return Ok(false),
    };
    // What is written alike is alike, whatever the scheme.
    let order = if installed.version == *bound {
        Ok(Ordering::Equal)
    } else {
        installed.scheme.compare(&installed.version, bound)
    };
    order
        .map(|order| holds(op, order))
        .map_err(|error| Unclear::Version {
            component: name.clone(),
            error,
        })
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Below => order.is_lt(),
        Op::AtMost => order.is_le(),
        Op::Above => order.is_gt(),
        Op::AtLeast => order.is_ge(),
        Op::Contains => false,
    }
}
