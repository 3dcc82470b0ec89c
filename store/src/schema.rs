//! The tables as the queries see them. What the migrations make is compared with this, and on one database with the other.

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    settings (name) {
        name -> Words,
        value -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    accounts (id) {
        id -> Id,
        name -> Words,
        name_key -> Words,
        printed_name -> Words,
        password_hash -> Words,
        must_change_password -> Bool,
        totp_sealed -> Nullable<Binary>,
        totp_last_step -> Nullable<BigInt>,
        pin_hash -> Nullable<Words>,
        created_at -> Utc,
        disabled_at -> Nullable<Utc>,
        row_version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    grants (account, role) {
        account -> Id,
        role -> Words,
        everywhere -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    grant_areas (account, role, care_area) {
        account -> Id,
        role -> Words,
        care_area -> Id,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    devices (id) {
        id -> Id,
        name -> Words,
        care_area -> Nullable<Id>,
        secret_hash -> Octets,
        idle_seconds -> BigInt,
        registered_at -> Utc,
        registered_by -> Id,
        removed_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    glass_uses (id) {
        id -> Id,
        account -> Id,
        since -> Utc,
        reason -> Words,
        ended_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    sessions (id) {
        id -> Id,
        account -> Id,
        secret_hash -> Octets,
        device -> Nullable<Id>,
        address -> Nullable<Words>,
        agent -> Nullable<Words>,
        factors -> Words,
        authenticated_at -> Utc,
        last_seen_at -> Utc,
        idle_seconds -> BigInt,
        expires_at -> Utc,
        ended_at -> Nullable<Utc>,
        end_reason -> Nullable<Words>,
        signed_at -> Nullable<Utc>,
        glass -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    service_tokens (id) {
        id -> Id,
        account -> Id,
        label -> Words,
        scopes -> Words,
        secret_hash -> Octets,
        created_at -> Utc,
        expires_at -> Utc,
        revoked_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    audit_entries (number) {
        number -> BigInt,
        at -> Utc,
        account -> Nullable<Id>,
        action -> Words,
        subject_kind -> Words,
        subject_id -> Words,
        entry -> Words,
        hash -> Octets,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    audit_checkpoints (number) {
        number -> BigInt,
        hash -> Octets,
        at -> Utc,
        key_id -> Words,
        signature -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    signatures (id) {
        id -> Id,
        subject_kind -> Words,
        subject_id -> Id,
        subject_version -> BigInt,
        content_hash -> Octets,
        content -> Words,
        meaning -> Words,
        answer -> Words,
        comment -> Nullable<Words>,
        printed_name -> Words,
        account -> Id,
        role -> Words,
        care_area -> Nullable<Id>,
        care_area_name -> Nullable<Words>,
        device -> Nullable<Id>,
        device_name -> Nullable<Words>,
        signed_at -> Utc,
        offset_minutes -> BigInt,
        session -> Id,
        factors -> Words,
        seal -> Words,
        key_id -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    idempotency_keys (account, name) {
        account -> Id,
        name -> Words,
        request_hash -> Octets,
        at -> Utc,
        status -> Nullable<BigInt>,
        content_type -> Nullable<Words>,
        body -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    manufacturers (id) {
        id -> Id,
        name -> Words,
        email -> Nullable<Words>,
        phone -> Nullable<Words>,
        web -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    models (id) {
        id -> Id,
        manufacturer -> Id,
        name -> Words,
        udi_device -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    care_areas (id) {
        id -> Id,
        name -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    locations (id) {
        id -> Id,
        care_area -> Nullable<Id>,
        name -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    expected_pumps (id) {
        id -> Id,
        serial -> Words,
        model -> Id,
        asset_tag -> Nullable<Words>,
        udi -> Nullable<Words>,
        hardware_id -> Nullable<Words>,
        macs -> Json,
        care_area -> Nullable<Id>,
        location -> Nullable<Id>,
        listed_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    pumps (id) {
        id -> Id,
        row_version -> BigInt,
        serial -> Words,
        model -> Id,
        asset_tag -> Nullable<Words>,
        udi -> Nullable<Words>,
        udi_device -> Nullable<Words>,
        udi_serial -> Nullable<Words>,
        hardware_id -> Nullable<Words>,
        care_area -> Nullable<Id>,
        location -> Nullable<Id>,
        hold_kind -> Nullable<Words>,
        hold_reason -> Nullable<Words>,
        hold_since -> Nullable<Utc>,
        enrolled_at -> Utc,
        retired_at -> Nullable<Utc>,
        registry_change -> BigInt,
        content_version -> BigInt,
        counter -> Nullable<BigInt>,
        other_counter -> Nullable<BigInt>,
        library_name -> Nullable<Words>,
        library_version -> Nullable<Words>,
        modules -> Json,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    pump_macs (pump, mac) {
        pump -> Id,
        mac -> Octets,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    pump_components (pump, name) {
        pump -> Id,
        name -> Words,
        version -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    late_renewals (pump) {
        pump -> Id,
        until -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    authorities (id) {
        id -> Id,
        kind -> Words,
        generation -> Integer,
        state -> Words,
        subject -> Words,
        certificate_der -> Binary,
        key_name -> Words,
        not_before -> Utc,
        not_after -> Utc,
        created_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    crls (authority) {
        authority -> Id,
        number -> BigInt,
        der -> Binary,
        this_update -> Utc,
        next_update -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    server_certificates (fingerprint) {
        fingerprint -> Octets,
        authority -> Id,
        serial -> Words,
        der -> Binary,
        not_before -> Utc,
        not_after -> Utc,
        names -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    anchors (id) {
        id -> Id,
        manufacturer -> Id,
        subject -> Words,
        certificate_der -> Binary,
        fingerprint -> Octets,
        imported_at -> Utc,
        removed_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    enrol_tokens (id) {
        id -> Id,
        secret_hash -> Octets,
        serial -> Words,
        model -> Id,
        bound_key -> Nullable<Octets>,
        created_at -> Utc,
        expires_at -> Utc,
        consumed_at -> Nullable<Utc>,
        consumed_key -> Nullable<Octets>,
        withdrawn_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    certificates (fingerprint) {
        fingerprint -> Octets,
        serial -> Words,
        pump -> Id,
        authority -> Id,
        public_key -> Octets,
        not_before -> Utc,
        not_after -> Utc,
        issued_at -> Utc,
        first_used_at -> Nullable<Utc>,
        revoked_at -> Nullable<Utc>,
        revocation_reason -> Nullable<Words>,
        registry_change -> BigInt,
        der -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    presence (pump) {
        pump -> Id,
        connected -> Bool,
        changed_at -> Utc,
        peer -> Nullable<Words>,
        certificate -> Nullable<Octets>,
        session_end -> Nullable<Words>,
        last_seen -> Utc,
        session -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    pump_states (pump) {
        pump -> Id,
        reported_at -> Utc,
        received_at -> Utc,
        activity -> Words,
        patient_attached -> Bool,
        rate -> Nullable<Real>,
        infused -> Nullable<Real>,
        battery -> Nullable<Real>,
        on_mains -> Bool,
        signal -> Nullable<Real>,
        place -> Nullable<Words>,
        alarm -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    telemetry (id) {
        id -> BigInt,
        pump -> Id,
        reported_at -> Utc,
        received_at -> Utc,
        activity -> Words,
        patient_attached -> Bool,
        rate -> Nullable<Real>,
        infused -> Nullable<Real>,
        battery -> Nullable<Real>,
        on_mains -> Bool,
        signal -> Nullable<Real>,
        place -> Nullable<Words>,
        alarm -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    reports (pump, id) {
        pump -> Id,
        id -> Id,
        seq -> BigInt,
        at -> Utc,
        received_at -> Utc,
        kind -> Words,
        body -> Json,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    orders (id) {
        id -> Id,
        pump -> Id,
        at -> Utc,
        kind -> Words,
        body -> Json,
        delivered_at -> Nullable<Utc>,
        outcome -> Nullable<Words>,
        outcome_at -> Nullable<Utc>,
        reason -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    events (id) {
        id -> Id,
        at -> Utc,
        kind -> Words,
        pump -> Nullable<Id>,
        detail -> Words,
    }
}

diesel::joinable!(grants -> accounts (account));
diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    free_hours (pump) {
        pump -> Id,
        hours -> Octets,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    ward_floors (care_area, model) {
        care_area -> Id,
        model -> Id,
        keep -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    repositories (id) {
        id -> Id,
        name -> Words,
        manufacturer -> Id,
        root -> Words,
        root_hash -> Octets,
        added_by -> Id,
        added_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    releases (id) {
        id -> Id,
        repository -> Id,
        name -> Words,
        version -> Words,
        manifest -> Words,
        manifest_hash -> Octets,
        targets -> Json,
        imported_by -> Id,
        imported_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    rollouts (id) {
        id -> Id,
        row_version -> BigInt,
        name -> Words,
        release -> Id,
        state -> Words,
        since -> Utc,
        author -> Id,
        emergency -> Nullable<Words>,
        begins_at -> Utc,
        spec -> Json,
        content_version -> BigInt,
        why -> Nullable<Words>,
        made_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    waves (id) {
        id -> Id,
        rollout -> Id,
        number -> BigInt,
        name -> Words,
        row_version -> BigInt,
        state -> Words,
        since -> Utc,
        opened_at -> Nullable<Utc>,
        failures_accepted -> BigInt,
        evidence -> Nullable<Octets>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    assignments (id) {
        id -> Id,
        wave -> Id,
        rollout -> Id,
        pump -> Id,
        care_area -> Id,
        row_version -> BigInt,
        state -> Words,
        since -> Utc,
        target -> Words,
        before -> Json,
        named -> Json,
        ticket -> Nullable<Id>,
        heard -> BigInt,
        booted -> Nullable<BigInt>,
        booted_at -> Nullable<Utc>,
        versions_proved -> Bool,
        setback_at -> Nullable<Utc>,
        setback_count -> BigInt,
        setback_words -> Nullable<Words>,
        left_behind -> Bool,
        roll_back_by -> Nullable<Id>,
        roll_back_at -> Nullable<Utc>,
        last_heard -> Nullable<Utc>,
        joined_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    tickets (id) {
        id -> Id,
        assignment -> Id,
        pump -> Id,
        not_before -> Utc,
        not_after -> Utc,
        envelope -> Words,
        withdrawn_at -> Nullable<Utc>,
        gone_at -> Nullable<Utc>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    check_results (id) {
        id -> Id,
        assignment -> Id,
        attempt -> BigInt,
        at -> Utc,
        account -> Nullable<Id>,
        body -> Json,
        envelope -> Nullable<Words>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    briefings (wave, care_area, account) {
        wave -> Id,
        care_area -> Id,
        account -> Id,
        at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    holds (id) {
        id -> Id,
        pump -> Id,
        row_version -> BigInt,
        kind -> Words,
        reason -> Words,
        evidence -> Json,
        set_by -> Nullable<Id>,
        owner -> Nullable<Id>,
        since -> Utc,
        ended_at -> Nullable<Utc>,
        replaced_by -> Nullable<Id>,
        retest -> Nullable<Id>,
        signatures -> Json,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    retests (id) {
        id -> Id,
        hold -> Id,
        attempt -> BigInt,
        begun_at -> Utc,
        begun_by -> Id,
        due -> Utc,
        plan -> Json,
        release -> Nullable<Id>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    retest_results (id) {
        id -> Id,
        retest -> Id,
        at -> Utc,
        account -> Nullable<Id>,
        body -> Json,
        envelope -> Nullable<Words>,
    }
}

diesel::joinable!(glass_uses -> accounts (account));
diesel::joinable!(sessions -> accounts (account));
diesel::joinable!(service_tokens -> accounts (account));
diesel::joinable!(models -> manufacturers (manufacturer));
diesel::joinable!(expected_pumps -> models (model));
diesel::joinable!(expected_pumps -> care_areas (care_area));
diesel::joinable!(expected_pumps -> locations (location));
diesel::joinable!(pumps -> models (model));
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
        );
    }
}
