//! Texts, words of enums, and documents.

use std::{borrow::Cow, net::IpAddr};

use chrono::NaiveDate;
use diesel::{
    deserialize::{self, FromSql},
    serialize::{self, IsNull, Output, ToSql},
    sqlite::{Sqlite, SqliteValue},
};
use fleet::{
    access::{Role, SignedOut},
    audit::Word,
    certificate::{AuthorityKind, AuthorityState, RevocationReason, SerialHex},
    event::EventKind,
    pump::{Activity, HoldKind, MacAddress, SessionEnd, Udi},
    release::{RepositoryName, TargetPath},
    rollout::state::{AssignmentState, RolloutState, WaveState},
    signature::{Meaning, SubjectKind},
    text::{AssetTag, ComponentName, ComponentVersion, Contact, HardwareId, Name, Reason, SerialNumber, Tag},
};

use super::{portable, readable};

/// A type that is a text.
trait Spelt: Sized {
    fn spell(&self) -> Cow<'_, str>;
    fn read(text: &str) -> deserialize::Result<Self>;
}

macro_rules! stored {
    ($marker:ident: $($type:ty),+ $(,)?) => {
        portable!($marker: $($type),+);
        $(
            impl ToSql<super::$marker, Sqlite> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                    match self.spell() {
                        Cow::Borrowed(text) => out.set_value(text),
                        Cow::Owned(text) => out.set_value(text),
                    }
                    Ok(IsNull::No)
                }
            }

            impl FromSql<super::$marker, Sqlite> for $type {
                fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
                    Self::read(value.read_text())
                }
            }

            #[cfg(feature = "postgres")]
            impl ToSql<super::$marker, diesel::pg::Pg> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::pg::Pg>) -> serialize::Result {
                    std::io::Write::write_all(out, postgres::$marker)?;
                    std::io::Write::write_all(out, self.spell().as_bytes())?;
                    Ok(IsNull::No)
                }
            }

            #[cfg(feature = "postgres")]
            impl FromSql<super::$marker, diesel::pg::Pg> for $type {
                fn from_sql(value: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
                    let text = value.as_bytes().strip_prefix(postgres::$marker);
                    Self::read(std::str::from_utf8(text.ok_or("unknown version of jsonb")?)?)
                }
            }
        )+
    };
}

/// What stands before the text in PostgreSQL's binary form.
#[cfg(feature = "postgres")]
#[expect(non_upper_case_globals, reason = "named as the markers are")]
mod postgres {
    pub(super) const Words: &[u8] = b"";
    /// The version of the binary form.
    pub(super) const Json: &[u8] = b"\x01";
}

macro_rules! texts {
    ($($type:ty),+ $(,)?) => {
        $(
            impl Spelt for $type {
                fn spell(&self) -> Cow<'_, str> {
                    Cow::Borrowed(self.as_str())
                }

                fn read(text: &str) -> deserialize::Result<Self> {
                    Ok(Self::new(text)?)
                }
            }
        )+
        stored!(Words: $($type),+);
        readable!(Words: $($type),+);
    };
}

texts!(
    AssetTag,
    ComponentName,
    ComponentVersion,
    Contact,
    HardwareId,
    Name,
    Reason,
    SerialNumber,
    Tag
);

macro_rules! enums {
    ($($type:ty),+ $(,)?) => {
        $(
            impl Spelt for $type {
                fn spell(&self) -> Cow<'_, str> {
                    Cow::Borrowed(self.as_str())
                }

                fn read(text: &str) -> deserialize::Result<Self> {
                    Self::from_word(text)
                        .ok_or_else(|| format!("`{text}` is no word of {}", stringify!($type)).into())
                }
            }
        )+
        stored!(Words: $($type),+);
        readable!(Words: $($type),+);
    };
}

enums!(
    AssignmentState,
    AuthorityKind,
    AuthorityState,
    EventKind,
    HoldKind,
    Meaning,
    RevocationReason,
    Role,
    RolloutState,
    SignedOut,
    SubjectKind,
    WaveState
);

impl Spelt for Activity {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(Self::from_word(text))
    }
}

impl Spelt for SessionEnd {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(serde_json::from_value(serde_json::Value::String(
            text.to_owned(),
        ))?)
    }
}

impl Spelt for SerialHex {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(Self::from_digits(text))
    }
}

impl Spelt for Word {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(text.parse()?)
    }
}

macro_rules! parsed {
    ($($type:ty),+ $(,)?) => {
        $(
            impl Spelt for $type {
                fn spell(&self) -> Cow<'_, str> {
                    Cow::Borrowed(self.as_str())
                }

                fn read(text: &str) -> deserialize::Result<Self> {
                    Ok(text.parse()?)
                }
            }
        )+
        stored!(Words: $($type),+);
        readable!(Words: $($type),+);
    };
}

parsed!(RepositoryName, TargetPath);

impl Spelt for Udi {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(text.parse()?)
    }
}

impl Spelt for IpAddr {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(text.parse()?)
    }
}

/// A day on the hospital's walls; as it is written it also sorts.
impl Spelt for NaiveDate {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(text.parse()?)
    }
}

/// A text without rules: a setting, a subject, a detail.
impl Spelt for String {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(text.to_owned())
    }
}

stored!(Words: Activity, SessionEnd, SerialHex, Word, Udi, IpAddr, NaiveDate, String);
readable!(Words: Activity, SessionEnd, SerialHex, Word, Udi, IpAddr);

impl Spelt for serde_json::Value {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(serde_json::from_str(text)?)
    }
}

/// The addresses of one expected pump, which are only ever read with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MacList(pub(crate) Vec<MacAddress>);

impl Spelt for MacList {
    fn spell(&self) -> Cow<'_, str> {
        Cow::Owned(serde_json::json!(self.0).to_string())
    }

    fn read(text: &str) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(text)?))
    }
}

stored!(Json: serde_json::Value, MacList);
readable!(Json: MacList);
