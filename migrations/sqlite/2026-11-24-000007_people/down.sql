DROP TABLE service_tokens;
DROP TABLE sessions;
DROP TABLE glass_uses;
DROP TABLE devices;
CREATE TABLE accounts_before (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    role TEXT NOT NULL CHECK (role IN ('administrator')),
    created_at INTEGER NOT NULL
) STRICT;
INSERT INTO accounts_before (id, name, password_hash, must_change_password, role, created_at)
    SELECT id, name, password_hash, must_change_password, 'administrator', created_at FROM accounts
    WHERE id IN (SELECT account FROM grants WHERE role = 'administrator');
DROP TABLE grant_areas;
DROP TABLE grants;
DROP TABLE accounts;
ALTER TABLE accounts_before RENAME TO accounts;
CREATE TABLE api_tokens (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account BLOB NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_tokens_by_account ON api_tokens (account, created_at, id);
