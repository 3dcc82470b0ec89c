//! A fleet on paper, drawn from a seed before any pump exists, so that it can be imported as expected, rehearsed with,
//! and made again tomorrow.

mod catalogue;
mod list;

pub use list::expected_csv;

use std::path::PathBuf;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use thiserror::Error;
use wire::{
    message::Module,
    types::{
        Component, ComponentName, ComponentVersion, HardwareId, MacAddress, Name, SecurityCounter,
        SerialNumber,
    },
};

use crate::firmware::Faults;
use catalogue::{MODELS, Model};

/// Which MQTT a pump speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MqttVersion {
    /// 3.1.1: older wireless firmware.
    V311,
    /// 5.
    V5,
}

/// One pump on paper.
#[derive(Debug, Clone, PartialEq)]
pub struct PumpBlueprint {
    /// Its place in the fleet, from 0.
    pub index: usize,
    /// Its own randomness: whatever happens to this pump is drawn from here.
    pub seed: u64,
    pub serial: SerialNumber,
    pub manufacturer: Name,
    pub model: Name,
    pub hardware_id: HardwareId,
    /// The hospital's tag, `BM-10001`.
    pub asset_tag: Name,
    /// GS1, with brackets: device identifier with check digit, production date, serial number.
    pub udi: String,
    pub macs: Vec<MacAddress>,
    /// Firmware, sorted by name.
    pub components: Vec<Component>,
    pub modules: Vec<Module>,
    /// The care area it belongs to.
    pub care_area: Name,
    /// Where it is kept when not in use.
    pub location: Name,
    pub mqtt: MqttVersion,
    /// The security counter that it left the factory with.
    pub counter: SecurityCounter,
    /// What its drug library is called; its version is that of the component `drug-library`.
    pub drug_library: Option<Name>,
    /// The root metadata of its manufacturer's repository (TUF), in a file. Without one it takes no firmware.
    pub tuf_root: Option<PathBuf>,
    /// What is wrong with it.
    pub faults: Faults,
}

/// What is wanted of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetPlan {
    /// How many; at most [`FleetPlan::MAX_PUMPS`].
    pub pumps: usize,
    /// The same seed and the same wishes give the same fleet.
    pub seed: u64,
    /// Pumps are dealt to these in turn; at least one.
    pub care_areas: Vec<String>,
}

/// A fleet that can not be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No pumps, or more than a fleet holds.
    #[error(
        "a fleet of {pumps} pumps can not be drawn; ask for 1 to {}",
        FleetPlan::MAX_PUMPS
    )]
    Pumps { pumps: usize },
    /// Nowhere to be.
    #[error("a fleet needs at least one care area")]
    NoCareArea,
    /// A text of the plan does not pass the contract's own rules.
    #[error("`{text}` can not be used as the {what} of a pump: {problem}")]
    Text {
        what: &'static str,
        text: String,
        problem: String,
    },
}

impl FleetPlan {
    /// The largest fleet; serial numbers and addresses stay distinct up to here.
    pub const MAX_PUMPS: usize = 100_000;

    /// A fleet for a hospital with the usual six care areas.
    #[must_use]
    pub fn new(pumps: usize, seed: u64) -> Self {
        Self {
            pumps,
            seed,
            care_areas: catalogue::CARE_AREAS.map(str::to_owned).to_vec(),
        }
    }

    /// Draws the fleet.
    ///
    /// # Errors
    /// [`PlanError`] when there are too few or too many pumps, no care area, or one whose name is not a [`Name`].
    pub fn build(&self) -> Result<Vec<PumpBlueprint>, PlanError> {
        if !(1..=Self::MAX_PUMPS).contains(&self.pumps) {
            return Err(PlanError::Pumps { pumps: self.pumps });
        }
        if self.care_areas.is_empty() {
            return Err(PlanError::NoCareArea);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Serial numbers and addresses of two hospitals differ; those of one run on.
        let lot = rng.random_range(1_000_000..9_000_000_u32);
        self.care_areas
            .iter()
            .cycle()
            .take(self.pumps)
            .enumerate()
            .map(|(index, area)| draw(index, lot, area, &mut rng))
            .collect()
    }
}

fn draw(index: usize, lot: u32, area: &str, rng: &mut ChaCha8Rng) -> Result<PumpBlueprint, PlanError> {
    // Bounded by `MAX_PUMPS`.
    let number = lot + u32::try_from(index).unwrap_or_default();
    // Three of the first model for two of the second, as wards that changed supplier have them.
    let [first, second] = &MODELS;
    let model = if index % 5 < 3 { first } else { second };
    let serial = format!("{}{number}", model.serial_prefix);
    let (year, month, day) = (
        rng.random_range(18..=25),
        rng.random_range(1..=12),
        rng.random_range(1..=28),
    );
    let udi = format!(
        "(01){}(11){year:02}{month:02}{day:02}(21){serial}",
        with_check_digit(model.device_identifier)
    );
    Ok(PumpBlueprint {
        index,
        seed: rng.random(),
        manufacturer: text("manufacturer", model.manufacturer)?,
        model: text("model", model.name)?,
        hardware_id: text("hardware id", choose(model.hardware, rng))?,
        asset_tag: text("asset tag", &format!("BM-{}", 10_001 + index))?,
        udi,
        macs: addresses(model, number)?,
        components: components(model, rng)?,
        modules: modules(model, number, rng)?,
        care_area: text("care area", area)?,
        location: text("location", &format!("{area} storage"))?,
        mqtt: if index % 3 == 2 {
            MqttVersion::V311
        } else {
            MqttVersion::V5
        },
        serial: text("serial number", &serial)?,
        counter: SecurityCounter(model.counter),
        drug_library: Some(text("drug library", model.drug_library)?),
        tuf_root: None,
        faults: Faults::default(),
    })
}

/// Reads one of the contract's text types, and says which text it was if it is refused.
fn text<T: std::str::FromStr<Err: std::fmt::Display>>(what: &'static str, raw: &str) -> Result<T, PlanError> {
    raw.parse().map_err(|error: T::Err| PlanError::Text {
        what,
        text: raw.to_owned(),
        problem: error.to_string(),
    })
}

fn choose<'a>(among: &[&'a str], rng: &mut ChaCha8Rng) -> &'a str {
    among.choose(rng).copied().unwrap_or_default()
}

/// One address per interface, from the maker's own (locally administered) range.
fn addresses(model: &Model, number: u32) -> Result<Vec<MacAddress>, PlanError> {
    let [_, high, middle, low] = number.to_be_bytes();
    let [second, third] = model.address_range;
    (0..model.interfaces)
        .map(|interface| {
            let bytes = [0x02 | (interface << 4), second, third, high, middle, low];
            MacAddress::new(bytes).map_err(|error| PlanError::Text {
                what: "network address",
                text: format!("{bytes:02x?}"),
                problem: error.to_string(),
            })
        })
        .collect()
}

fn components(model: &Model, rng: &mut ChaCha8Rng) -> Result<Vec<Component>, PlanError> {
    let mut components = model
        .firmware
        .iter()
        .map(|(name, versions)| {
            Ok(Component {
                name: text::<ComponentName>("component name", name)?,
                version: text::<ComponentVersion>("component version", choose(versions, rng))?,
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    components.sort();
    Ok(components)
}

fn modules(model: &Model, number: u32, rng: &mut ChaCha8Rng) -> Result<Vec<Module>, PlanError> {
    model
        .modules
        .iter()
        .filter(|(_, share)| rng.random_bool(*share))
        .map(|(name, _)| {
            let initial = name.chars().next().unwrap_or('M').to_ascii_uppercase();
            Ok(Module {
                name: text("module name", name)?,
                serial: text("module serial number", &format!("{initial}M{number}"))?,
            })
        })
        .collect()
}

/// Appends the GS1 check digit (General Specifications, 7.9): weights 3 and 1 alternate, 3 at the right.
fn with_check_digit(body: &str) -> String {
    let sum: u32 = body
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_fleet_and_another_seed_another() {
        let fleet = |pumps, seed| FleetPlan::new(pumps, seed).build().unwrap();
        assert_eq!(fleet(50, 7), fleet(50, 7));
        assert_ne!(fleet(50, 7), fleet(50, 8));
        // A larger fleet begins with the smaller one: adding pumps does not replace those that are there.
        assert_eq!(fleet(80, 7)[..50], fleet(50, 7)[..]);
        insta::assert_debug_snapshot!(&fleet(4, 7)[2..]);
    }

    #[test]
    fn nothing_that_must_be_unique_repeats() {
        let fleet = FleetPlan::new(10_000, 3).build().unwrap();
        let distinct = |count: usize, what: &str| assert_eq!(count, fleet.len(), "{what}");
        distinct(
            fleet.iter().map(|p| &p.serial).collect::<HashSet<_>>().len(),
            "serial",
        );
        distinct(fleet.iter().map(|p| &p.udi).collect::<HashSet<_>>().len(), "udi");
        distinct(
            fleet.iter().map(|p| &p.asset_tag).collect::<HashSet<_>>().len(),
            "tag",
        );
        let macs: Vec<_> = fleet.iter().flat_map(|p| &p.macs).collect();
        assert_eq!(macs.iter().collect::<HashSet<_>>().len(), macs.len());
        let v311 = fleet.iter().filter(|p| p.mqtt == MqttVersion::V311).count();
        assert_eq!(v311, fleet.len() / 3);
    }

    #[test]
    fn check_digits_are_those_of_gs1() {
        assert_eq!(with_check_digit("0950400005911"), "09504000059118");
        assert_eq!(with_check_digit("0061414100003"), "00614141000036");
    }

    #[test]
    fn a_plan_that_can_not_be_drawn_says_why() {
        let check = |plan: FleetPlan, expected: &str| {
            assert_eq!(plan.build().unwrap_err().to_string(), expected);
        };
        check(
            FleetPlan::new(0, 1),
            "a fleet of 0 pumps can not be drawn; ask for 1 to 100000",
        );
        let mut plan = FleetPlan::new(1, 1);
        plan.care_areas = vec![];
        check(plan.clone(), "a fleet needs at least one care area");
        plan.care_areas = vec![" ".to_owned()];
        check(
            plan,
            "` ` can not be used as the care area of a pump: name is empty; give 1 to 120 characters",
        );
    }
}
