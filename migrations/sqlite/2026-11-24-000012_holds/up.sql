-- Holds: each from the instant it was set to its end, with what was seen and what it took to release it. A pump has at most one
-- that stands; what an ended one says is never changed.
CREATE TABLE holds (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    pump BLOB NOT NULL REFERENCES pumps (id),
    row_version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL CHECK (json_valid(evidence)),
    set_by BLOB REFERENCES accounts (id),
    owner BLOB REFERENCES accounts (id),
    since INTEGER NOT NULL,
    ended_at INTEGER,
    replaced_by BLOB REFERENCES holds (id) DEFERRABLE INITIALLY DEFERRED,
    retest BLOB,
    signatures TEXT NOT NULL CHECK (json_valid(signatures)),
    CHECK (replaced_by IS NULL OR ended_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX holds_standing ON holds (pump) WHERE ended_at IS NULL;
CREATE INDEX holds_of_pump ON holds (pump, since);
CREATE INDEX holds_by_time ON holds (since, id);
CREATE TRIGGER holds_ended_stay BEFORE UPDATE ON holds WHEN OLD.ended_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a hold that ended is never changed'); END;
CREATE TRIGGER holds_remain BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are never deleted'); END;

-- Those that stood before there was a history: each under the id of its pump, which no other hold has.
INSERT INTO holds (id, pump, row_version, kind, reason, evidence, since, signatures)
SELECT id, id, 1, hold_kind, hold_reason, '{}', hold_since, '[]' FROM pumps WHERE hold_kind IS NOT NULL;

-- Checks that are run again before a release. The plan is kept as it was when the attempt began.
CREATE TABLE retests (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    hold BLOB NOT NULL REFERENCES holds (id),
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    begun_at INTEGER NOT NULL,
    begun_by BLOB NOT NULL REFERENCES accounts (id),
    due INTEGER NOT NULL,
    plan TEXT NOT NULL CHECK (json_valid(plan)),
    release BLOB REFERENCES releases (id),
    UNIQUE (hold, attempt)
) STRICT;

CREATE TABLE retest_results (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    retest BLOB NOT NULL REFERENCES retests (id),
    at INTEGER NOT NULL,
    account BLOB REFERENCES accounts (id),
    body TEXT NOT NULL CHECK (json_valid(body)),
    envelope TEXT,
    CHECK ((account IS NULL) <> (envelope IS NULL))
) STRICT;
CREATE INDEX retest_results_of_retest ON retest_results (retest, at, id);
CREATE TRIGGER retests_stay BEFORE UPDATE ON retests
BEGIN SELECT RAISE(ABORT, 'retests are never changed'); END;
CREATE TRIGGER retests_remain BEFORE DELETE ON retests
BEGIN SELECT RAISE(ABORT, 'retests are never deleted'); END;
CREATE TRIGGER retest_results_stay BEFORE UPDATE ON retest_results
BEGIN SELECT RAISE(ABORT, 'results of retests are never changed'); END;
CREATE TRIGGER retest_results_remain BEFORE DELETE ON retest_results
BEGIN SELECT RAISE(ABORT, 'results of retests are never deleted'); END;
