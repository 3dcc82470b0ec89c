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

-- Rows are appended in the order of arrival. The index by pump is cut into segments of 8192 rows, so that what is committed
-- together lies together: a group of 500 rows touches some 60 of its pages instead of 500. The history of a pump is read
-- segment by segment; `telemetry_by_arrival` says in which segments an instant lies, and serves the thinning.
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
CREATE INDEX telemetry_by_pump ON telemetry ((id >> 13), pump);
CREATE INDEX telemetry_by_arrival ON telemetry (received_at);
