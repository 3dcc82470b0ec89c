//! Writing text into a CSV that a spreadsheet will open.

use std::borrow::Cow;

/// Makes a cell inert: a spreadsheet treats a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a
/// formula. A leading apostrophe makes it text (OWASP, CSV injection). Numbers keep their sign.
///
/// Quoting is the CSV writer's work, not ours.
#[must_use]
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let is_formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'])
        || text.starts_with(['\t', '\r', '\n']);
    if is_formula && text.parse::<f64>().is_err() {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_all_else_stays() {
        for (raw, expected) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(1)", "'@SUM(1)"),
            ("+1-2", "'+1-2"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
            ("-61", "-61"),
            ("-61.5", "-61.5"),
            ("4 West", "4 West"),
            ("O\"Brien, 💉", "O\"Brien, 💉"),
            ("", ""),
        ] {
            assert_eq!(csv_cell(raw), expected);
        }
    }
}
