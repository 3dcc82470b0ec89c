//! Physical quantities, each with its unit in its name and its range in its constructor.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A quantity outside the range a pump can honestly report.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{what} is {value}; expected {min} to {max} {unit}")]
pub struct OutOfRange {
    /// Which quantity.
    pub what: &'static str,
    /// What was given.
    pub value: f64,
    /// The least accepted value.
    pub min: f64,
    /// The greatest accepted value.
    pub max: f64,
    /// The unit of all three.
    pub unit: &'static str,
}

macro_rules! quantity {
    ($($(#[$meta:meta])* $name:ident($what:literal, $unit:literal, $min:literal ..= $max:literal)),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        #[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[cfg_attr(feature = "openapi", schema(value_type = f64))]
        #[cfg_attr(feature = "json-schema", schemars(extend("minimum" = $min, "maximum" = $max)))]
        pub struct $name(
            f64
        );

        impl $name {
            /// Takes a number in the unit of the name.
            ///
            /// # Errors
            /// [`OutOfRange`] when it is not a number or outside the range.
            pub fn new(value: f64) -> Result<Self, OutOfRange> {
                if ($min..=$max).contains(&value) {
                    Ok(Self(value))
                } else {
                    Err(OutOfRange { what: $what, value, min: $min, max: $max, unit: $unit })
                }
            }

            /// The number, in the unit of the name.
            #[must_use]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = OutOfRange;

            fn try_from(value: f64) -> Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(quantity: $name) -> Self {
                quantity.0
            }
        }
    )+};
}

quantity! {
    /// Delivery rate in mL/h. Volumetric pumps reach 1,200 mL/h; the bound leaves room for rapid infusers.
    MillilitresPerHour("rate", "mL/h", 0.0..=3000.0),
    /// Volume in mL.
    Millilitres("volume", "mL", 0.0..=100_000.0),
    /// Charge of a battery in percent of its present capacity.
    BatteryPercent("battery", "%", 0.0..=100.0),
    /// Received radio signal strength in dBm.
    SignalDbm("signal", "dBm", -130.0..=20.0),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_keeps_to_its_range() {
        assert_eq!(MillilitresPerHour::new(125.5).unwrap().get().to_string(), "125.5");
        assert_eq!(
            BatteryPercent::new(101.0).unwrap_err().to_string(),
            "battery is 101; expected 0 to 100 %"
        );
        assert!(MillilitresPerHour::new(f64::NAN).is_err());
        assert!(serde_json::from_str::<SignalDbm>("-400").is_err());
    }
}
