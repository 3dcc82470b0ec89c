//! What pumps said, and what they are told.

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
