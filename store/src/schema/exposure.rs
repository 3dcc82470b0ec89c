//! What pumps are made of, what was published about that, and what it means for them.

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    component_lists (id) {
        id -> Id,
        release -> Nullable<Id>,
        model -> Nullable<Id>,
        component -> Nullable<Words>,
        version -> Nullable<Words>,
        name -> Words,
        sha256 -> Octets,
        components -> BigInt,
        gaps -> BigInt,
        document -> Words,
        imported_by -> Words,
        imported_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    feeds (feed, publisher) {
        feed -> Words,
        publisher -> Words,
        document -> Words,
        made_at -> Nullable<Utc>,
        records -> BigInt,
        without_products -> BigInt,
        imported_by -> Words,
        imported_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    advisories (id) {
        id -> Id,
        vulnerability -> Words,
        feed -> Words,
        body -> Words,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    version_sets (id) {
        id -> Octets,
        matched_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    exposures (version_set, vulnerability) {
        version_set -> Octets,
        vulnerability -> Words,
        verdict -> Words,
        open -> Bool,
        decision -> Nullable<Id>,
        finding -> Words,
        identified_at -> Utc,
        changed_at -> Utc,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    exposure_decisions (id) {
        id -> Id,
        doubt -> Octets,
        vulnerability -> Words,
        words -> Words,
        verdict -> Words,
        reason -> Words,
        decided_by -> Id,
        decided_at -> Utc,
    }
}
