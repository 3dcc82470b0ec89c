-- What pumps do right now, and what they did.

CREATE TABLE presence (
    pump uuid PRIMARY KEY NOT NULL REFERENCES pumps (id),
    connected boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    peer text COLLATE "C",
    certificate bytea CHECK (length(certificate) = 32),
    session_end text COLLATE "C" CHECK (
        session_end IN ('goodbye', 'lost', 'taken_over', 'denied', 'protocol_violation', 'gateway_stopped')
    ),
    last_seen timestamptz NOT NULL
);
CREATE INDEX presence_connected ON presence (pump) WHERE connected;

-- The latest state of each pump; `telemetry` keeps the history.
CREATE TABLE pump_states (
    pump uuid PRIMARY KEY NOT NULL REFERENCES pumps (id),
    reported_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    activity text COLLATE "C" NOT NULL CHECK (
        activity IN ('ready', 'standby', 'infusing', 'kvo', 'paused', 'transitioning', 'unknown')
    ),
    patient_attached boolean NOT NULL,
    rate double precision,
    infused double precision,
    battery double precision,
    on_mains boolean NOT NULL,
    signal double precision,
    place text COLLATE "C",
    alarm text COLLATE "C"
);

-- Rows are appended in the order of arrival. The index by pump is cut into segments of 8192 rows, so that what is committed
-- together lies together: a group of 500 rows touches some 60 of its pages instead of 500. The history of a pump is read
-- segment by segment; `telemetry_by_arrival` says in which segments an instant lies, and serves the thinning.
CREATE TABLE telemetry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY NOT NULL,
    pump uuid NOT NULL REFERENCES pumps (id),
    reported_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    activity text COLLATE "C" NOT NULL CHECK (
        activity IN ('ready', 'standby', 'infusing', 'kvo', 'paused', 'transitioning', 'unknown')
    ),
    patient_attached boolean NOT NULL,
    rate double precision,
    infused double precision,
    battery double precision,
    on_mains boolean NOT NULL,
    signal double precision,
    place text COLLATE "C",
    alarm text COLLATE "C"
);
CREATE INDEX telemetry_by_pump ON telemetry ((id >> 13), pump);
CREATE INDEX telemetry_by_arrival ON telemetry (received_at);
