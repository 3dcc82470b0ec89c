//! Tickets. The table itself refuses a second one that a pump may still use.

use diesel::prelude::*;
use fleet::{
    Timestamp,
    id::{AssignmentId, PumpId, TicketId},
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::tickets,
    sql::{Val, row},
};

/// A ticket, as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tickets)]
pub struct TicketRecord {
    /// Ours, for life.
    pub id: TicketId,
    /// What for.
    pub assignment: AssignmentId,
    /// Whom for.
    pub pump: PumpId,
    /// Good from then,
    pub not_before: Timestamp,
    /// and until then.
    pub not_after: Timestamp,
    /// The signed document, in base 64.
    pub envelope: String,
    /// The pump was told to give it back.
    pub withdrawn_at: Option<Timestamp>,
    /// It is known to be gone: given back, used, or run out.
    pub gone_at: Option<Timestamp>,
}

/// A ticket, as far as the planner goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tickets)]
pub struct TicketStanding {
    /// Ours, for life.
    pub id: TicketId,
    /// What for.
    pub assignment: AssignmentId,
    /// Whom for.
    pub pump: PumpId,
    /// Good until then.
    pub not_after: Timestamp,
    /// The pump was told to give it back.
    pub withdrawn_at: Option<Timestamp>,
}

impl Db<'_> {
    /// Puts a ticket on record. [`StoreError::Conflict`] when the pump has one that is not gone.
    pub fn ticket_create(&mut self, ticket: &TicketRecord) -> Result<(), StoreError> {
        self.touched.tickets = true;
        diesel::insert_into(tickets::table)
            .values(row!(tickets, ticket; id, assignment, pump, not_before, not_after, envelope, withdrawn_at, gone_at))
            .execute(self.connection)
            .map(drop)
            .attempt("put a ticket on record")
    }

    /// A ticket; [`StoreError::NotFound`] when there is none.
    pub fn ticket_fetch(&mut self, id: TicketId) -> Result<TicketRecord, StoreError> {
        tickets::table
            .find(Val(id))
            .select(TicketRecord::as_select())
            .first(self.connection)
            .optional()
            .attempt("read a ticket")?
            .ok_or_else(|| StoreError::not_found("ticket", id))
    }

    /// The tickets that are not known to be gone.
    pub fn ticket_out(&mut self) -> Result<Vec<TicketStanding>, StoreError> {
        tickets::table
            .filter(tickets::gone_at.is_null())
            .order(tickets::id)
            .select(TicketStanding::as_select())
            .load(self.connection)
            .attempt("find the tickets that are out")
    }

    /// The tickets of an assignment, the oldest first.
    pub fn ticket_of(&mut self, assignment: AssignmentId) -> Result<Vec<TicketRecord>, StoreError> {
        tickets::table
            .filter(tickets::assignment.eq(Val(assignment)))
            .order(tickets::id)
            .select(TicketRecord::as_select())
            .load(self.connection)
            .attempt("read the tickets of an assignment")
    }

    /// The pump was told to give a ticket back. Saying so again changes nothing.
    pub fn ticket_withdraw(&mut self, id: TicketId, at: Timestamp) -> Result<(), StoreError> {
        self.touched.tickets = true;
        diesel::update(tickets::table.find(Val(id)))
            .filter(tickets::withdrawn_at.is_null())
            .set(tickets::withdrawn_at.eq(Val(Some(at))))
            .execute(self.connection)
            .map(drop)
            .attempt("withdraw a ticket")
    }

    /// Notes that the tickets of a pump that ran out before `since` are gone: no clock lets it use them any more.
    pub fn ticket_run_out(
        &mut self,
        pump: PumpId,
        since: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        diesel::update(tickets::table)
            .filter(tickets::pump.eq(Val(pump)))
            .filter(tickets::gone_at.is_null())
            .filter(tickets::not_after.le(Val(since)))
            .set(tickets::gone_at.eq(Val(Some(at))))
            .execute(self.connection)
            .attempt("note that tickets ran out")?;
        self.touched.tickets = true;
        Ok(())
    }

    /// A ticket is gone. Saying so again, or of one that never was, changes nothing.
    pub fn ticket_gone(&mut self, id: TicketId, pump: PumpId, at: Timestamp) -> Result<(), StoreError> {
        self.touched.tickets = true;
        diesel::update(tickets::table.find(Val(id)))
            .filter(tickets::pump.eq(Val(pump)))
            .filter(tickets::gone_at.is_null())
            .set(tickets::gone_at.eq(Val(Some(at))))
            .execute(self.connection)
            .map(drop)
            .attempt("note that a ticket is gone")
    }
}
