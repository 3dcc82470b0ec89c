-- Firmware: whose keys are trusted, what was released, who gets it when, and what became of it.

-- What pumps say of themselves beyond their components.
ALTER TABLE pumps ADD COLUMN counter bigint;
ALTER TABLE pumps ADD COLUMN other_counter bigint;
ALTER TABLE pumps ADD COLUMN library_name text COLLATE "C";
ALTER TABLE pumps ADD COLUMN library_version text COLLATE "C";
ALTER TABLE pumps ADD COLUMN modules jsonb NOT NULL DEFAULT '[]';

-- How many pumps of a model a care area keeps in service (S5).
CREATE TABLE ward_floors (
    care_area uuid NOT NULL REFERENCES care_areas (id),
    model uuid NOT NULL REFERENCES models (id),
    keep bigint NOT NULL CHECK (keep > 0),
    PRIMARY KEY (care_area, model)
);

-- A manufacturer's TUF repository and the root that was pinned for it. It is trusted once somebody signed for it.
CREATE TABLE repositories (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE,
    manufacturer uuid NOT NULL REFERENCES manufacturers (id),
    root text COLLATE "C" NOT NULL,
    root_hash bytea NOT NULL CHECK (length(root_hash) = 32),
    added_by uuid NOT NULL REFERENCES accounts (id),
    added_at timestamptz NOT NULL
);

CREATE TABLE releases (
    id uuid PRIMARY KEY NOT NULL,
    repository uuid NOT NULL REFERENCES repositories (id),
    name text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    manifest text COLLATE "C" NOT NULL,
    manifest_hash bytea NOT NULL CHECK (length(manifest_hash) = 32),
    targets jsonb NOT NULL,
    imported_by uuid NOT NULL REFERENCES accounts (id),
    imported_at timestamptz NOT NULL,
    UNIQUE (repository, manifest_hash)
);

CREATE TABLE rollouts (
    id uuid PRIMARY KEY NOT NULL,
    row_version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    release uuid NOT NULL REFERENCES releases (id),
    state text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    author uuid NOT NULL REFERENCES accounts (id),
    emergency text COLLATE "C",
    begins_at timestamptz NOT NULL,
    spec jsonb NOT NULL,
    content_version bigint NOT NULL,
    why text COLLATE "C",
    made_at timestamptz NOT NULL
);
CREATE INDEX rollouts_by_time ON rollouts (made_at, id);
CREATE INDEX rollouts_at_work ON rollouts (id) WHERE state NOT IN ('completed', 'draft');

CREATE TABLE waves (
    id uuid PRIMARY KEY NOT NULL,
    rollout uuid NOT NULL REFERENCES rollouts (id),
    number bigint NOT NULL CHECK (number > 0),
    name text COLLATE "C" NOT NULL,
    row_version bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    opened_at timestamptz,
    failures_accepted bigint NOT NULL DEFAULT 0,
    evidence bytea CHECK (length(evidence) = 32),
    UNIQUE (rollout, number)
);

-- S6: a pump has one live assignment, whatever anybody believes.
CREATE TABLE assignments (
    id uuid PRIMARY KEY NOT NULL,
    wave uuid NOT NULL REFERENCES waves (id),
    rollout uuid NOT NULL REFERENCES rollouts (id),
    pump uuid NOT NULL REFERENCES pumps (id),
    care_area uuid NOT NULL REFERENCES care_areas (id),
    row_version bigint NOT NULL,
    state text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    target text COLLATE "C" NOT NULL,
    before jsonb NOT NULL,
    named jsonb NOT NULL,
    ticket uuid,
    heard bigint NOT NULL,
    booted bigint,
    booted_at timestamptz,
    versions_proved boolean NOT NULL DEFAULT false,
    setback_at timestamptz,
    setback_count bigint NOT NULL DEFAULT 0,
    setback_words text COLLATE "C",
    left_behind boolean NOT NULL DEFAULT false,
    roll_back_by uuid REFERENCES accounts (id),
    roll_back_at timestamptz,
    last_heard timestamptz,
    UNIQUE (rollout, pump)
);
CREATE UNIQUE INDEX assignments_live ON assignments (pump) WHERE state IN
    ('authorised', 'downloading', 'staged', 'awaiting_safe', 'installing', 'trial_boot', 'self_test', 'awaiting_signoff');
CREATE INDEX assignments_of_wave ON assignments (wave, pump);
CREATE INDEX assignments_of_pump ON assignments (pump, since);

-- No pump has two tickets that it may still use.
CREATE TABLE tickets (
    id uuid PRIMARY KEY NOT NULL,
    assignment uuid NOT NULL REFERENCES assignments (id),
    pump uuid NOT NULL REFERENCES pumps (id),
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    envelope text COLLATE "C" NOT NULL,
    withdrawn_at timestamptz,
    gone_at timestamptz
);
CREATE UNIQUE INDEX tickets_live ON tickets (pump) WHERE gone_at IS NULL;
CREATE INDEX tickets_of_assignment ON tickets (assignment);

-- What checks read: reports of the pump as it signed them, and what people entered. An attempt is one; a retest is the next.
CREATE TABLE check_results (
    id uuid PRIMARY KEY NOT NULL,
    assignment uuid NOT NULL REFERENCES assignments (id),
    attempt bigint NOT NULL,
    at timestamptz NOT NULL,
    account uuid REFERENCES accounts (id),
    body jsonb NOT NULL,
    envelope text COLLATE "C",
    CHECK ((account IS NULL) <> (envelope IS NULL))
);
CREATE INDEX check_results_of_assignment ON check_results (assignment, at, id);
CREATE TRIGGER check_results_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON check_results
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who read the bedside summary of a wave.
CREATE TABLE briefings (
    wave uuid NOT NULL REFERENCES waves (id),
    care_area uuid NOT NULL REFERENCES care_areas (id),
    account uuid NOT NULL REFERENCES accounts (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (wave, care_area, account)
);
