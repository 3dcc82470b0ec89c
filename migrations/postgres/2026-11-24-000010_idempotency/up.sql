-- What was answered to a creation that named a key of its own, so that asking twice creates once.

CREATE TABLE idempotency_keys (
    account uuid NOT NULL REFERENCES accounts (id),
    name text COLLATE "C" NOT NULL,
    request_hash bytea NOT NULL CHECK (length(request_hash) = 32),
    at timestamptz NOT NULL,
    status bigint,
    content_type text COLLATE "C",
    body text COLLATE "C",
    PRIMARY KEY (account, name)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);
