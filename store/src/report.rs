//! Reports of pumps. A report is acknowledged only once it is here, and is here only once.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{PumpId, ReportId},
};

use crate::{
    Db, StoreError,
    connection::each_db,
    error::Attempt,
    schema::reports,
    sql::{Val, row},
};

/// A report as it arrived.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = reports)]
pub struct ReportRow {
    /// Who reports.
    pub pump: PumpId,
    /// The pump's own id for it.
    pub id: ReportId,
    /// Counts the pump's reports from 1.
    pub seq: i64,
    /// When it was made, by the pump's clock.
    pub at: Timestamp,
    /// When it arrived, by ours.
    pub received_at: Timestamp,
    /// The word of its kind.
    pub kind: String,
    /// What it says; only fields that the contract knows.
    pub body: serde_json::Value,
}

/// Whether a report was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was not here yet.
    New,
    /// It was here already: acknowledge it again, and do nothing else.
    Duplicate,
}

impl Db<'_> {
    /// Keeps a report, once.
    pub fn report_record(&mut self, report: &ReportRow) -> Result<Recorded, StoreError> {
        let new = each_db!(self.connection, |conn| {
            diesel::insert_into(reports::table)
                .values(row!(reports, report; pump, id, seq, at, received_at, kind, body))
                .on_conflict((reports::pump, reports::id))
                .do_nothing()
                .execute(conn)
        })
        .attempt("keep a report")?;
        Ok(if new == 0 {
            Recorded::Duplicate
        } else {
            Recorded::New
        })
    }

    /// The highest number among a pump's reports.
    pub fn report_last_seq(&mut self, pump: PumpId) -> Result<Option<i64>, StoreError> {
        reports::table
            .filter(reports::pump.eq(Val(pump)))
            .order(reports::seq.desc())
            .select(reports::seq)
            .first(self.connection)
            .optional()
            .attempt("read the number of the last report")
    }

    /// Whether another report than this one bears a number.
    pub fn report_bears(&mut self, pump: PumpId, seq: i64, id: ReportId) -> Result<bool, StoreError> {
        let others: i64 = reports::table
            .filter(reports::pump.eq(Val(pump)))
            .filter(reports::seq.eq(seq))
            .filter(reports::id.ne(Val(id)))
            .count()
            .get_result(self.connection)
            .attempt("look for the number of a report")?;
        Ok(others > 0)
    }

    /// The newest reports of a pump, the newest first.
    pub fn report_list(&mut self, pump: PumpId, limit: u32) -> Result<Vec<ReportRow>, StoreError> {
        reports::table
            .filter(reports::pump.eq(Val(pump)))
            .order((reports::seq.desc(), reports::id.desc()))
            .limit(i64::from(limit))
            .select(ReportRow::as_select())
            .load(self.connection)
            .attempt("list reports")
    }
}
