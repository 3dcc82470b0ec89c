//! Many rows in few statements, each of which is prepared once.
//!
//! A statement for any number of rows would have to be prepared for every number anew, which costs more than to run it. So
//! rows go in blocks of a few fixed sizes, and the statement of each size stays prepared.

#[cfg(feature = "postgres")]
use diesel::pg::Pg;
use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    query_builder::{AstPass, QueryFragment, QueryId},
    sqlite::Sqlite,
};

use crate::connection::{AnyConnection, each_db};

/// The sizes of blocks, the largest first, the last one 1.
const BLOCKS: [usize; 4] = [64, 16, 4, 1];

/// Something that fills one row of a VALUES list of one database; written by [`bulk_row!`] for each.
pub(crate) trait RowOf<DB: Backend> {
    /// Pushes its values, in the order of the statement's columns.
    fn values<'b>(&'b self, out: &mut AstPass<'_, 'b, DB>) -> QueryResult<()>;
}

/// Something that fills one row on every database.
#[cfg(not(feature = "postgres"))]
pub(crate) trait BulkRow: RowOf<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<R: RowOf<Sqlite>> BulkRow for R {}

/// Something that fills one row on every database.
#[cfg(feature = "postgres")]
pub(crate) trait BulkRow: RowOf<Sqlite> + RowOf<Pg> {}
#[cfg(feature = "postgres")]
impl<R: RowOf<Sqlite> + RowOf<Pg>> BulkRow for R {}

/// Says what fills a row: `bulk_row!(Seen, |row| Id: &row.pump, Utc: &row.at)`, a marker and a value for each column, in order.
///
/// It is written out for each database, past their common form: a telemetry row binds two dozen values, and going through the
/// common form was measured to add a fifth to the cost of keeping it.
macro_rules! bulk_row {
    ($type:ty, |$row:ident| $first:ty: $value:expr $(, $marker:ty: $next:expr)* $(,)?) => {
        $crate::bulk::bulk_row!(@for diesel::sqlite::Sqlite, $type, $row, $first: $value $(, $marker: $next)*);
        #[cfg(feature = "postgres")]
        $crate::bulk::bulk_row!(@for diesel::pg::Pg, $type, $row, $first: $value $(, $marker: $next)*);
    };
    (@for $db:ty, $type:ty, $row:ident, $first:ty: $value:expr $(, $marker:ty: $next:expr)*) => {
        impl $crate::bulk::RowOf<$db> for $type {
            fn values<'b>(
                &'b self,
                out: &mut diesel::query_builder::AstPass<'_, 'b, $db>,
            ) -> diesel::QueryResult<()> {
                let $row = self;
                out.push_bind_param::<$first, _>($value)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<$marker, _>($next)?;
                )*
                Ok(())
            }
        }
    };
}
pub(crate) use bulk_row;

/// `before`, a VALUES list, `after`.
struct Bulk<'r, R> {
    before: &'static str,
    rows: &'r [R],
    after: &'static str,
}

impl<DB: Backend, R: RowOf<DB>> QueryFragment<DB> for Bulk<'_, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.before);
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { "), (" });
            row.values(&mut out)?;
        }
        out.push_sql(")");
        out.push_sql(self.after);
        Ok(())
    }
}

/// The text tells the statements apart, and there are few of them.
impl<R> QueryId for Bulk<'_, R> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, R> RunQueryDsl<C> for Bulk<'_, R> {}

/// Runs a statement over all rows: `before` ends where the VALUES list begins, `after` is what follows it.
/// Says how many rows the database changed.
pub(crate) fn bulk<R: BulkRow>(
    connection: &mut AnyConnection,
    before: &'static str,
    rows: &[R],
    after: &'static str,
) -> QueryResult<usize> {
    let mut changed = 0;
    let mut rest = rows;
    for size in BLOCKS {
        let whole = rest.len() - rest.len() % size;
        let (blocks, shorter) = rest.split_at(whole);
        rest = shorter;
        for rows in blocks.chunks_exact(size) {
            changed += each_db!(&mut *connection, |conn| Bulk { before, rows, after }
                .execute(conn))?;
        }
    }
    Ok(changed)
}
