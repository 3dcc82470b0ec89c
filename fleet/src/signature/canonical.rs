//! One way to write a value as bytes, so that a hash over it means something to anybody.
//!
//! The bytes are JSON in the canonical form of RFC 8785: no white space, object members sorted by the UTF-16 code units of
//! their names, strings with the fewest escapes, numbers as ECMAScript writes them. Whole numbers beyond 2^53, of which that
//! standard says nothing, keep all their digits: no two whole numbers look alike. In front stands a line that names what is
//! written and its version, such as `infusion-pump-gateway audit-entry v1`, and a line feed; so bytes of one kind are never
//! bytes of another. Any language with a JSON library can check a hash over them in a few lines.
//!
//! A fixed structure is written by [`Object`]: every member is always there, an absent value is `null`.

use std::{collections::BTreeMap, fmt::Write};

use serde_json::{Number, Value};

use crate::Timestamp;

/// The first line of canonical bytes, without its line feed.
#[must_use]
pub fn first_line(what: &str, version: u32) -> String {
    format!("infusion-pump-gateway {what} v{version}")
}

/// An instant in UTC as RFC 3339, cut to whole microseconds as a database keeps it, with all six digits of them.
#[must_use]
pub fn utc(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A JSON value in canonical form. Numbers are taken by value: `1.0` is `1`, and `-0` is `0`.
#[must_use]
pub fn to_json(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// The members of an object of fixed structure, each written as it is added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object(BTreeMap<&'static str, String>);

impl Object {
    /// No member yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A text.
    #[must_use]
    pub fn text(self, name: &'static str, text: &str) -> Self {
        self.maybe_text(name, Some(text))
    }

    /// A text, or `null`.
    #[must_use]
    pub fn maybe_text(self, name: &'static str, text: Option<&str>) -> Self {
        let mut out = String::new();
        match text {
            Some(text) => write_text(&mut out, text),
            None => out.push_str("null"),
        }
        self.member(name, out)
    }

    /// A whole number.
    #[must_use]
    pub fn number(self, name: &'static str, number: i64) -> Self {
        self.member(name, number.to_string())
    }

    /// Any JSON value; nothing and `null` are the same.
    #[must_use]
    pub fn json(self, name: &'static str, value: Option<&Value>) -> Self {
        self.member(name, to_json(value.unwrap_or(&Value::Null)))
    }

    /// An object, or `null`.
    #[must_use]
    pub fn object(self, name: &'static str, object: Option<Self>) -> Self {
        let written = object.map_or_else(|| "null".to_owned(), |object| object.to_json());
        self.member(name, written)
    }

    fn member(mut self, name: &'static str, written: String) -> Self {
        self.0.insert(name, written);
        self
    }

    /// The object in canonical form. Names in code are ASCII, of which every order is the same.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (name, written) in &self.0 {
            if out.len() > 1 {
                out.push(',');
            }
            write_text(&mut out, name);
            out.push(':');
            out.push_str(written);
        }
        out.push('}');
        out
    }

    /// The canonical bytes: the line that names what this is, then the object.
    #[must_use]
    pub fn to_bytes(&self, what: &str, version: u32) -> Vec<u8> {
        format!("{}\n{}", first_line(what, version), self.to_json()).into_bytes()
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                write_value(out, member);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{C}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1F}' => {
                // Writing to a String can not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) {
    if number.is_i64() || number.is_u64() {
        out.push_str(&number.to_string());
        return;
    }
    match number.as_f64() {
        Some(value) if value.is_finite() => write_float(out, value),
        // Not reachable with numbers as this build keeps them; what it says is at least its own.
        _ => out.push_str(&number.to_string()),
    }
}

/// ECMAScript's `Number::toString`: the shortest digits that read back, in plain notation from 1e-6 up to 1e21.
fn write_float(out: &mut String, value: f64) {
    if value == 0.0 {
        out.push('0');
        return;
    }
    if value < 0.0 {
        out.push('-');
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The decimal point stands behind this many digits.
    let point = exponent.saturating_add(1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if (count..=21).contains(&point) {
        out.push_str(&digits);
        out.push_str(&zeros(point - count));
    } else if (1..=21).contains(&point) {
        let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or_default());
        out.push_str(whole);
        out.push('.');
        out.push_str(rest);
    } else if (-5..=0).contains(&point) {
        out.push_str("0.");
        out.push_str(&zeros(-point));
        out.push_str(&digits);
    } else {
        let (first, rest) = digits.split_at(1);
        out.push_str(first);
        if !rest.is_empty() {
            out.push('.');
            out.push_str(rest);
        }
        out.push_str(if exponent < 0 { "e-" } else { "e+" });
        out.push_str(&exponent.unsigned_abs().to_string());
    }
}

#[cfg(test)]
pub(crate) mod tests;
