//! Dates that serve as versions.

use chrono::NaiveDate;

use super::dotted::number;

/// Reads `2023-10-26` and `20231026`, from 1980 to 2099: a date beyond is more likely a number.
pub(super) fn parse(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let (year, month, day) = match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        (whole, None, None, None) if whole.len() == 8 => (whole.get(..4)?, whole.get(4..6)?, whole.get(6..)?),
        (year, Some(month), Some(day), None) if year.len() == 4 && month.len() == 2 && day.len() == 2 => {
            (year, month, day)
        }
        _ => return None,
    };
    let year = i32::try_from(number(year)?)
        .ok()
        .filter(|year| (1980..2100).contains(year))?;
    let small = |text| number(text).and_then(|number| u32::try_from(number).ok());
    NaiveDate::from_ymd_opt(year, small(month)?, small(day)?)
}
