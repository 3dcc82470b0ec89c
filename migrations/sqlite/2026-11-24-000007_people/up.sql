-- People: who they are, what they may do and where, how they come in.

-- Tokens made so far named no scopes; each could do everything. They end here, and are made anew with scopes.
DROP TABLE api_tokens;

CREATE TABLE people (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    printed_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL CHECK (must_change_password IN (0, 1)),
    totp_sealed BLOB,
    totp_last_step INTEGER,
    pin_hash TEXT,
    created_at INTEGER NOT NULL,
    disabled_at INTEGER,
    row_version INTEGER NOT NULL
) STRICT;
INSERT INTO people (id, name, name_key, printed_name, password_hash, must_change_password, created_at, row_version)
    SELECT id, name, lower(name), name, password_hash, must_change_password, created_at, 1 FROM accounts;

-- A role of a person; everywhere, or in the care areas of grant_areas.
CREATE TABLE grants (
    account BLOB NOT NULL REFERENCES people (id),
    role TEXT NOT NULL,
    everywhere INTEGER NOT NULL CHECK (everywhere IN (0, 1)),
    PRIMARY KEY (account, role)
) STRICT;
INSERT INTO grants (account, role, everywhere) SELECT id, 'administrator', 1 FROM accounts;

CREATE TABLE grant_areas (
    account BLOB NOT NULL,
    role TEXT NOT NULL,
    care_area BLOB NOT NULL REFERENCES care_areas (id),
    PRIMARY KEY (account, role, care_area),
    FOREIGN KEY (account, role) REFERENCES grants (account, role) ON DELETE CASCADE
) STRICT;

DROP TABLE accounts;
ALTER TABLE people RENAME TO accounts;

-- A device of the hospital's that people share: a ward tablet, a bench computer.
CREATE TABLE devices (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    name TEXT NOT NULL UNIQUE,
    care_area BLOB REFERENCES care_areas (id),
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    idle_seconds INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    registered_by BLOB NOT NULL REFERENCES accounts (id),
    removed_at INTEGER
) STRICT;

-- A use of break-glass. The review is a signature.
CREATE TABLE glass_uses (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account BLOB NOT NULL REFERENCES accounts (id),
    since INTEGER NOT NULL,
    reason TEXT NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX glass_uses_by_time ON glass_uses (since, id);

-- The secret of a session is not here, only its SHA-256; it changes at every change of privilege.
CREATE TABLE sessions (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account BLOB NOT NULL REFERENCES accounts (id),
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    device BLOB REFERENCES devices (id),
    address TEXT,
    agent TEXT,
    factors TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    idle_seconds INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    end_reason TEXT,
    signed_at INTEGER,
    glass BLOB REFERENCES glass_uses (id)
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account, authenticated_at, id);

-- The secret of a token is not here, only its SHA-256.
CREATE TABLE service_tokens (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    account BLOB NOT NULL REFERENCES accounts (id),
    label TEXT NOT NULL,
    scopes TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE INDEX service_tokens_by_account ON service_tokens (account, created_at, id);
