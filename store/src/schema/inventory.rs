//! Places, models, and pumps with what they say.

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
        full_support_until -> Nullable<Words>,
        support_until -> Nullable<Words>,
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

    pump_tags (pump, tag) {
        pump -> Id,
        tag -> Words,
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
