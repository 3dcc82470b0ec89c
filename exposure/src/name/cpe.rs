//! CPE names (NISTIR 7695): the formatted string `cpe:2.3:a:vendor:product:…` and the older URI `cpe:/a:vendor:product`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What kind of thing a CPE names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Application,
    OperatingSystem,
    Hardware,
}

/// One attribute of a CPE.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// `*`: any value.
    Any,
    /// `-`: the attribute does not apply.
    NotApplicable,
    /// This value, unescaped and in lower case.
    Is(String),
    /// A value with unescaped wildcards, which is not evaluated: a person is asked.
    Pattern(String),
}

impl Value {
    /// The value, when it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Is(text) => Some(text),
            Self::Any | Self::NotApplicable | Self::Pattern(_) => None,
        }
    }
}

/// A CPE name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cpe {
    /// `None` for `*`.
    pub part: Option<Part>,
    pub vendor: Value,
    pub product: Value,
    pub version: Value,
    pub update: Value,
    /// Edition, language, software edition, target software, target hardware, other, in this order.
    pub rest: [Value; 6],
    text: String,
}

/// The names of the attributes in [`Cpe::rest`], as a person reads them.
const REST: [&str; 6] = [
    "edition",
    "language",
    "software edition",
    "target software",
    "target hardware",
    "other",
];

/// Not a CPE name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{given}` is not a CPE name: {why}")]
pub struct CpeError {
    given: String,
    why: &'static str,
}

impl Cpe {
    /// The longest name that is read.
    pub const MAX: usize = 1_000;

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of an attribute of [`Cpe::rest`], and its value.
    pub fn rest(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        REST.into_iter().zip(&self.rest)
    }
}

impl FromStr for Cpe {
    type Err = CpeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why| CpeError {
            given: crate::read::clip(text, 120),
            why,
        };
        if text.len() > Self::MAX {
            return Err(error("it is longer than 1000 bytes"));
        }
        let (fields, read): (Vec<String>, fn(&str) -> Value) =
            if let Some(rest) = text.strip_prefix("cpe:2.3:") {
                (split(rest), formatted)
            } else if let Some(rest) = text.strip_prefix("cpe:/") {
                (rest.split(':').map(str::to_owned).collect(), uri)
            } else {
                return Err(error("it begins neither with `cpe:2.3:` nor with `cpe:/`"));
            };
        let is_formatted = text.starts_with("cpe:2.3:");
        if (is_formatted && fields.len() != 11) || fields.len() > 11 {
            return Err(error("it has not 11 fields"));
        }
        let mut fields = fields.iter().map(String::as_str);
        let part = match fields.next() {
            Some("a") => Some(Part::Application),
            Some("o") => Some(Part::OperatingSystem),
            Some("h") => Some(Part::Hardware),
            Some("*") => None,
            _ => return Err(error("its part is none of a, o, h and *")),
        };
        let mut next = || fields.next().map_or(Value::Any, read);
        let name = Self {
            part,
            vendor: next(),
            product: next(),
            version: next(),
            update: next(),
            rest: [next(), next(), next(), next(), next(), next()],
            text: text.to_owned(),
        };
        match name.product {
            Value::Is(_) => Ok(name),
            Value::Any | Value::NotApplicable | Value::Pattern(_) => Err(error("it names no product")),
        }
    }
}

/// Splits at colons that no backslash precedes.
fn split(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ':' && !escaped {
            fields.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(field) = fields.last_mut() {
            field.push(c);
        }
    }
    fields
}

fn formatted(field: &str) -> Value {
    match field {
        "*" | "" => return Value::Any,
        "-" => return Value::NotApplicable,
        _ => {}
    }
    let mut plain = String::with_capacity(field.len());
    let (mut escaped, mut wild) = (false, false);
    for c in field.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        wild |= !escaped && matches!(c, '*' | '?');
        escaped = false;
        plain.extend(c.to_lowercase());
    }
    if wild {
        Value::Pattern(plain)
    } else {
        Value::Is(plain)
    }
}

/// The URI binding writes special characters as `%2b`.
fn uri(field: &str) -> Value {
    match field {
        "" => return Value::Any,
        "-" => return Value::NotApplicable,
        _ => {}
    }
    match super::purl::percent_decode(field) {
        Some(plain) => Value::Is(plain.to_lowercase()),
        None => Value::Pattern(field.to_lowercase()),
    }
}

impl TryFrom<String> for Cpe {
    type Error = CpeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Cpe> for String {
    fn from(cpe: Cpe) -> Self {
        cpe.text
    }
}

impl fmt::Display for Cpe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_both_forms() {
        let is = |text: &str| Value::Is(text.to_owned());
        let cpe: Cpe = "cpe:2.3:o:smiths-medical:medfusion_4000:1.1:*:*:*:*:*:*:*"
            .parse()
            .unwrap();
        assert_eq!(
            (cpe.part, &cpe.vendor, &cpe.version),
            (Some(Part::OperatingSystem), &is("smiths-medical"), &is("1.1"))
        );
        assert_eq!(cpe.rest().filter(|(_, value)| **value != Value::Any).count(), 0);

        let cpe: Cpe = "cpe:2.3:a:a\\:b:Json\\.NET:-:sp1:*:en:*:node\\.js:x64:*"
            .parse()
            .unwrap();
        assert_eq!(
            (cpe.vendor, cpe.product, cpe.version, cpe.update),
            (is("a:b"), is("json.net"), Value::NotApplicable, is("sp1"))
        );
        assert_eq!(cpe.rest[3], is("node.js"));

        let cpe: Cpe = "cpe:2.3:a:x:y:2.4*:*:*:*:*:*:*:*".parse().unwrap();
        assert_eq!(cpe.version, Value::Pattern("2.4*".to_owned()));

        let cpe: Cpe = "cpe:/a:gnu:libstdc%2b%2b:4.8".parse().unwrap();
        assert_eq!(
            (cpe.product, cpe.version, cpe.update),
            (is("libstdc++"), is("4.8"), Value::Any)
        );
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("cpe:2.3:a:x:{}:1:*:*:*:*:*:*:*", "y".repeat(1_000));
        for text in [
            "",
            "cpe:2.3:",
            "cpe:2.3:a:x:y",
            "cpe:2.3:q:x:y:1:*:*:*:*:*:*:*",
            "cpe:2.3:a:x:*:1:*:*:*:*:*:*:*",
            "cpe:2.3:a:x:y:1:*:*:*:*:*:*:*:*",
            "log4net",
            &long,
        ] {
            assert!(text.parse::<Cpe>().is_err(), "{text}");
        }
    }
}
