//! Uses of break-glass.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    access::BreakGlass,
    id::{AccountId, GlassUseId},
    text::{Name, Reason},
};

use crate::{
    Db, Page, StoreError,
    error::Attempt,
    page::{cut, read_time_marker, rows_for, time_marker},
    schema::{accounts, glass_uses},
    sql::{Val, row},
};

/// A use of break-glass.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = glass_uses)]
pub struct GlassUseRecord {
    /// Ours, for life.
    pub id: GlassUseId,
    /// Who.
    pub account: AccountId,
    /// Since when.
    pub since: Timestamp,
    /// Why, in the person's words.
    pub reason: Reason,
    /// When it was ended, if before its time.
    pub ended_at: Option<Timestamp>,
}

impl GlassUseRecord {
    /// As the rules see it.
    #[must_use]
    pub fn glass(&self) -> BreakGlass {
        BreakGlass {
            since: self.since,
            reason: self.reason.clone(),
        }
    }

    /// When it was or will be over.
    #[must_use]
    pub fn over_at(&self) -> Timestamp {
        let ends_at = self.glass().ends_at();
        self.ended_at.map_or(ends_at, |ended| ended.min(ends_at))
    }
}

impl Db<'_> {
    /// Puts a use on record.
    pub fn glass_use_create(&mut self, used: &GlassUseRecord) -> Result<(), StoreError> {
        diesel::insert_into(glass_uses::table)
            .values(row!(glass_uses, used; id, account, since, reason, ended_at))
            .execute(self.connection)
            .map(drop)
            .attempt("put a use of break-glass on record")
    }

    /// A use; [`StoreError::NotFound`] when there is none.
    pub fn glass_use_fetch(&mut self, id: GlassUseId) -> Result<GlassUseRecord, StoreError> {
        glass_uses::table
            .find(Val(id))
            .select(GlassUseRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a use of break-glass")?
            .ok_or_else(|| StoreError::not_found("use of break-glass", id))
    }

    /// Ends a use before its time. One that was ended before keeps its time.
    pub fn glass_use_end(&mut self, id: GlassUseId, at: Timestamp) -> Result<(), StoreError> {
        diesel::update(glass_uses::table.find(Val(id)))
            .filter(glass_uses::ended_at.is_null())
            .set(glass_uses::ended_at.eq(Val(Some(at))))
            .execute(self.connection)
            .map(drop)
            .attempt("end a use of break-glass")
    }

    /// Uses with the printed names of who it was, the newest first.
    pub fn glass_use_list(
        &mut self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<(GlassUseRecord, Name)>, StoreError> {
        let mut query = glass_uses::table
            .inner_join(accounts::table)
            .select((GlassUseRecord::as_select(), accounts::printed_name))
            .into_boxed();
        if let Some(marker) = after {
            let (since, id) = read_time_marker::<GlassUseId>(marker)?;
            query = query.filter(
                glass_uses::since
                    .lt(Val(since))
                    .or(glass_uses::since.eq(Val(since)).and(glass_uses::id.lt(Val(id)))),
            );
        }
        let rows = query
            .order((glass_uses::since.desc(), glass_uses::id.desc()))
            .limit(rows_for(limit))
            .load(self.connection)
            .attempt("list uses of break-glass")?;
        Ok(cut(rows, limit, |(used, _): &(GlassUseRecord, Name)| {
            time_marker(used.since, used.id)
        }))
    }
}
