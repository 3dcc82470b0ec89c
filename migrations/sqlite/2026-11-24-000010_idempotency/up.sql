-- What was answered to a creation that named a key of its own, so that asking twice creates once.

CREATE TABLE idempotency_keys (
    account BLOB NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    at INTEGER NOT NULL,
    status INTEGER,
    content_type TEXT,
    body TEXT,
    PRIMARY KEY (account, name)
) STRICT;
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (at);
