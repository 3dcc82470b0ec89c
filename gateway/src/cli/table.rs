//! Tables for people: they fit the terminal, are plain in a pipe, and nothing in them can play tricks with the terminal.

use chrono::TimeDelta;
use comfy_table::{Attribute, Color, ContentArrangement, Table, presets};
use fleet::Timestamp;
use serde::de::DeserializeOwned;

use super::time::Times;

/// Something of which there are many.
pub trait Row: DeserializeOwned {
    /// What a person reads when there is none.
    const NONE: &'static str;
    /// Headings.
    const COLUMNS: &'static [&'static str];

    /// As many cells as there are headings.
    fn cells(&self, times: &Times) -> Vec<Cell>;
}

/// How much a cell asks for attention. The words say the same: colour is never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Attention,
    Alarm,
}

/// One field of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    /// A time as [`Times::show`] writes it, or nothing.
    pub fn time(at: Option<Timestamp>, times: &Times) -> Self {
        at.map(|at| times.show(at)).into()
    }

    /// An end of validity: it asks for attention in its last week, and is an alarm when it has passed.
    pub fn deadline(at: Option<Timestamp>, times: &Times) -> Self {
        let tone = match at.map(|at| at.signed_duration_since(times.now)) {
            Some(left) if left < TimeDelta::zero() => Tone::Alarm,
            Some(left) if left < TimeDelta::weeks(1) => Tone::Attention,
            Some(_) | None => Tone::Plain,
        };
        Self {
            tone,
            ..Self::time(at, times)
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(text: Option<T>) -> Self {
        text.map(Into::into).unwrap_or_default()
    }
}

/// What the place where a table is read can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Columns to fit; nothing in a pipe, where lines are as long as they are.
    pub width: Option<u16>,
    /// Whether colours are wanted.
    pub colour: bool,
}

/// A table with headings.
#[must_use]
pub fn render(columns: &[&str], rows: impl IntoIterator<Item = Vec<Cell>>, look: Look) -> String {
    let mut table = blank(look);
    table.set_header(
        columns
            .iter()
            .map(|name| comfy_table::Cell::new(name).add_attribute(Attribute::Bold)),
    );
    fill(table, rows)
}

/// Names and values of one thing. Values that are empty are left out.
#[must_use]
pub fn sheet(lines: impl IntoIterator<Item = (&'static str, Cell)>, look: Look) -> String {
    let rows = lines
        .into_iter()
        .filter(|(_, value)| !value.text.is_empty())
        .map(|(name, value)| vec![Cell::from(name), value]);
    fill(blank(look), rows)
}

fn blank(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.force_no_tty();
    match look.width {
        Some(width) => {
            table.set_width(width);
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    if look.colour {
        table.enforce_styling();
    }
    table
}

fn fill(mut table: Table, rows: impl IntoIterator<Item = Vec<Cell>>) -> String {
    for row in rows {
        table.add_row(row.into_iter().map(|cell| {
            let shown = comfy_table::Cell::new_owned(printable(&cell.text));
            match cell.tone {
                Tone::Plain => shown,
                Tone::Good => shown.fg(Color::Green),
                Tone::Attention => shown.fg(Color::Yellow),
                Tone::Alarm => shown.fg(Color::Red).add_attribute(Attribute::Bold),
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Text from elsewhere, safe on a terminal: characters that steer it or reorder the line become `�`,
/// so that a person sees that something was there.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' => ' ',
            c if c.is_control() => '\u{FFFD}',
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' => {
                '\u{FFFD}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<Cell>> {
        vec![
            vec![
                "BM-10442".into(),
                "4 West".into(),
                Cell::toned("In service", Tone::Good),
            ],
            vec![
                "BM-10443".into(),
                "Emergency department, east wing, corridor".into(),
                Cell::toned("Held – do not use", Tone::Alarm),
            ],
        ]
    }

    const COLUMNS: &[&str] = &["PUMP", "CARE AREA", "STATUS"];

    #[test]
    fn a_pipe_gets_one_plain_line_for_each_row() {
        insta::assert_snapshot!(render(COLUMNS, rows(), Look::default()), @r"
        PUMP      CARE AREA                                  STATUS
        BM-10442  4 West                                     In service
        BM-10443  Emergency department, east wing, corridor  Held – do not use
        ");
    }

    #[test]
    fn a_narrow_terminal_wraps_and_is_never_overrun() {
        let look = Look {
            width: Some(44),
            colour: false,
        };
        let text = render(COLUMNS, rows(), look);
        assert!(text.lines().all(|line| line.chars().count() <= 44), "{text}");
        assert!(text.contains("BM-10443"), "{text}");
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let look = |colour| Look { width: None, colour };
        assert!(render(COLUMNS, rows(), look(true)).contains("\u{1b}["));
        assert!(!render(COLUMNS, rows(), look(false)).contains('\u{1b}'));
    }

    #[test]
    fn hostile_text_can_not_steer_the_terminal() {
        let hostile = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gpj\r\nnext\u{0}";
        let text = render(&["NAME"], [vec![Cell::from(hostile)]], Look::default());
        assert_eq!(
            text,
            "NAME\n\u{FFFD}]0;owned\u{FFFD}\u{FFFD}31m\u{FFFD}gpj\u{FFFD} next\u{FFFD}"
        );
    }

    #[test]
    fn a_sheet_leaves_out_what_is_unknown() {
        let lines = [
            ("serial", Cell::from("SN-1")),
            ("location", Cell::from(None::<String>)),
        ];
        assert_eq!(sheet(lines, Look::default()), "serial  SN-1");
    }
}
