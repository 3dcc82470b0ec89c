-- Makers, models and places; the pumps the hospital expects; the pumps it has.

CREATE TABLE manufacturers (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE,
    email text COLLATE "C",
    phone text COLLATE "C",
    web text COLLATE "C"
);

CREATE TABLE models (
    id uuid PRIMARY KEY NOT NULL,
    manufacturer uuid NOT NULL REFERENCES manufacturers (id),
    name text COLLATE "C" NOT NULL,
    udi_device text COLLATE "C",
    UNIQUE (manufacturer, name)
);
CREATE INDEX models_by_udi_device ON models (udi_device);

CREATE TABLE care_areas (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- A location without a care area belongs to biomed.
CREATE TABLE locations (
    id uuid PRIMARY KEY NOT NULL,
    care_area uuid REFERENCES care_areas (id),
    name text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX locations_of_care_area ON locations (care_area, name) WHERE care_area IS NOT NULL;
CREATE UNIQUE INDEX locations_of_biomed ON locations (name) WHERE care_area IS NULL;

CREATE TABLE expected_pumps (
    id uuid PRIMARY KEY NOT NULL,
    serial text COLLATE "C" NOT NULL,
    model uuid NOT NULL REFERENCES models (id),
    asset_tag text COLLATE "C",
    udi text COLLATE "C",
    hardware_id text COLLATE "C",
    macs jsonb NOT NULL,
    care_area uuid REFERENCES care_areas (id),
    location uuid REFERENCES locations (id),
    listed_at timestamptz NOT NULL,
    UNIQUE (model, serial)
);
CREATE INDEX expected_pumps_by_serial ON expected_pumps (serial, id);

-- udi_device and udi_serial are parts of udi, kept apart so that a scan finds the pump by an index.
-- registry_change orders the changes that another gateway must learn of.
CREATE TABLE pumps (
    id uuid PRIMARY KEY NOT NULL,
    row_version bigint NOT NULL,
    serial text COLLATE "C" NOT NULL,
    model uuid NOT NULL REFERENCES models (id),
    asset_tag text COLLATE "C",
    udi text COLLATE "C",
    udi_device text COLLATE "C",
    udi_serial text COLLATE "C",
    hardware_id text COLLATE "C",
    care_area uuid REFERENCES care_areas (id),
    location uuid REFERENCES locations (id),
    hold_kind text COLLATE "C" CHECK (hold_kind IN ('clinical', 'security_isolation', 'sequestered')),
    hold_reason text COLLATE "C",
    hold_since timestamptz,
    enrolled_at timestamptz NOT NULL,
    retired_at timestamptz,
    registry_change bigint NOT NULL,
    UNIQUE (model, serial),
    CHECK ((hold_kind IS NULL) = (hold_reason IS NULL) AND (hold_kind IS NULL) = (hold_since IS NULL))
);
CREATE INDEX pumps_by_serial ON pumps (serial, id);
CREATE INDEX pumps_by_asset_tag ON pumps (asset_tag);
CREATE INDEX pumps_by_udi ON pumps (udi_device, udi_serial);
CREATE INDEX pumps_by_care_area ON pumps (care_area, serial, id);
CREATE INDEX pumps_by_registry_change ON pumps (registry_change);

CREATE TABLE pump_macs (
    pump uuid NOT NULL REFERENCES pumps (id),
    mac bytea NOT NULL CHECK (length(mac) = 6),
    PRIMARY KEY (pump, mac)
);
CREATE INDEX pump_macs_by_mac ON pump_macs (mac);

CREATE TABLE pump_components (
    pump uuid NOT NULL REFERENCES pumps (id),
    name text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    PRIMARY KEY (pump, name)
);

-- A person allowed this pump, once, to renew with a certificate that has expired.
CREATE TABLE late_renewals (
    pump uuid PRIMARY KEY NOT NULL REFERENCES pumps (id),
    until timestamptz NOT NULL
);
