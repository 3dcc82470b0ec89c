//! Pages of a list by keyset: a page begins after the last row of the one before, so rows that come or go in
//! between neither shift nor repeat the others, and a deep page costs what the first one costs.

use std::{fmt, str::FromStr};

use chrono::DateTime;
use fleet::Timestamp;

use crate::StoreError;

/// The most items on one page.
pub const PAGE_MAX: u32 = 1000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, at most as many as were asked for.
    pub items: Vec<T>,
    /// The marker to ask for the next page with; nothing on the last page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The same page of other items.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            next: self.next,
        }
    }
}

/// Holds a limit to 1..=[`PAGE_MAX`].
pub(crate) fn page_size(limit: u32) -> usize {
    // At most a thousand, so it fits any usize.
    usize::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1)
}

/// How many rows a page query asks for: one more than it shows, to learn whether there is a next page.
pub(crate) fn rows_for(limit: u32) -> i64 {
    i64::from(limit.clamp(1, PAGE_MAX)) + 1
}

/// Makes a page of up to one row too many.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: u32, marker: impl FnOnce(&T) -> String) -> Page<T> {
    let size = page_size(limit);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = if more { rows.last().map(marker) } else { None };
    Page { items: rows, next }
}

/// The marker of a list in the order of time.
pub(crate) fn time_marker(at: Timestamp, id: impl fmt::Display) -> String {
    format!("{}_{}", at.timestamp_micros(), id)
}

/// The marker of a list in the order of a text, which may hold any character.
pub(crate) fn text_marker(text: &str, id: impl fmt::Display) -> String {
    format!("{}_{}", hex::encode(text), id)
}

/// Reads a marker of [`time_marker`].
pub(crate) fn read_time_marker<Id: FromStr>(marker: &str) -> Result<(Timestamp, Id), StoreError> {
    split(marker)
        .and_then(|(at, id)| Some((DateTime::from_timestamp_micros(at.parse().ok()?)?, id)))
        .ok_or_else(|| invalid(marker))
}

/// Reads a marker of [`text_marker`].
pub(crate) fn read_text_marker<Id: FromStr>(marker: &str) -> Result<(String, Id), StoreError> {
    split(marker)
        .and_then(|(text, id)| Some((String::from_utf8(hex::decode(text).ok()?).ok()?, id)))
        .ok_or_else(|| invalid(marker))
}

fn split<Id: FromStr>(marker: &str) -> Option<(&str, Id)> {
    let (order, id) = marker.split_once('_')?;
    Some((order, id.parse().ok()?))
}

fn invalid(marker: &str) -> StoreError {
    StoreError::InvalidPage {
        marker: marker.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use fleet::id::PumpId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_marker_panics(marker in ".{0,60}") {
            let _ = read_time_marker::<PumpId>(&marker);
            let _ = read_text_marker::<PumpId>(&marker);
        }

        #[test]
        fn markers_read_back(text in ".{0,60}", micros in -1_000_000_000_000_000_i64..4_000_000_000_000_000, id: u128) {
            let id: PumpId = PumpId::from_uuid(uuid::Uuid::from_u128(id));
            prop_assert_eq!(read_text_marker(&text_marker(&text, id)).unwrap(), (text, id));
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            prop_assert_eq!(read_time_marker(&time_marker(at, id)).unwrap(), (at, id));
        }
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let check = |rows: usize, limit, items: usize, more: bool| {
            let page = cut((0..rows).collect(), limit, ToString::to_string);
            assert_eq!((page.items.len(), page.next.is_some()), (items, more));
        };
        check(0, 2, 0, false);
        check(2, 2, 2, false);
        check(3, 2, 2, true);
        check(2, 0, 1, true);
    }
}
