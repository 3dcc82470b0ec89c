-- What pumps report, what they are ordered, and what people are told.

CREATE TABLE reports (
    pump uuid NOT NULL REFERENCES pumps (id),
    id uuid NOT NULL,
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (pump, id)
);
CREATE INDEX reports_by_seq ON reports (pump, seq);

CREATE TABLE orders (
    id uuid PRIMARY KEY NOT NULL,
    pump uuid NOT NULL REFERENCES pumps (id),
    at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    body jsonb NOT NULL,
    delivered_at timestamptz,
    outcome text COLLATE "C" CHECK (outcome IN ('done', 'when_free', 'refused', 'superseded')),
    outcome_at timestamptz,
    reason text COLLATE "C",
    CHECK ((outcome IS NULL) = (outcome_at IS NULL))
);
CREATE INDEX orders_by_pump ON orders (pump, at, id);
CREATE INDEX orders_pending ON orders (pump, at, id) WHERE delivered_at IS NULL AND outcome IS NULL;

CREATE TABLE events (
    id uuid PRIMARY KEY NOT NULL,
    at timestamptz NOT NULL,
    kind text COLLATE "C" NOT NULL,
    pump uuid REFERENCES pumps (id),
    detail text COLLATE "C" NOT NULL
);
CREATE INDEX events_by_time ON events (at, id);
CREATE INDEX events_by_pump ON events (pump, at, id);
CREATE INDEX events_by_kind ON events (kind, at, id);
