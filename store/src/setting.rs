//! Small facts that the gateway keeps about itself, by name.

use diesel::prelude::*;

use crate::{Db, StoreError, connection::each_db, error::Attempt, schema::settings, sql::Val};

impl Db<'_> {
    /// A setting, if it was ever set.
    pub fn setting_get(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        settings::table
            .find(Val(key.to_owned()))
            .select(settings::value)
            .first(self.connection)
            .optional()
            .attempt("read a setting")
    }

    /// Sets a setting, whatever it was.
    pub fn setting_set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        each_db!(self.connection, |conn| {
            diesel::insert_into(settings::table)
                .values((
                    settings::name.eq(Val(key.to_owned())),
                    settings::value.eq(Val(value.to_owned())),
                ))
                .on_conflict(settings::name)
                .do_update()
                .set(settings::value.eq(Val(value.to_owned())))
                .execute(conn)
        })
        .map(drop)
        .attempt("keep a setting")
    }
}
