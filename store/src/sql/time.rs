//! Instants and quantities.

use chrono::DateTime;
use diesel::{
    deserialize::{self, FromSql},
    serialize::{self, IsNull, Output, ToSql},
    sqlite::{Sqlite, SqliteValue},
};
use fleet::{
    Timestamp,
    unit::{BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm},
};

use super::{Real, Utc, portable, readable};

portable!(Utc: Timestamp);

/// An integer sorts, compares and divides as the instant does, and costs half of what a text costs.
impl ToSql<Utc, Sqlite> for Timestamp {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.timestamp_micros());
        Ok(IsNull::No)
    }
}

impl FromSql<Utc, Sqlite> for Timestamp {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let micros = value.read_long();
        DateTime::from_timestamp_micros(micros)
            .ok_or_else(|| format!("{micros} µs since 1970 is beyond the calendar").into())
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use chrono::{DateTime, TimeDelta};
    use diesel::pg::{Pg, PgValue};

    use super::{FromSql, IsNull, Output, Timestamp, ToSql, Utc, deserialize, serialize};

    /// PostgreSQL counts microseconds from 2000-01-01.
    const EPOCH: Timestamp = DateTime::from_timestamp(946_684_800, 0).unwrap();

    impl ToSql<Utc, Pg> for Timestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            // Whole microseconds of each, so that both databases cut alike.
            let micros = self.timestamp_micros() - EPOCH.timestamp_micros();
            std::io::Write::write_all(out, &micros.to_be_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Utc, Pg> for Timestamp {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            let micros = i64::from_be_bytes(value.as_bytes().try_into()?);
            EPOCH
                .checked_add_signed(TimeDelta::microseconds(micros))
                .ok_or_else(|| format!("{micros} µs since 2000 is beyond the calendar").into())
        }
    }
}

macro_rules! quantities {
    ($($type:ty),+ $(,)?) => {
        portable!(Real: $($type),+);
        readable!(Real: $($type),+);
        $(
            impl ToSql<Real, Sqlite> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
                    out.set_value(self.get());
                    Ok(IsNull::No)
                }
            }

            impl FromSql<Real, Sqlite> for $type {
                fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
                    Ok(Self::new(value.read_double())?)
                }
            }

            #[cfg(feature = "postgres")]
            impl ToSql<Real, diesel::pg::Pg> for $type {
                fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, diesel::pg::Pg>) -> serialize::Result {
                    std::io::Write::write_all(out, &self.get().to_be_bytes())?;
                    Ok(IsNull::No)
                }
            }

            #[cfg(feature = "postgres")]
            impl FromSql<Real, diesel::pg::Pg> for $type {
                fn from_sql(value: diesel::pg::PgValue<'_>) -> deserialize::Result<Self> {
                    Ok(Self::new(f64::from_be_bytes(value.as_bytes().try_into()?))?)
                }
            }
        )+
    };
}

quantities!(BatteryPercent, Millilitres, MillilitresPerHour, SignalDbm);
