-- What happened, in a chain of hashes. The text of an entry is what is hashed; the columns beside it are for finding it, and are
-- compared with it when the chain is verified.

CREATE TABLE audit_entries (
    number INTEGER PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    account BLOB,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    entry TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_entries_by_account ON audit_entries (account, number);
CREATE INDEX audit_entries_by_action ON audit_entries (action, number);
CREATE INDEX audit_entries_by_subject ON audit_entries (subject_kind, subject_id, number);
CREATE INDEX audit_entries_by_time ON audit_entries (at, number);
CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'entries of the audit trail are never changed'); END;
CREATE TRIGGER audit_entries_remain BEFORE DELETE ON audit_entries
BEGIN SELECT RAISE(ABORT, 'entries of the audit trail are never deleted'); END;
CREATE TRIGGER audit_entries_follow BEFORE INSERT ON audit_entries WHEN NEW.number <= (SELECT max(number) FROM audit_entries)
BEGIN SELECT RAISE(ABORT, 'entries of the audit trail are only added at its end'); END;

-- The end of the chain at an instant, signed.
CREATE TABLE audit_checkpoints (
    number INTEGER PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    at INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_checkpoints_stay BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit trail are never changed'); END;
CREATE TRIGGER audit_checkpoints_remain BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit trail are never deleted'); END;
