DROP TABLE service_tokens;
DROP TABLE sessions;
DROP TABLE glass_uses;
DROP TABLE devices;
CREATE TABLE accounts_before (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE,
    password_hash text COLLATE "C" NOT NULL,
    must_change_password boolean NOT NULL,
    role text COLLATE "C" NOT NULL CHECK (role IN ('administrator')),
    created_at timestamptz NOT NULL
);
INSERT INTO accounts_before (id, name, password_hash, must_change_password, role, created_at)
    SELECT id, name, password_hash, must_change_password, 'administrator', created_at FROM accounts
    WHERE id IN (SELECT account FROM grants WHERE role = 'administrator');
DROP TABLE grant_areas;
DROP TABLE grants;
DROP TABLE accounts;
ALTER TABLE accounts_before RENAME TO accounts;
CREATE TABLE api_tokens (
    id uuid PRIMARY KEY NOT NULL,
    account uuid NOT NULL REFERENCES accounts (id),
    label text COLLATE "C" NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX api_tokens_by_account ON api_tokens (account, created_at, id);
