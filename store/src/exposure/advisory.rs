//! What was published: one row for each vulnerability that a document tells of, and how old each feed is.

use diesel::prelude::*;
use fleet::{Timestamp, id::AdvisoryRecordId};

use crate::{
    Db, StoreError,
    bulk::{bulk, bulk_row},
    error::Attempt,
    schema::{advisories, feeds},
    sql::{Id, Val, Words, row},
};

/// One vulnerability as one document tells it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = advisories)]
pub struct AdvisoryRecord {
    /// Ours.
    pub id: AdvisoryRecordId,
    /// Which vulnerability.
    pub vulnerability: String,
    /// The kind of feed.
    pub feed: String,
    /// What the document says of it, as it was read.
    pub body: String,
}

bulk_row!(AdvisoryRecord, |row| Id: &row.id, Words: &row.vulnerability, Words: &row.feed, Words: &row.body);

/// What was last carried in of a publisher's feed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = feeds)]
pub struct FeedRecord {
    /// The kind of feed.
    pub feed: String,
    /// Whose it is.
    pub publisher: String,
    /// The newest document that came in.
    pub document: String,
    /// When its publisher made it, where it says so.
    pub made_at: Option<Timestamp>,
    /// How many vulnerabilities it told of.
    pub records: i64,
    /// How many of those name no product by which they could be found.
    pub without_products: i64,
    /// Who carried it in.
    pub imported_by: String,
    /// When.
    pub imported_at: Timestamp,
}

impl Db<'_> {
    /// Everything that was published and carried in.
    pub fn advisory_list(&mut self) -> Result<Vec<AdvisoryRecord>, StoreError> {
        advisories::table
            .order((advisories::vulnerability, advisories::id))
            .select(AdvisoryRecord::as_select())
            .load(self.connection)
            .attempt("read the advisories")
    }

    /// Of these vulnerabilities this is known from now on, and nothing else.
    pub fn advisory_replace(
        &mut self,
        vulnerabilities: &[&str],
        known: &[AdvisoryRecord],
    ) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "keep advisories";
        for chunk in vulnerabilities.chunks(500) {
            let of = chunk.iter().map(|id| Val((*id).to_owned()));
            diesel::delete(advisories::table.filter(advisories::vulnerability.eq_any(of)))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
        }
        bulk(
            self.connection,
            "INSERT INTO advisories (id, vulnerability, feed, body) VALUES ",
            known,
            "",
        )
        .map(drop)
        .attempt(ATTEMPTED)
    }

    /// What was last carried in, of every feed.
    pub fn feed_list(&mut self) -> Result<Vec<FeedRecord>, StoreError> {
        feeds::table
            .order((feeds::feed, feeds::publisher))
            .select(FeedRecord::as_select())
            .load(self.connection)
            .attempt("list feeds")
    }

    /// Something of a feed was carried in. An older document than the last leaves what is known of the feed's age alone.
    pub fn feed_note(&mut self, feed: &FeedRecord) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "note the age of a feed";
        let same = feeds::table
            .filter(feeds::feed.eq(Val(feed.feed.clone())))
            .filter(feeds::publisher.eq(Val(feed.publisher.clone())));
        let known: Option<FeedRecord> = same
            .select(FeedRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt(ATTEMPTED)?;
        if known.is_some_and(|known| known.made_at > feed.made_at) {
            return Ok(());
        }
        diesel::delete(
            feeds::table
                .filter(feeds::feed.eq(Val(feed.feed.clone())))
                .filter(feeds::publisher.eq(Val(feed.publisher.clone()))),
        )
        .execute(self.connection)
        .attempt(ATTEMPTED)?;
        diesel::insert_into(feeds::table)
            .values(
                row!(feeds, feed; feed, publisher, document, made_at, records, without_products, imported_by,
                imported_at),
            )
            .execute(self.connection)
            .map(drop)
            .attempt(ATTEMPTED)
    }
}
