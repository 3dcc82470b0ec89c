//! The door for files that were carried in: a reader that looks at every byte before the parser does.
//!
//! A hostile file must cost neither memory nor stack: a guard counts bytes, depth and the length of one string as they
//! pass, and checks that they are UTF-8 without a byte order mark. Everything behind it can then be read by plain `serde`
//! structures, which refuse wrong types and doubled keys themselves.

mod guard;

use std::{
    fmt,
    io::{BufReader, Read},
};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use thiserror::Error;

use guard::Guard;

/// What a file may cost at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes in the whole file.
    pub bytes: u64,
    /// Objects and arrays within one another.
    pub depth: u32,
    /// Bytes in one string, and of white space or digits in one run.
    pub string: u64,
}

impl Limits {
    const MIB: u64 = 1024 * 1024;
    /// One CSAF advisory. The largest of CISA's that was seen has 2 MB.
    pub const CSAF: Self = Self::of(16);
    /// The KEV catalogue. It had 1.3 MB with 1,404 entries.
    pub const KEV: Self = Self::of(32);
    /// A page of the NVD: at most 2,000 records of its own making, some 20 MB.
    pub const NVD: Self = Self::of(64);
    /// A component list.
    pub const SBOM: Self = Self::of(64);

    const fn of(mebibytes: u64) -> Self {
        Self {
            bytes: mebibytes * Self::MIB,
            depth: 64,
            string: Self::MIB,
        }
    }
}

/// A file that was not taken. Nothing of it may be kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{document} was refused as {expected}: {fault}")]
pub struct Refused {
    /// The name of the file, as the caller gave it.
    pub document: String,
    /// What it was read as.
    pub expected: &'static str,
    /// Why.
    pub fault: Fault,
}

/// Why a file was not taken, where in it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("it is empty; carry the file in again")]
    Empty,
    #[error("it is larger than {limit} bytes; split it or check that it is the right file")]
    TooLarge { limit: u64 },
    #[error("it is encoded as {found}; save it as UTF-8 without a byte order mark")]
    Encoding { found: &'static str },
    #[error("byte {offset} is not UTF-8; save it as UTF-8")]
    NotUtf8 { offset: u64 },
    #[error(
        "at byte {offset} more than {limit} objects or arrays lie within one another; such a file is not genuine"
    )]
    TooDeep { limit: u32, offset: u64 },
    #[error(
        "the string or number before byte {offset} is longer than {limit} bytes; such a file is not genuine"
    )]
    TooLong { limit: u64, offset: u64 },
    #[error("it ends in the middle, at line {line}; carry it in again")]
    Truncated { line: usize },
    #[error("it is not JSON at line {line}, column {column}: {detail}")]
    Syntax {
        line: usize,
        column: usize,
        detail: String,
    },
    #[error("{place} (line {line}) does not fit: {detail}")]
    Shape {
        place: String,
        line: usize,
        detail: String,
    },
    #[error("{what} is {found}, and {supported} can be read")]
    Unsupported {
        what: &'static str,
        found: String,
        supported: &'static str,
    },
    #[error("{detail}; ask its publisher for a corrected one")]
    Contradicts { detail: String },
    #[error("it could not be read: {detail}")]
    Io { detail: String },
}

impl Refused {
    pub(crate) fn new(document: &str, expected: &'static str, fault: Fault) -> Self {
        Self {
            document: clip(document, 200),
            expected,
            fault,
        }
    }
}

/// Reads one JSON document into `seed`, and refuses whatever follows it.
pub(crate) fn json<'de, R: Read, S: DeserializeSeed<'de>>(
    reader: R,
    limits: Limits,
    seed: S,
) -> Result<S::Value, Fault> {
    let mut guard = Guard::new(reader, limits);
    // The guard stands between the buffer and the file, so that it sees a block and not a byte at a time.
    let mut parser = serde_json::Deserializer::from_reader(BufReader::new(&mut guard));
    let mut track = serde_path_to_error::Track::new();
    let read = seed.deserialize(serde_path_to_error::Deserializer::new(&mut parser, &mut track));
    let outcome = read.and_then(|value| parser.end().map(|()| value));
    drop(parser);
    match (guard.into_fault(), outcome) {
        (Some(fault), _) => Err(fault),
        (None, Ok(value)) => Ok(value),
        (None, Err(error)) => Err(fault(&error, &track.path().to_string())),
    }
}

fn fault(error: &serde_json::Error, path: &str) -> Fault {
    use serde_json::error::Category;
    // The parser ends its message with the place, which is said in our own words.
    let whole = error.to_string();
    let detail = clip(whole.split(" at line ").next().unwrap_or(&whole), 300);
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Io => Fault::Io { detail },
        Category::Eof => Fault::Truncated { line },
        Category::Syntax => Fault::Syntax { line, column, detail },
        Category::Data => Fault::Shape {
            place: if path == "." {
                "the whole document".to_owned()
            } else {
                clip(path, 200)
            },
            line,
            detail,
        },
    }
}

/// Cuts a text at `max` characters, so that a message or a record stays of a bounded size.
pub(crate) fn clip(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A list of at most `MAX` elements: three bytes of a file can make hundreds in memory.
pub(crate) fn at_most<'de, const MAX: usize, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    struct Bounded<const MAX: usize, T>(std::marker::PhantomData<T>);

    impl<'de, const MAX: usize, T: Deserialize<'de>> Visitor<'de> for Bounded<MAX, T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX}")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut kept = Vec::new();
            while let Some(element) = seq.next_element()? {
                if kept.len() == MAX {
                    return Err(serde::de::Error::custom(format_args!(
                        "the list has more than {MAX} entries"
                    )));
                }
                kept.push(element);
            }
            Ok(kept)
        }
    }

    deserializer.deserialize_seq(Bounded::<MAX, T>(std::marker::PhantomData))
}

#[cfg(test)]
mod tests;
