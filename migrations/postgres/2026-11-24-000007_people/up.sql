-- People: who they are, what they may do and where, how they come in.

-- Tokens made so far named no scopes; each could do everything. They end here, and are made anew with scopes.
DROP TABLE api_tokens;

CREATE TABLE people (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_key text COLLATE "C" NOT NULL UNIQUE,
    printed_name text COLLATE "C" NOT NULL,
    password_hash text COLLATE "C" NOT NULL,
    must_change_password boolean NOT NULL,
    totp_sealed bytea,
    totp_last_step bigint,
    pin_hash text COLLATE "C",
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    row_version bigint NOT NULL
);
INSERT INTO people (id, name, name_key, printed_name, password_hash, must_change_password, created_at, row_version)
    SELECT id, name, lower(name), name, password_hash, must_change_password, created_at, 1 FROM accounts;

-- A role of a person; everywhere, or in the care areas of grant_areas.
CREATE TABLE grants (
    account uuid NOT NULL REFERENCES people (id),
    role text COLLATE "C" NOT NULL,
    everywhere boolean NOT NULL,
    PRIMARY KEY (account, role)
);
INSERT INTO grants (account, role, everywhere) SELECT id, 'administrator', true FROM accounts;

CREATE TABLE grant_areas (
    account uuid NOT NULL,
    role text COLLATE "C" NOT NULL,
    care_area uuid NOT NULL REFERENCES care_areas (id),
    PRIMARY KEY (account, role, care_area),
    FOREIGN KEY (account, role) REFERENCES grants (account, role) ON DELETE CASCADE
);

DROP TABLE accounts;
ALTER TABLE people RENAME TO accounts;

-- A device of the hospital's that people share: a ward tablet, a bench computer.
CREATE TABLE devices (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE,
    care_area uuid REFERENCES care_areas (id),
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    idle_seconds bigint NOT NULL,
    registered_at timestamptz NOT NULL,
    registered_by uuid NOT NULL REFERENCES accounts (id),
    removed_at timestamptz
);

-- A use of break-glass. The review is a signature.
CREATE TABLE glass_uses (
    id uuid PRIMARY KEY NOT NULL,
    account uuid NOT NULL REFERENCES accounts (id),
    since timestamptz NOT NULL,
    reason text COLLATE "C" NOT NULL,
    ended_at timestamptz
);
CREATE INDEX glass_uses_by_time ON glass_uses (since, id);

-- The secret of a session is not here, only its SHA-256; it changes at every change of privilege.
CREATE TABLE sessions (
    id uuid PRIMARY KEY NOT NULL,
    account uuid NOT NULL REFERENCES accounts (id),
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    device uuid REFERENCES devices (id),
    address text COLLATE "C",
    agent text COLLATE "C",
    factors text COLLATE "C" NOT NULL,
    authenticated_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    idle_seconds bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text COLLATE "C",
    signed_at timestamptz,
    glass uuid REFERENCES glass_uses (id)
);
CREATE INDEX sessions_by_account ON sessions (account, authenticated_at, id);

-- The secret of a token is not here, only its SHA-256.
CREATE TABLE service_tokens (
    id uuid PRIMARY KEY NOT NULL,
    account uuid NOT NULL REFERENCES accounts (id),
    label text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX service_tokens_by_account ON service_tokens (account, created_at, id);
