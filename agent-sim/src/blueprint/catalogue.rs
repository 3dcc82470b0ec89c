//! The makers, models and wards that fleets are drawn from. All of them are made up; the GTINs are in GS1's range for examples.

/// The care areas of a hospital that was not described.
pub(super) const CARE_AREAS: [&str; 6] = ["MICU", "SICU", "4 West", "ED", "PACU", "NICU"];

/// A model of pump.
pub(super) struct Model {
    pub(super) manufacturer: &'static str,
    pub(super) name: &'static str,
    pub(super) serial_prefix: &'static str,
    /// GTIN-14 without its check digit.
    pub(super) device_identifier: &'static str,
    /// Second and third byte of its network addresses.
    pub(super) address_range: [u8; 2],
    /// Network interfaces: wireless, and for some a dock's cable.
    pub(super) interfaces: u8,
    /// Hardware revisions that are in the field.
    pub(super) hardware: &'static [&'static str],
    /// Components, each with the versions that are in the field.
    pub(super) firmware: &'static [(&'static str, &'static [&'static str])],
    /// The security counter of what is in the field.
    pub(super) counter: u32,
    /// What hospitals call the drug library for it.
    pub(super) drug_library: &'static str,
    /// Modules, each with the share of pumps that carry one.
    pub(super) modules: &'static [(&'static str, f64)],
}

pub(super) const MODELS: [Model; 2] = [
    Model {
        manufacturer: "Arden Medical",
        name: "AX-1 LVP",
        serial_prefix: "AX",
        device_identifier: "0950400010101",
        address_range: [0xA1, 0xC5],
        interfaces: 2,
        hardware: &["AX1-C", "AX1-D"],
        firmware: &[
            ("bootloader", &["2.0.4"]),
            ("drug-library", &["2025.11", "2026.02"]),
            ("main", &["8.2.1", "8.3.0", "8.3.0", "8.4.2"]),
            ("wireless", &["3.1.7", "3.2.0"]),
        ],
        counter: 40,
        drug_library: "Adult general",
        modules: &[("battery", 1.0), ("wireless", 1.0), ("pca", 0.15)],
    },
    Model {
        manufacturer: "Nordvik Infusion",
        name: "Sirius 500",
        serial_prefix: "SR",
        device_identifier: "0950400020205",
        address_range: [0xB7, 0x3E],
        interfaces: 1,
        hardware: &["SIR5-2"],
        firmware: &[
            ("drug-library", &["41", "42"]),
            ("main", &["5.10", "5.12", "6.0"]),
            ("motor", &["1.9", "2.0"]),
            ("wireless", &["2.4.1", "2.4.3", "2.5.0"]),
        ],
        counter: 12,
        drug_library: "Adult and NICU",
        modules: &[("battery", 1.0), ("syringe", 0.25)],
    },
];
