//! Accounts, rights, devices, sessions, signatures, and the audit trail.

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
