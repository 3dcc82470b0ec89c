//! The tables as the queries see them. What the migrations make is compared with this, and on one database with the other.

mod exposure;
mod inventory;
mod line;
mod people;
mod pki;
mod updates;

pub(crate) use exposure::*;
pub(crate) use inventory::*;
pub(crate) use line::*;
pub(crate) use people::*;
pub(crate) use pki::*;
pub(crate) use updates::*;

diesel::joinable!(grants -> accounts (account));
diesel::joinable!(glass_uses -> accounts (account));
diesel::joinable!(sessions -> accounts (account));
diesel::joinable!(service_tokens -> accounts (account));
diesel::joinable!(models -> manufacturers (manufacturer));
diesel::joinable!(expected_pumps -> models (model));
diesel::joinable!(expected_pumps -> care_areas (care_area));
diesel::joinable!(expected_pumps -> locations (location));
diesel::joinable!(pumps -> models (model));
diesel::joinable!(pump_tags -> pumps (pump));
diesel::joinable!(pumps -> care_areas (care_area));
diesel::joinable!(pumps -> locations (location));
diesel::joinable!(certificates -> pumps (pump));
diesel::joinable!(events -> pumps (pump));
diesel::joinable!(presence -> pumps (pump));
diesel::joinable!(pump_states -> pumps (pump));
diesel::joinable!(assignments -> pumps (pump));
diesel::joinable!(releases -> repositories (repository));

diesel::allow_tables_to_appear_in_same_query!(
    settings,
    accounts,
    grants,
    glass_uses,
    sessions,
    service_tokens,
    manufacturers,
    models,
    care_areas,
    locations,
    expected_pumps,
    pumps,
    pump_macs,
    pump_tags,
    pump_components,
    late_renewals,
    authorities,
    crls,
    server_certificates,
    anchors,
    enrol_tokens,
    certificates,
    presence,
    pump_states,
    telemetry,
    reports,
    orders,
    events,
    free_hours,
    ward_floors,
    repositories,
    releases,
    rollouts,
    waves,
    assignments,
    tickets,
    check_results,
    briefings,
    holds,
    retests,
    retest_results,
    drug_libraries,
    component_lists,
    feeds,
    advisories,
    version_sets,
    exposures,
    exposure_decisions,
);

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use crate::{connection::AnyConnection, migrate};

    #[test]
    fn every_column_here_is_one_of_the_migrations() {
        let conn = SqliteConnection::establish(":memory:").unwrap();
        let mut conn = AnyConnection::Sqlite(conn);
        migrate::up(&mut conn).unwrap();
        macro_rules! select_all {
            ($($table:ident),+ $(,)?) => {$(
                let columns = super::$table::table.select(super::$table::all_columns);
                columns.limit(1).execute(&mut conn).unwrap();
            )+};
        }
        select_all!(
            settings,
            accounts,
            grants,
            grant_areas,
            devices,
            glass_uses,
            sessions,
            service_tokens,
            audit_entries,
            audit_checkpoints,
            signatures,
            idempotency_keys,
            manufacturers,
            models,
            care_areas,
            locations,
            expected_pumps,
            pumps,
            pump_macs,
            pump_tags,
            pump_components,
            late_renewals,
            authorities,
            crls,
            server_certificates,
            anchors,
            enrol_tokens,
            certificates,
            presence,
            pump_states,
            telemetry,
            reports,
            orders,
            events,
            free_hours,
            ward_floors,
            repositories,
            releases,
            rollouts,
            waves,
            assignments,
            tickets,
            check_results,
            briefings,
            holds,
            retests,
            retest_results,
            drug_libraries,
            component_lists,
            feeds,
            advisories,
            version_sets,
            exposures,
            exposure_decisions,
        );
    }
}
