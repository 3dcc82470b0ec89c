//! The fleet as a list of expected pumps, in CSV, as a hospital would import it.

use super::PumpBlueprint;

const HEADER: &str = "serial,manufacturer,model,asset_tag,udi,hardware_id,mac,care_area,location\r\n";

/// Writes the list, with a header, in the order of the fleet.
#[must_use]
pub fn expected_csv(fleet: &[PumpBlueprint]) -> String {
    let mut csv = String::from(HEADER);
    for pump in fleet {
        let macs: Vec<String> = pump.macs.iter().map(ToString::to_string).collect();
        let cells = [
            pump.serial.as_str(),
            pump.manufacturer.as_str(),
            pump.model.as_str(),
            pump.asset_tag.as_str(),
            &pump.udi,
            pump.hardware_id.as_str(),
            &macs.join(" "),
            pump.care_area.as_str(),
            pump.location.as_str(),
        ];
        csv.push_str(&cells.map(cell).join(","));
        csv.push_str("\r\n");
    }
    csv
}

/// Quotes what needs it (RFC 4180), and keeps a spreadsheet from running a name as a formula.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    if text.contains([',', ';', '"', '\n', '\r', '\t']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::FleetPlan;

    #[test]
    fn a_line_per_pump_whatever_the_care_area_is_called() {
        let mut plan = FleetPlan::new(2, 7);
        plan.care_areas = vec!["4 \"West\", left".to_owned(), "=cmd|' /C calc'!A0".to_owned()];
        insta::assert_snapshot!(expected_csv(&plan.build().unwrap()));
    }
}
