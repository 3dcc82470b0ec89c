//! What a closure of [`crate::Store`] is lent: one connection, inside one transaction.

use crate::{connection::AnyConnection, touched::Touched};

/// A connection for the length of a closure. All queries are its methods, in the file of what they are about.
pub struct Db<'a> {
    pub(crate) connection: &'a mut AnyConnection,
    /// What was written through it.
    pub(crate) touched: Touched,
}

impl<'a> Db<'a> {
    pub(crate) fn new(connection: &'a mut AnyConnection) -> Self {
        Self {
            connection,
            touched: Touched::default(),
        }
    }
}
