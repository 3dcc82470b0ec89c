//! Component lists, feeds and vulnerabilities as rows of tables.

use fleet::Timestamp;
use serde::Deserialize;

use super::{
    table::{Cell, Row, Tone},
    time::Times,
};

/// A component list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct List {
    pub release: Option<String>,
    pub model: Option<String>,
    pub component: Option<String>,
    pub version: Option<String>,
    pub name: String,
    pub components: i64,
    pub gaps: i64,
    imported_by: String,
    imported_at: Option<Timestamp>,
}

impl List {
    /// What it is of, once the names of releases and models stand for their ids.
    pub fn of(&self) -> String {
        let parts = [&self.release, &self.model, &self.component, &self.version];
        let words: Vec<_> = parts.into_iter().flatten().map(String::as_str).collect();
        words.join(" ")
    }
}

impl Row for List {
    const NONE: &'static str = "no component lists";
    const COLUMNS: &'static [&'static str] = &["OF", "FILE", "COMPONENTS", "GAPS", "IMPORTED", "BY"];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let tone = if self.gaps > 0 {
            Tone::Attention
        } else {
            Tone::Plain
        };
        vec![
            Cell::from(self.of()),
            Cell::from(&self.name),
            Cell::from(self.components.to_string()),
            Cell::toned(self.gaps.to_string(), tone),
            Cell::time(self.imported_at, times),
            Cell::from(&self.imported_by),
        ]
    }
}

/// What last came in of a feed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Feed {
    #[serde(rename = "feed")]
    kind: String,
    publisher: String,
    document: String,
    made_at: Option<Timestamp>,
    imported_at: Option<Timestamp>,
    records: i64,
    without_products: i64,
    age_days: i64,
    stale: bool,
}

impl Row for Feed {
    const NONE: &'static str = "no feeds: no advisory was carried in, so nothing is known";
    const COLUMNS: &'static [&'static str] = &[
        "FEED",
        "PUBLISHER",
        "DOCUMENT",
        "MADE",
        "IMPORTED",
        "RECORDS",
        "NAMING NO PRODUCT",
        "AGE",
    ];

    fn cells(&self, times: &Times) -> Vec<Cell> {
        let age = if self.stale {
            Cell::toned(format!("{} days: stale", self.age_days), Tone::Alarm)
        } else {
            Cell::toned(format!("{} days", self.age_days), Tone::Good)
        };
        vec![
            Cell::from(&self.kind),
            Cell::from(&self.publisher),
            Cell::from(&self.document),
            Cell::time(self.made_at, times),
            Cell::time(self.imported_at, times),
            Cell::from(self.records.to_string()),
            Cell::from(self.without_products.to_string()),
            age,
        ]
    }
}

/// The answer as a person reads it, with how much it asks of them.
pub fn verdict(word: &str) -> Cell {
    let tone = match word {
        "affected" => Tone::Alarm,
        "needs_review" | "partly_fixed" => Tone::Attention,
        "fixed" | "not_affected" => Tone::Good,
        _ => Tone::Plain,
    };
    Cell::toned(word.replace('_', " "), tone)
}

/// A vulnerability at its place in the order of work.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Exposure {
    vulnerability: String,
    title: String,
    verdict: String,
    exploited: bool,
    top_score: Option<String>,
    pumps: usize,
    in_use: usize,
    named: Vec<String>,
    reasons: Vec<String>,
}

impl Row for Exposure {
    const NONE: &'static str = "no open vulnerabilities";
    const COLUMNS: &'static [&'static str] = &[
        "VULNERABILITY",
        "VERDICT",
        "SCORE",
        "PUMPS",
        "WHICH",
        "WHY HERE",
        "TITLE",
    ];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let more = self.pumps.saturating_sub(self.named.len());
        let mut which = self.named.join(", ");
        if more > 0 {
            which = format!("{which} and {more} more");
        }
        let pumps = match self.in_use {
            0 => self.pumps.to_string(),
            in_use => format!("{} ({in_use} in use)", self.pumps),
        };
        let tone = if self.exploited { Tone::Alarm } else { Tone::Plain };
        vec![
            Cell::toned(&self.vulnerability, tone),
            verdict(&self.verdict),
            self.top_score.as_ref().into(),
            Cell::from(pumps),
            Cell::from(which),
            Cell::from(self.reasons.join("; ")),
            Cell::from(self.title.chars().take(60).collect::<String>()),
        ]
    }
}

/// A component in pumps that report the same versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Found {
    component: String,
    version: Option<String>,
    supplier: Option<String>,
    perhaps: bool,
    of: String,
    pumps: Vec<String>,
}

impl Row for Found {
    const NONE: &'static str = "no pumps that contain it, as far as component lists were imported";
    const COLUMNS: &'static [&'static str] = &["COMPONENT", "VERSION", "SUPPLIER", "", "IN", "PUMPS"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let perhaps = if self.perhaps {
            Cell::toned("perhaps", Tone::Attention)
        } else {
            Cell::default()
        };
        vec![
            Cell::from(&self.component),
            self.version.as_ref().into(),
            self.supplier.as_ref().into(),
            perhaps,
            Cell::from(&self.of),
            Cell::from(self.pumps.join(", ")),
        ]
    }
}

/// A component that is not the same in two releases.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Difference {
    component: String,
    from: Vec<String>,
    to: Vec<String>,
}

impl Row for Difference {
    const NONE: &'static str = "no differences";
    const COLUMNS: &'static [&'static str] = &["COMPONENT", "ONLY IN THE OLDER", "ONLY IN THE NEWER"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        vec![
            Cell::from(&self.component),
            Cell::from(self.from.join(", ")),
            Cell::from(self.to.join(", ")),
        ]
    }
}

/// What an import did, or would do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Import {
    pub files: Vec<File>,
    pub changed: usize,
    pub unchanged: usize,
    pub older: usize,
    pub opened: Vec<Moved>,
    pub closed: Vec<Moved>,
    /// Of a component list: the list, and how many pumps it holds for.
    pub list: Option<List>,
    pub pumps: usize,
}

/// A file of an import.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct File {
    name: String,
    refused: Option<String>,
    feed: Option<String>,
    document: Option<String>,
    records: usize,
}

impl Row for File {
    const NONE: &'static str = "no files";
    const COLUMNS: &'static [&'static str] = &["FILE", "FEED", "DOCUMENT", "RECORDS", "REFUSED"];

    fn cells(&self, _: &Times) -> Vec<Cell> {
        let refused = self
            .refused
            .as_ref()
            .map_or_else(Cell::default, |why| Cell::toned(why, Tone::Alarm));
        vec![
            Cell::from(&self.name),
            self.feed.as_ref().into(),
            self.document.as_ref().into(),
            Cell::from(self.records.to_string()),
            refused,
        ]
    }
}

/// A vulnerability that opened or closed on pumps.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Moved {
    vulnerability: String,
    pumps: usize,
}

/// Some vulnerabilities in one line, with how many pumps each is about.
pub fn moved(all: &[Moved]) -> String {
    const NAMED: usize = 20;
    let mut words: Vec<_> = all
        .iter()
        .take(NAMED)
        .map(|moved| format!("{} on {}", moved.vulnerability, moved.pumps))
        .collect();
    if all.len() > NAMED {
        words.push(format!("{} more", all.len() - NAMED));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::table::{Look, render};

    const TIMES: Times = Times {
        now: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        zone: chrono::FixedOffset::east_opt(0),
    };

    fn table<R: Row>(rows: &[Value]) -> String {
        let rows: Vec<R> = rows
            .iter()
            .map(|row| serde_json::from_value(row.clone()).unwrap())
            .collect();
        render(
            R::COLUMNS,
            rows.iter().map(|row| row.cells(&TIMES)),
            Look::default(),
        )
    }

    #[test]
    fn what_is_open_names_its_pumps_and_says_why() {
        let shown = table::<Exposure>(&[json!({
            "vulnerability": "CVE-2020-11023", "title": "jQuery", "verdict": "needs_review", "exploited": true, "top_score": "6.9",
            "pumps": 7, "in_use": 2, "named": ["SN-1", "SN-2"], "reasons": ["known to be exploited since 2025-01-23"],
        })]);
        insta::assert_snapshot!(shown, @r"
        VULNERABILITY   VERDICT       SCORE  PUMPS         WHICH                  WHY HERE                                TITLE
        CVE-2020-11023  needs review  6.9    7 (2 in use)  SN-1, SN-2 and 5 more  known to be exploited since 2025-01-23  jQuery
        ");
    }

    #[test]
    fn a_stale_feed_says_so() {
        let shown = table::<Feed>(&[
            json!({"feed": "CISA KEV", "publisher": "CISA", "document": "2025.08.25", "records": 1404, "age_days": 456, "stale": true}),
            json!({"feed": "NVD", "publisher": "NVD", "document": "page", "records": 2, "age_days": 3}),
        ]);
        assert!(
            shown.contains("456 days: stale") && shown.contains("3 days"),
            "{shown}"
        );
    }

    #[test]
    fn every_row_has_as_many_cells_as_headings() {
        fn check<R: Row + Default>() {
            assert_eq!(R::default().cells(&TIMES).len(), R::COLUMNS.len(), "{}", R::NONE);
        }
        check::<List>();
        check::<Feed>();
        check::<Exposure>();
        check::<Found>();
        check::<Difference>();
        check::<File>();
    }

    #[test]
    fn many_that_moved_are_counted() {
        let one = || Moved {
            vulnerability: "CVE-2018-1285".to_owned(),
            pumps: 3,
        };
        assert_eq!(moved(&[one()]), "CVE-2018-1285 on 3");
        let many: Vec<_> = std::iter::repeat_with(one).take(23).collect();
        assert!(moved(&many).ends_with(", 3 more"));
    }
}
