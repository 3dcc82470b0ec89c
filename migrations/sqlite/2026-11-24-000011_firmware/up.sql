-- Firmware: whose keys are trusted, what was released, who gets it when, and what became of it.

-- What pumps say of themselves beyond their components.
ALTER TABLE pumps ADD COLUMN counter INTEGER;
ALTER TABLE pumps ADD COLUMN other_counter INTEGER;
ALTER TABLE pumps ADD COLUMN library_name TEXT;
ALTER TABLE pumps ADD COLUMN library_version TEXT;
ALTER TABLE pumps ADD COLUMN modules TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(modules));

-- How many pumps of a model a care area keeps in service (S5).
CREATE TABLE ward_floors (
    care_area BLOB NOT NULL REFERENCES care_areas (id),
    model BLOB NOT NULL REFERENCES models (id),
    keep INTEGER NOT NULL CHECK (keep > 0),
    PRIMARY KEY (care_area, model)
) STRICT;

-- A manufacturer's TUF repository and the root that was pinned for it. It is trusted once somebody signed for it.
CREATE TABLE repositories (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    manufacturer BLOB NOT NULL REFERENCES manufacturers (id),
    root TEXT NOT NULL,
    root_hash BLOB NOT NULL CHECK (length(root_hash) = 32),
    added_by BLOB NOT NULL REFERENCES accounts (id),
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE releases (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    repository BLOB NOT NULL REFERENCES repositories (id),
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,
    manifest_hash BLOB NOT NULL CHECK (length(manifest_hash) = 32),
    targets TEXT NOT NULL CHECK (json_valid(targets)),
    imported_by BLOB NOT NULL REFERENCES accounts (id),
    imported_at INTEGER NOT NULL,
    UNIQUE (repository, manifest_hash)
) STRICT;

CREATE TABLE rollouts (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    row_version INTEGER NOT NULL,
    name TEXT NOT NULL,
    release BLOB NOT NULL REFERENCES releases (id),
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    author BLOB NOT NULL REFERENCES accounts (id),
    emergency TEXT,
    begins_at INTEGER NOT NULL,
    spec TEXT NOT NULL CHECK (json_valid(spec)),
    content_version INTEGER NOT NULL,
    why TEXT,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rollouts_by_time ON rollouts (made_at, id);
CREATE INDEX rollouts_at_work ON rollouts (id) WHERE state NOT IN ('completed', 'draft');

CREATE TABLE waves (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    rollout BLOB NOT NULL REFERENCES rollouts (id),
    number INTEGER NOT NULL CHECK (number > 0),
    name TEXT NOT NULL,
    row_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    opened_at INTEGER,
    failures_accepted INTEGER NOT NULL DEFAULT 0,
    evidence BLOB CHECK (length(evidence) = 32),
    UNIQUE (rollout, number)
) STRICT;

-- S6: a pump has one live assignment, whatever anybody believes.
CREATE TABLE assignments (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    wave BLOB NOT NULL REFERENCES waves (id),
    rollout BLOB NOT NULL REFERENCES rollouts (id),
    pump BLOB NOT NULL REFERENCES pumps (id),
    care_area BLOB NOT NULL REFERENCES care_areas (id),
    row_version INTEGER NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    target TEXT NOT NULL,
    before TEXT NOT NULL CHECK (json_valid(before)),
    named TEXT NOT NULL CHECK (json_valid(named)),
    ticket BLOB,
    heard INTEGER NOT NULL,
    booted INTEGER,
    booted_at INTEGER,
    versions_proved INTEGER NOT NULL DEFAULT 0,
    setback_at INTEGER,
    setback_count INTEGER NOT NULL DEFAULT 0,
    setback_words TEXT,
    left_behind INTEGER NOT NULL DEFAULT 0,
    roll_back_by BLOB REFERENCES accounts (id),
    roll_back_at INTEGER,
    last_heard INTEGER,
    UNIQUE (rollout, pump)
) STRICT;
CREATE UNIQUE INDEX assignments_live ON assignments (pump) WHERE state IN
    ('authorised', 'downloading', 'staged', 'awaiting_safe', 'installing', 'trial_boot', 'self_test', 'awaiting_signoff');
CREATE INDEX assignments_of_wave ON assignments (wave, pump);
CREATE INDEX assignments_of_pump ON assignments (pump, since);

-- No pump has two tickets that it may still use.
CREATE TABLE tickets (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    assignment BLOB NOT NULL REFERENCES assignments (id),
    pump BLOB NOT NULL REFERENCES pumps (id),
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    envelope TEXT NOT NULL,
    withdrawn_at INTEGER,
    gone_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tickets_live ON tickets (pump) WHERE gone_at IS NULL;
CREATE INDEX tickets_of_assignment ON tickets (assignment);

-- What checks read: reports of the pump as it signed them, and what people entered. An attempt is one; a retest is the next.
CREATE TABLE check_results (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    assignment BLOB NOT NULL REFERENCES assignments (id),
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    account BLOB REFERENCES accounts (id),
    body TEXT NOT NULL CHECK (json_valid(body)),
    envelope TEXT,
    CHECK ((account IS NULL) <> (envelope IS NULL))
) STRICT;
CREATE INDEX check_results_of_assignment ON check_results (assignment, at, id);
CREATE TRIGGER check_results_stay BEFORE UPDATE ON check_results
BEGIN SELECT RAISE(ABORT, 'check results are never changed'); END;
CREATE TRIGGER check_results_remain BEFORE DELETE ON check_results
BEGIN SELECT RAISE(ABORT, 'check results are never deleted'); END;

-- Who read the bedside summary of a wave.
CREATE TABLE briefings (
    wave BLOB NOT NULL REFERENCES waves (id),
    care_area BLOB NOT NULL REFERENCES care_areas (id),
    account BLOB NOT NULL REFERENCES accounts (id),
    at INTEGER NOT NULL,
    PRIMARY KEY (wave, care_area, account)
) STRICT;
