-- What happened, in a chain of hashes. The text of an entry is what is hashed; the columns beside it are for finding it, and are
-- compared with it when the chain is verified.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME; END $$;

CREATE TABLE audit_entries (
    number bigint PRIMARY KEY NOT NULL,
    at timestamptz NOT NULL,
    account uuid,
    action text COLLATE "C" NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    entry text COLLATE "C" NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE INDEX audit_entries_by_account ON audit_entries (account, number);
CREATE INDEX audit_entries_by_action ON audit_entries (action, number);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject_kind, subject_id, number);
CREATE INDEX audit_entries_by_time ON audit_entries (at, number);
CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The end of the chain at an instant, signed.
CREATE TABLE audit_checkpoints (
    number bigint PRIMARY KEY NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    at timestamptz NOT NULL,
    key_id text COLLATE "C" NOT NULL,
    signature text COLLATE "C" NOT NULL
);
CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
