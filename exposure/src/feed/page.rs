//! A document that is one long list with a few lines in front: the shape of NVD pages and of CISA's catalogue. Its records
//! pass one at a time, so that a large file never lies in memory as a whole.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// The lines in front, by their key. Only texts and numbers are kept.
pub(super) type Head = BTreeMap<String, String>;

/// Reads a page and gives each record to `sink`.
pub(super) struct Page<T, F> {
    sink: F,
    max: usize,
    record: PhantomData<T>,
}

impl<T, F> Page<T, F> {
    pub(super) fn new(max: usize, sink: F) -> Self {
        Self {
            sink,
            max,
            record: PhantomData,
        }
    }
}

/// The key under which the records lie.
const RECORDS: &str = "vulnerabilities";
/// Lines in front, at most.
const HEAD_MAX: usize = 64;

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de> for Page<T, F> {
    type Value = Head;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Head, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> Visitor<'de> for Page<T, F> {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with a list `{RECORDS}`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::new();
        let mut seen = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == RECORDS {
                if seen {
                    return Err(A::Error::duplicate_field(RECORDS));
                }
                seen = true;
                map.next_value_seed(Records(&mut self))?;
                continue;
            }
            if head.contains_key(&key) {
                return Err(A::Error::custom(format_args!(
                    "duplicate field `{}`",
                    crate::read::clip(&key, 40)
                )));
            }
            if head.len() == HEAD_MAX {
                return Err(A::Error::custom("more than 64 fields beside the list"));
            }
            let value = match map.next_value::<Line>()? {
                Line::Text(text) => crate::read::clip(&text, 200),
                Line::Number(number) => number.to_string(),
                Line::Other(_) => String::new(),
            };
            head.insert(crate::read::clip(&key, 200), value);
        }
        if seen {
            Ok(head)
        } else {
            Err(A::Error::missing_field(RECORDS))
        }
    }
}

/// A line in front. Everything that is neither a text nor a number is passed over.
enum Line {
    Text(String),
    Number(i64),
    Other(IgnoredAny),
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Line, E> {
                Ok(Line::Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Line, E> {
                Ok(Line::Number(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Line, E> {
                Ok(Line::Number(i64::try_from(number).unwrap_or(i64::MAX)))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Line, E> {
                Ok(Line::Other(IgnoredAny))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Line, E> {
                Ok(Line::Other(IgnoredAny))
            }

            fn visit_unit<E: Error>(self) -> Result<Line, E> {
                Ok(Line::Other(IgnoredAny))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Line, A::Error> {
                IgnoredAny.visit_seq(seq).map(Line::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Line, A::Error> {
                IgnoredAny.visit_map(map).map(Line::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

struct Records<'a, T, F>(&'a mut Page<T, F>);

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de> for Records<'_, T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> Visitor<'de> for Records<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of vulnerabilities")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut count = 0_usize;
        while let Some(record) = seq.next_element::<T>()? {
            count += 1;
            if count > self.0.max {
                return Err(A::Error::custom(format_args!(
                    "the list has more than {} entries",
                    self.0.max
                )));
            }
            (self.0.sink)(record).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
