-- What pumps report, what they are ordered, and what people are told.

CREATE TABLE reports (
    pump BLOB NOT NULL REFERENCES pumps (id),
    id BLOB NOT NULL CHECK (length(id) = 16),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    PRIMARY KEY (pump, id)
) STRICT;
CREATE INDEX reports_by_seq ON reports (pump, seq);

CREATE TABLE orders (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    pump BLOB NOT NULL REFERENCES pumps (id),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)),
    delivered_at INTEGER,
    outcome TEXT CHECK (outcome IN ('done', 'when_free', 'refused', 'superseded')),
    outcome_at INTEGER,
    reason TEXT,
    CHECK ((outcome IS NULL) = (outcome_at IS NULL))
) STRICT;
CREATE INDEX orders_by_pump ON orders (pump, at, id);
CREATE INDEX orders_pending ON orders (pump, at, id) WHERE delivered_at IS NULL AND outcome IS NULL;

CREATE TABLE events (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pump BLOB REFERENCES pumps (id),
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (at, id);
CREATE INDEX events_by_pump ON events (pump, at, id);
CREATE INDEX events_by_kind ON events (kind, at, id);
