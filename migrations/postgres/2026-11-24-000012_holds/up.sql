-- Holds: each from the instant it was set to its end, with what was seen and what it took to release it. A pump has at most one
-- that stands; what an ended one says is never changed.
CREATE TABLE holds (
    id uuid PRIMARY KEY NOT NULL,
    pump uuid NOT NULL REFERENCES pumps (id),
    row_version bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    evidence jsonb NOT NULL,
    set_by uuid REFERENCES accounts (id),
    owner uuid REFERENCES accounts (id),
    since timestamptz NOT NULL,
    ended_at timestamptz,
    replaced_by uuid REFERENCES holds (id) DEFERRABLE INITIALLY DEFERRED,
    retest uuid,
    signatures jsonb NOT NULL,
    CHECK (replaced_by IS NULL OR ended_at IS NOT NULL)
);
CREATE UNIQUE INDEX holds_standing ON holds (pump) WHERE ended_at IS NULL;
CREATE INDEX holds_of_pump ON holds (pump, since);
CREATE INDEX holds_by_time ON holds (since, id);
CREATE TRIGGER holds_ended_stay BEFORE UPDATE ON holds
FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER holds_remain BEFORE DELETE OR TRUNCATE ON holds
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Those that stood before there was a history: each under the id of its pump, which no other hold has.
INSERT INTO holds (id, pump, row_version, kind, reason, evidence, since, signatures)
SELECT id, id, 1, hold_kind, hold_reason, '{}', hold_since, '[]' FROM pumps WHERE hold_kind IS NOT NULL;

-- Checks that are run again before a release. The plan is kept as it was when the attempt began.
CREATE TABLE retests (
    id uuid PRIMARY KEY NOT NULL,
    hold uuid NOT NULL REFERENCES holds (id),
    attempt bigint NOT NULL CHECK (attempt > 0),
    begun_at timestamptz NOT NULL,
    begun_by uuid NOT NULL REFERENCES accounts (id),
    due timestamptz NOT NULL,
    plan jsonb NOT NULL,
    release uuid REFERENCES releases (id),
    UNIQUE (hold, attempt)
);

CREATE TABLE retest_results (
    id uuid PRIMARY KEY NOT NULL,
    retest uuid NOT NULL REFERENCES retests (id),
    at timestamptz NOT NULL,
    account uuid REFERENCES accounts (id),
    body jsonb NOT NULL,
    envelope text COLLATE "C",
    CHECK ((account IS NULL) <> (envelope IS NULL))
);
CREATE INDEX retest_results_of_retest ON retest_results (retest, at, id);
CREATE TRIGGER retests_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON retests
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER retest_results_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON retest_results
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
