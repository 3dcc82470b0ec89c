-- What pumps do right now, and what they did.

CREATE TABLE presence (
    pump BLOB PRIMARY KEY NOT NULL REFERENCES pumps (id),
    connected INTEGER NOT NULL CHECK (connected IN (0, 1)),
    changed_at INTEGER NOT NULL,
    peer TEXT,
    certificate BLOB CHECK (length(certificate) = 32),
    session_end TEXT CHECK (
        session_end IN ('goodbye', 'lost', 'taken_over', 'denied', 'protocol_violation', 'gateway_stopped')
    ),
    last_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_connected ON presence (pump) WHERE connected;

-- The latest state of each pump; `telemetry` keeps the history.
CREATE TABLE pump_states (
    pump BLOB PRIMARY KEY NOT NULL REFERENCES pumps (id),
    reported_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    activity TEXT NOT NULL CHECK (
        activity IN ('ready', 'standby', 'infusing', 'kvo', 'paused', 'transitioning', 'unknown')
    ),
    patient_attached INTEGER NOT NULL CHECK (patient_attached IN (0, 1)),
    rate REAL,
    infused REAL,
    battery REAL,
    on_mains INTEGER NOT NULL CHECK (on_mains IN (0, 1)),
    signal REAL,
    place TEXT,
    alarm TEXT
) STRICT, WITHOUT ROWID;

-- Rows are appended in the order of arrival, so a group commit touches few pages; `telemetry_by_pump` serves a pump's
-- history, `telemetry_by_arrival` the thinning.
CREATE TABLE telemetry (
    id INTEGER PRIMARY KEY NOT NULL,
    pump BLOB NOT NULL REFERENCES pumps (id),
    reported_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    activity TEXT NOT NULL CHECK (
        activity IN ('ready', 'standby', 'infusing', 'kvo', 'paused', 'transitioning', 'unknown')
    ),
    patient_attached INTEGER NOT NULL CHECK (patient_attached IN (0, 1)),
    rate REAL,
    infused REAL,
    battery REAL,
    on_mains INTEGER NOT NULL CHECK (on_mains IN (0, 1)),
    signal REAL,
    place TEXT,
    alarm TEXT
) STRICT;
CREATE INDEX telemetry_by_pump ON telemetry (pump, received_at);
CREATE INDEX telemetry_by_arrival ON telemetry (received_at);
