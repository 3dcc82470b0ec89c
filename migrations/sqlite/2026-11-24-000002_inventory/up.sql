-- Makers, models and places; the pumps the hospital expects; the pumps it has.

CREATE TABLE manufacturers (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    email TEXT,
    phone TEXT,
    web TEXT
) STRICT;

CREATE TABLE models (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    manufacturer BLOB NOT NULL REFERENCES manufacturers (id),
    name TEXT NOT NULL,
    udi_device TEXT,
    UNIQUE (manufacturer, name)
) STRICT;
CREATE INDEX models_by_udi_device ON models (udi_device);

CREATE TABLE care_areas (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A location without a care area belongs to biomed.
CREATE TABLE locations (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    care_area BLOB REFERENCES care_areas (id),
    name TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX locations_of_care_area ON locations (care_area, name) WHERE care_area IS NOT NULL;
CREATE UNIQUE INDEX locations_of_biomed ON locations (name) WHERE care_area IS NULL;

CREATE TABLE expected_pumps (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    serial TEXT NOT NULL,
    model BLOB NOT NULL REFERENCES models (id),
    asset_tag TEXT,
    udi TEXT,
    hardware_id TEXT,
    macs TEXT NOT NULL CHECK (json_valid(macs)),
    care_area BLOB REFERENCES care_areas (id),
    location BLOB REFERENCES locations (id),
    listed_at INTEGER NOT NULL,
    UNIQUE (model, serial)
) STRICT;
CREATE INDEX expected_pumps_by_serial ON expected_pumps (serial, id);

-- udi_device and udi_serial are parts of udi, kept apart so that a scan finds the pump by an index.
-- registry_change orders the changes that another gateway must learn of.
CREATE TABLE pumps (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    row_version INTEGER NOT NULL,
    serial TEXT NOT NULL,
    model BLOB NOT NULL REFERENCES models (id),
    asset_tag TEXT,
    udi TEXT,
    udi_device TEXT,
    udi_serial TEXT,
    hardware_id TEXT,
    care_area BLOB REFERENCES care_areas (id),
    location BLOB REFERENCES locations (id),
    hold_kind TEXT CHECK (hold_kind IN ('clinical', 'security_isolation', 'sequestered')),
    hold_reason TEXT,
    hold_since INTEGER,
    enrolled_at INTEGER NOT NULL,
    retired_at INTEGER,
    registry_change INTEGER NOT NULL,
    UNIQUE (model, serial),
    CHECK ((hold_kind IS NULL) = (hold_reason IS NULL) AND (hold_kind IS NULL) = (hold_since IS NULL))
) STRICT;
CREATE INDEX pumps_by_serial ON pumps (serial, id);
CREATE INDEX pumps_by_asset_tag ON pumps (asset_tag);
CREATE INDEX pumps_by_udi ON pumps (udi_device, udi_serial);
CREATE INDEX pumps_by_care_area ON pumps (care_area, serial, id);
CREATE INDEX pumps_by_registry_change ON pumps (registry_change);

CREATE TABLE pump_macs (
    pump BLOB NOT NULL REFERENCES pumps (id),
    mac BLOB NOT NULL CHECK (length(mac) = 6),
    PRIMARY KEY (pump, mac)
) STRICT, WITHOUT ROWID;
CREATE INDEX pump_macs_by_mac ON pump_macs (mac);

CREATE TABLE pump_components (
    pump BLOB NOT NULL REFERENCES pumps (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (pump, name)
) STRICT, WITHOUT ROWID;

-- A person allowed this pump, once, to renew with a certificate that has expired.
CREATE TABLE late_renewals (
    pump BLOB PRIMARY KEY NOT NULL REFERENCES pumps (id),
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
