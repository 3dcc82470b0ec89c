//! Reading the list of expected pumps from a CSV that a person exported from a spreadsheet.
//!
//! Whatever spreadsheets do to such a file survives: a byte order mark, CR LF, quotes, semicolons or tabs as separators,
//! an `Asset Tag` for an `asset_tag`, empty lines at the end, the apostrophe that our own export puts before a formula.
//! Problems are reported all at once, each with its line and column; if there is one, nothing is imported.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    pump::{MacAddress, Udi},
    text::{AssetTag, HardwareId, Name, SerialNumber},
};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// The most pumps in one file.
pub const MAX_ROWS: usize = 100_000;
/// The most problems that are listed; more would not help anybody.
pub const MAX_PROBLEMS: usize = 200;

/// A column: its name, whether it must be there, and other names people give it.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub required: bool,
    pub also: &'static [&'static str],
    pub meaning: &'static str,
}

/// The columns of the file. Their order in the file does not matter; others are refused, since a misspelt column would be lost.
pub const COLUMNS: [Column; 9] = [
    Column {
        name: "serial",
        required: true,
        also: &["serial_number", "serial_no", "sn"],
        meaning: "the manufacturer's serial number",
    },
    Column {
        name: "manufacturer",
        required: true,
        also: &["maker", "vendor"],
        meaning: "the manufacturer's name",
    },
    Column {
        name: "model",
        required: true,
        also: &["model_name"],
        meaning: "the model's name",
    },
    Column {
        name: "asset_tag",
        required: false,
        also: &["asset", "tag", "asset_no"],
        meaning: "the hospital's tag; unique",
    },
    Column {
        name: "udi",
        required: false,
        also: &["udi_carrier"],
        meaning: "the UDI as printed, with brackets, or as scanned",
    },
    Column {
        name: "hardware_id",
        required: false,
        also: &["hardware", "hw"],
        meaning: "the hardware revision",
    },
    Column {
        name: "mac",
        required: false,
        also: &["macs", "mac_address", "mac_addresses"],
        meaning: "network addresses, separated by blanks",
    },
    Column {
        name: "care_area",
        required: false,
        also: &["area", "ward", "unit"],
        meaning: "the care area it belongs to",
    },
    Column {
        name: "location",
        required: false,
        also: &["storage", "storage_location"],
        meaning: "where it is kept when not in use",
    },
];

/// A good line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRow {
    /// Line of the file, the header being line 1; 0 for a row that did not come from a file.
    pub line: u64,
    pub serial: SerialNumber,
    pub manufacturer: Name,
    pub model: Name,
    pub asset_tag: Option<AssetTag>,
    pub udi: Option<Udi>,
    pub hardware_id: Option<HardwareId>,
    pub macs: Vec<MacAddress>,
    pub care_area: Option<Name>,
    pub location: Option<Name>,
}

impl ExpectedRow {
    /// Equal but for the line it stands on.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        Self {
            line: 0,
            ..self.clone()
        } == Self {
            line: 0,
            ..other.clone()
        }
    }
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LineProblem {
    /// Line of the file; the header is line 1.
    pub line: u64,
    /// The column, where it is about one.
    pub column: Option<&'static str>,
    /// What is wrong and what was expected.
    pub problem: String,
}

/// Reads a file.
///
/// # Errors
/// Every problem in it, in the order of lines, at most [`MAX_PROBLEMS`].
pub fn parse(bytes: &[u8]) -> Result<Vec<ExpectedRow>, Vec<LineProblem>> {
    let whole_file = |problem: String| {
        vec![LineProblem {
            line: 1,
            column: None,
            problem,
        }]
    };
    if bytes.len() > MAX_BYTES {
        return Err(whole_file(format!(
            "the file has {} bytes; at most {MAX_BYTES} are read",
            bytes.len()
        )));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes
            .iter()
            .take(error.valid_up_to())
            .filter(|b| **b == b'\n')
            .count() as u64;
        let problem = "not UTF-8; in the spreadsheet choose “CSV UTF-8” when saving".to_owned();
        vec![LineProblem {
            line,
            column: None,
            problem,
        }]
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator(text))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(record)) => header(&record).map_err(whole_file)?,
        Some(Err(error)) => return Err(whole_file(error.to_string())),
        None => return Err(whole_file("the file is empty".to_owned())),
    };

    let mut rows = Vec::new();
    let mut problems = Problems::default();
    let mut lines = Lines::of(text);
    for record in records {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = lines.at(error.position());
                problems.add(line, None, error.to_string());
                break;
            }
        };
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let line = lines.at(record.position());
        if rows.len() == MAX_ROWS {
            problems.add(line, None, format!("more than {MAX_ROWS} pumps; split the file"));
            break;
        }
        if let Some(row) = (Line {
            number: line,
            header: &header,
            record: &record,
            problems: &mut problems,
        })
        .read()
        {
            rows.push(row);
        }
        if problems.list.len() >= MAX_PROBLEMS {
            break;
        }
    }
    duplicates(&rows, &mut problems);
    if problems.list.is_empty() {
        Ok(rows)
    } else {
        problems.list.sort_by_key(|problem| problem.line);
        problems.list.truncate(MAX_PROBLEMS);
        Err(problems.list)
    }
}

/// Numbers the lines of a file as a person's editor does. The CSV reader's own count is one short after CR LF, since it takes
/// the LF for the beginning of the next record.
struct Lines<'a> {
    text: &'a str,
    counted_to: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    const fn of(text: &'a str) -> Self {
        Self {
            text,
            counted_to: 0,
            line: 1,
        }
    }

    /// The line on which a record begins. Positions must not go back.
    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let bytes = self.text.as_bytes();
        let mut start = position.map_or(0, |position| {
            usize::try_from(position.byte()).unwrap_or(usize::MAX)
        });
        while bytes.get(start).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            start += 1;
        }
        let passed = bytes.get(self.counted_to..start).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').count().saturating_sub(1) as u64;
        self.counted_to = self.counted_to.max(start);
        self.line
    }
}

/// The separator is whichever candidate the first line has most of, outside quotes.
fn separator(text: &str) -> u8 {
    let first_line = text.lines().next().unwrap_or_default();
    let unquoted: String = first_line.split('"').step_by(2).collect();
    let count = |candidate: u8| unquoted.bytes().filter(|b| *b == candidate).count();
    // `max_by_key` takes the last of equals, and a comma is the likeliest.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|candidate| count(*candidate))
        .unwrap_or(b',')
}

/// For each cell of a line, which of [`COLUMNS`] it is.
fn header(record: &csv::StringRecord) -> Result<Vec<&'static Column>, String> {
    let known = || COLUMNS.map(|column| column.name).join(", ");
    let mut found: Vec<&'static Column> = Vec::new();
    for cell in record {
        let name = cell.trim().to_lowercase().replace([' ', '-', '.'], "_");
        let column = COLUMNS
            .iter()
            .find(|column| column.name == name || column.also.contains(&name.as_str()))
            .ok_or_else(|| format!("unknown column `{}`; known are {}", short(cell), known()))?;
        if found.iter().any(|other| other.name == column.name) {
            return Err(format!("column `{}` appears twice", column.name));
        }
        found.push(column);
    }
    match COLUMNS
        .iter()
        .find(|column| column.required && !found.iter().any(|other| other.name == column.name))
    {
        Some(missing) => Err(format!(
            "column `{}` is missing; known are {}",
            missing.name,
            known()
        )),
        None => Ok(found),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[derive(Default)]
struct Problems {
    list: Vec<LineProblem>,
}

impl Problems {
    fn add(&mut self, line: u64, column: Option<&'static str>, problem: String) {
        self.list.push(LineProblem {
            line,
            column,
            problem,
        });
    }
}

struct Line<'a> {
    number: u64,
    header: &'a [&'static Column],
    record: &'a csv::StringRecord,
    problems: &'a mut Problems,
}

impl Line<'_> {
    fn read(&mut self) -> Option<ExpectedRow> {
        if self.record.len() != self.header.len() {
            let problem = format!(
                "has {} cells; the header has {}",
                self.record.len(),
                self.header.len()
            );
            self.problems.add(self.number, None, problem);
            return None;
        }
        let before = self.problems.list.len();
        let serial = self.required("serial");
        let manufacturer = self.required("manufacturer");
        let model = self.required("model");
        let asset_tag = self.optional("asset_tag");
        let udi = self.optional("udi");
        let hardware_id = self.optional("hardware_id");
        let macs = self.macs();
        let care_area = self.optional("care_area");
        let location = self.optional("location");
        if self.problems.list.len() > before {
            return None;
        }
        Some(ExpectedRow {
            line: self.number,
            serial: serial?,
            manufacturer: manufacturer?,
            model: model?,
            asset_tag,
            udi,
            hardware_id,
            macs,
            care_area,
            location,
        })
    }

    /// The text of a cell, empty when the column is not there. Our own export's apostrophe before a formula comes off again.
    fn cell(&self, column: &str) -> &str {
        let index = self.header.iter().position(|candidate| candidate.name == column);
        let cell = index
            .and_then(|index| self.record.get(index))
            .unwrap_or_default()
            .trim();
        match cell.strip_prefix('\'') {
            Some(rest) if super::csv_cell(rest) != rest => rest,
            _ => cell,
        }
    }

    fn required<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, column: &'static str) -> Option<T> {
        let parsed = self.cell(column).parse();
        self.keep(column, parsed)
    }

    fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, column: &'static str) -> Option<T> {
        if self.cell(column).is_empty() {
            None
        } else {
            self.required(column)
        }
    }

    fn macs(&mut self) -> Vec<MacAddress> {
        let parsed: Result<Vec<MacAddress>, _> = self
            .cell("mac")
            .split([' ', ',', ';', '|'])
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect();
        let mut macs = self.keep("mac", parsed).unwrap_or_default();
        macs.sort_unstable();
        macs.dedup();
        macs
    }

    fn keep<T, E: std::fmt::Display>(&mut self, column: &'static str, parsed: Result<T, E>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.add(self.number, Some(column), error.to_string());
                None
            }
        }
    }
}

/// What must be unique within a file: the pump itself, its tag, its addresses.
fn duplicates(rows: &[ExpectedRow], problems: &mut Problems) {
    let mut pumps = HashMap::new();
    let mut tags = HashMap::new();
    let mut macs = HashMap::new();
    for row in rows {
        if let Some(first) = pumps.insert((&row.manufacturer, &row.model, &row.serial), row.line) {
            problems.add(
                row.line,
                Some("serial"),
                format!("{} is on line {first} already", row.serial),
            );
        }
        if let Some(tag) = &row.asset_tag
            && let Some(first) = tags.insert(tag, row.line)
        {
            problems.add(
                row.line,
                Some("asset_tag"),
                format!("{tag} is on line {first} already"),
            );
        }
        for mac in &row.macs {
            if let Some(first) = macs.insert(mac, row.line) {
                problems.add(row.line, Some("mac"), format!("{mac} is on line {first} already"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
