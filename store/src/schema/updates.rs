//! Releases, rollouts, holds, and what they depend on.

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
        again_at -> Nullable<Utc>,
        leaves_by -> Nullable<Id>,
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

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable};
    use crate::sql::{Id, Json, Octets, Real, Utc, Words};

    drug_libraries (id) {
        id -> Id,
        model -> Id,
        name -> Nullable<Words>,
        version -> Nullable<Words>,
        sha256 -> Nullable<Octets>,
        said_by -> Id,
        said_at -> Utc,
        reason -> Words,
    }
}
