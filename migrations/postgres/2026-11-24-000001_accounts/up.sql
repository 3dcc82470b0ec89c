-- What the gateway remembers about itself, and who may use it.

CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY NOT NULL,
    value text COLLATE "C" NOT NULL
);

CREATE TABLE accounts (
    id uuid PRIMARY KEY NOT NULL,
    name text COLLATE "C" NOT NULL UNIQUE,
    password_hash text COLLATE "C" NOT NULL,
    must_change_password boolean NOT NULL,
    role text COLLATE "C" NOT NULL CHECK (role IN ('administrator')),
    created_at timestamptz NOT NULL
);

-- The secret of a token is not here, only its SHA-256.
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
