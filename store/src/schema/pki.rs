//! Authorities, certificates, and the ways to one.

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
