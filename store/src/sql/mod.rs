//! How the words of the rules are stored: one marker type per kind of column, native on both databases.
//!
//! | marker | SQLite | PostgreSQL |
//! |---|---|---|
//! | [`Id`] | BLOB, 16 bytes | `uuid` |
//! | [`Utc`] | INTEGER, microseconds since 1970 | `timestamptz` |
//! | [`Words`] | TEXT | `text` |
//! | [`Octets`] | BLOB | `bytea` |
//! | [`Real`] | REAL | `double precision` |
//! | [`Json`] | TEXT | `jsonb` |
//!
//! The markers are ours, so the types of `fleet` can be bound and read as they are: nothing is copied into a second set of
//! types, and what does not pass a type's own constructor never leaves the database.

mod octets;
mod time;
mod words;

pub(crate) use words::MacList;

use std::fmt;

use diesel::{
    backend::Backend,
    expression::{AsExpression, TypedExpressionType},
    internal::derives::as_expression::Bound,
    serialize::{self, Output, ToSql},
    sql_types::{HasSqlType, SqlType},
};

use crate::connection::MultiBackend;

macro_rules! markers {
    ($($(#[$meta:meta])* $name:ident = $sqlite:literal, $oid:literal, $array:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, SqlType, diesel::query_builder::QueryId)]
        #[diesel(sqlite_type(name = $sqlite), postgres_type(oid = $oid, array_oid = $array))]
        pub struct $name;

        impl HasSqlType<$name> for MultiBackend {
            fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
                Self::lookup_sql_type::<$name>(lookup)
            }
        }
    )+};
}

// The numbers are PostgreSQL's object ids of its own types, fixed in its catalogue (`pg_type.dat`).
markers! {
    /// A UUID.
    Id = "Binary", 2950, 2951;
    /// An instant.
    Utc = "Long", 1184, 1185;
    /// A checked text, or the word of an enum.
    Words = "Text", 25, 1009;
    /// Bytes with a meaning: a digest, a hardware address.
    Octets = "Binary", 17, 1001;
    /// A quantity.
    Real = "Double", 701, 1022;
    /// A document.
    Json = "Text", 3802, 3807;
}

/// What a type needs, whatever it is stored as, to pass through either database.
macro_rules! portable {
    ($marker:ident: $($type:ty),+ $(,)?) => {$(
        impl diesel::serialize::ToSql<$crate::sql::$marker, $crate::connection::MultiBackend> for $type {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, $crate::connection::MultiBackend>,
            ) -> diesel::serialize::Result {
                out.set_value(($crate::sql::$marker, self));
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<$crate::sql::$marker, $crate::connection::MultiBackend> for $type {
            fn from_sql(value: $crate::connection::MultiRawValue<'_>) -> diesel::deserialize::Result<Self> {
                value.from_sql::<Self, $crate::sql::$marker>()
            }
        }
    )+};
}
pub(crate) use portable;

/// Reads a column as this type. Types that diesel knows itself have this already.
macro_rules! readable {
    ($marker:ident: $($type:ty),+ $(,)?) => {$(
        impl<DB> diesel::deserialize::Queryable<$crate::sql::$marker, DB> for $type
        where
            DB: diesel::backend::Backend,
            Self: diesel::deserialize::FromSql<$crate::sql::$marker, DB>,
        {
            type Row = Self;

            fn build(row: Self) -> diesel::deserialize::Result<Self> {
                Ok(row)
            }
        }
    )+};
}
pub(crate) use readable;

/// A value in a query: `pumps::id.eq(Val(id))`. The types of `fleet` can not stand there by themselves, since neither they nor
/// diesel's expressions are ours; this one is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Val<T>(pub(crate) T);

impl<T, ST> AsExpression<ST> for Val<T>
where
    ST: SqlType + TypedExpressionType,
{
    type Expression = Bound<ST, Self>;

    fn as_expression(self) -> Self::Expression {
        Bound::new(self)
    }
}

impl<T, ST, DB> ToSql<ST, DB> for Val<T>
where
    DB: Backend,
    T: ToSql<ST, DB> + fmt::Debug,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

/// The values of a row to insert: `row!(accounts, account; id, name)` takes the fields of those names.
macro_rules! row {
    ($table:ident, $from:expr; $($column:ident),+ $(,)?) => {
        ($($table::$column.eq($crate::sql::Val(&$from.$column)),)+)
    };
}
pub(crate) use row;

/// A LIKE pattern that finds a text anywhere, its own wildcards taken literally; the escape character is a backslash.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn wildcards_lose_their_meaning() {
        assert_eq!(containing("50%_\\x"), "%50\\%\\_\\\\x%");
    }
}
