-- Electronic signatures, and refusals to sign. The statement holds every part of the signed bytes.

CREATE TABLE signatures (
    id uuid PRIMARY KEY NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id uuid NOT NULL,
    subject_version bigint NOT NULL,
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    content text COLLATE "C" NOT NULL,
    meaning text COLLATE "C" NOT NULL,
    answer text COLLATE "C" NOT NULL,
    comment text COLLATE "C",
    printed_name text COLLATE "C" NOT NULL,
    account uuid NOT NULL REFERENCES accounts (id),
    role text COLLATE "C" NOT NULL,
    care_area uuid,
    care_area_name text COLLATE "C",
    device uuid,
    device_name text COLLATE "C",
    signed_at timestamptz NOT NULL,
    offset_minutes bigint NOT NULL,
    session uuid NOT NULL REFERENCES sessions (id),
    factors text COLLATE "C" NOT NULL,
    seal text COLLATE "C" NOT NULL,
    key_id text COLLATE "C" NOT NULL
);
CREATE INDEX signatures_by_subject ON signatures (subject_kind, subject_id, signed_at, id);
CREATE INDEX signatures_by_account ON signatures (account, signed_at, id);
CREATE INDEX signatures_by_time ON signatures (signed_at, id);
CREATE TRIGGER signatures_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON signatures
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Counts what a signature vouches for; row_version also counts what it does not.
ALTER TABLE pumps ADD COLUMN content_version bigint NOT NULL DEFAULT 1;
