-- Electronic signatures, and refusals to sign. The statement holds every part of the signed bytes.

CREATE TABLE signatures (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    subject_version INTEGER NOT NULL,
    content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
    content TEXT NOT NULL,
    meaning TEXT NOT NULL,
    answer TEXT NOT NULL,
    comment TEXT,
    printed_name TEXT NOT NULL,
    account BLOB NOT NULL REFERENCES accounts (id),
    role TEXT NOT NULL,
    care_area BLOB,
    care_area_name TEXT,
    device BLOB,
    device_name TEXT,
    signed_at INTEGER NOT NULL,
    offset_minutes INTEGER NOT NULL,
    session BLOB NOT NULL REFERENCES sessions (id),
    factors TEXT NOT NULL,
    seal TEXT NOT NULL,
    key_id TEXT NOT NULL
) STRICT;
CREATE INDEX signatures_by_subject ON signatures (subject_kind, subject_id, signed_at, id);
CREATE INDEX signatures_by_account ON signatures (account, signed_at, id);
CREATE INDEX signatures_by_time ON signatures (signed_at, id);
CREATE TRIGGER signatures_stay BEFORE UPDATE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are never changed'); END;
CREATE TRIGGER signatures_remain BEFORE DELETE ON signatures
BEGIN SELECT RAISE(ABORT, 'signatures are never deleted'); END;
CREATE TRIGGER signatures_follow BEFORE INSERT ON signatures WHEN EXISTS (SELECT 1 FROM signatures WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'signatures are never replaced'); END;

-- Counts what a signature vouches for; row_version also counts what it does not.
ALTER TABLE pumps ADD COLUMN content_version INTEGER NOT NULL DEFAULT 1;
