//! The roles that people were given, and for where.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;
use fleet::{
    access::{CareAreas, Grant, Role},
    id::{AccountId, CareAreaId},
};

use crate::{
    Db, StoreError,
    error::Attempt,
    schema::{accounts, grant_areas, grants},
    sql::Val,
};

impl Db<'_> {
    /// The roles of a person.
    pub fn grant_list(&mut self, account: AccountId) -> Result<Vec<Grant>, StoreError> {
        let mut all = self.grant_list_of(&[account])?;
        Ok(all.remove(&account).unwrap_or_default())
    }

    /// The roles of several people, in two queries however many they are.
    pub fn grant_list_of(
        &mut self,
        people: &[AccountId],
    ) -> Result<HashMap<AccountId, Vec<Grant>>, StoreError> {
        const ATTEMPTED: &str = "read roles";
        let ids = || people.iter().copied().map(Val).collect::<Vec<_>>();
        let roles: Vec<(AccountId, Role, bool)> = grants::table
            .filter(grants::account.eq_any(ids()))
            .select((grants::account, grants::role, grants::everywhere))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let areas: Vec<(AccountId, Role, CareAreaId)> = grant_areas::table
            .filter(grant_areas::account.eq_any(ids()))
            .select((grant_areas::account, grant_areas::role, grant_areas::care_area))
            .load(self.connection)
            .attempt(ATTEMPTED)?;
        let mut named: BTreeMap<(AccountId, Role), BTreeSet<CareAreaId>> = BTreeMap::new();
        for (account, role, area) in areas {
            named.entry((account, role)).or_default().insert(area);
        }
        let mut of: HashMap<AccountId, Vec<Grant>> = HashMap::new();
        for (account, role, everywhere) in roles {
            let care_areas = if everywhere {
                CareAreas::All
            } else {
                CareAreas::Named(named.remove(&(account, role)).unwrap_or_default())
            };
            of.entry(account).or_default().push(Grant { role, care_areas });
        }
        for grants in of.values_mut() {
            grants.sort_by_key(|grant| grant.role);
        }
        Ok(of)
    }

    /// Gives a person these roles and no others. [`StoreError::Conflict`] when a care area is not on record.
    pub fn grant_set(&mut self, account: AccountId, wanted: &[Grant]) -> Result<(), StoreError> {
        const ATTEMPTED: &str = "grant roles";
        self.touched.staff = true;
        diesel::delete(grant_areas::table.filter(grant_areas::account.eq(Val(account))))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        diesel::delete(grants::table.filter(grants::account.eq(Val(account))))
            .execute(self.connection)
            .attempt(ATTEMPTED)?;
        for grant in wanted {
            let (everywhere, named) = match &grant.care_areas {
                CareAreas::All => (true, None),
                CareAreas::Named(named) => (false, Some(named)),
            };
            diesel::insert_into(grants::table)
                .values((
                    grants::account.eq(Val(account)),
                    grants::role.eq(Val(grant.role)),
                    grants::everywhere.eq(everywhere),
                ))
                .execute(self.connection)
                .attempt(ATTEMPTED)?;
            for area in named.into_iter().flatten() {
                diesel::insert_into(grant_areas::table)
                    .values((
                        grant_areas::account.eq(Val(account)),
                        grant_areas::role.eq(Val(grant.role)),
                        grant_areas::care_area.eq(Val(*area)),
                    ))
                    .execute(self.connection)
                    .attempt(ATTEMPTED)?;
            }
        }
        Ok(())
    }

    /// How many people who can sign in have a role.
    pub fn grant_count_active(&mut self, role: Role) -> Result<i64, StoreError> {
        grants::table
            .inner_join(accounts::table)
            .filter(grants::role.eq(Val(role)))
            .filter(accounts::disabled_at.is_null())
            .count()
            .get_result(self.connection)
            .attempt("count people with a role")
    }
}
