-- Authorities, what they signed, and who may ask them to sign.

CREATE TABLE authorities (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('root', 'device', 'server')),
    generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'trusted', 'retired')),
    subject TEXT NOT NULL,
    certificate_der BLOB NOT NULL,
    key_name TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, generation)
) STRICT;
CREATE UNIQUE INDEX authorities_one_active ON authorities (kind) WHERE state = 'active';

CREATE TABLE crls (
    authority BLOB PRIMARY KEY NOT NULL REFERENCES authorities (id),
    number INTEGER NOT NULL,
    der BLOB NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL
) STRICT;

CREATE TABLE server_certificates (
    fingerprint BLOB PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
    authority BLOB NOT NULL REFERENCES authorities (id),
    serial TEXT NOT NULL,
    der BLOB NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    names TEXT NOT NULL
) STRICT;
CREATE INDEX server_certificates_by_end ON server_certificates (not_after);

CREATE TABLE anchors (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    manufacturer BLOB NOT NULL REFERENCES manufacturers (id),
    subject TEXT NOT NULL,
    certificate_der BLOB NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    imported_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX anchors_present ON anchors (fingerprint) WHERE removed_at IS NULL;

-- The secret of a token is not here, only its SHA-256.
CREATE TABLE enrol_tokens (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    serial TEXT NOT NULL,
    model BLOB NOT NULL REFERENCES models (id),
    bound_key BLOB CHECK (length(bound_key) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    consumed_at INTEGER,
    consumed_key BLOB CHECK (length(consumed_key) = 32),
    withdrawn_at INTEGER,
    CHECK ((consumed_at IS NULL) = (consumed_key IS NULL))
) STRICT;
CREATE INDEX enrol_tokens_by_creation ON enrol_tokens (created_at, id);

CREATE TABLE certificates (
    fingerprint BLOB PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
    serial TEXT NOT NULL,
    pump BLOB NOT NULL REFERENCES pumps (id),
    authority BLOB NOT NULL REFERENCES authorities (id),
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    first_used_at INTEGER,
    revoked_at INTEGER,
    revocation_reason TEXT CHECK (
        revocation_reason IN (
            'unspecified', 'key_compromise', 'ca_compromise', 'affiliation_changed', 'superseded',
            'cessation_of_operation', 'privilege_withdrawn'
        )
    ),
    registry_change INTEGER NOT NULL,
    der BLOB NOT NULL,
    UNIQUE (authority, serial),
    CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL))
) STRICT;
CREATE INDEX certificates_by_serial ON certificates (serial);
CREATE INDEX certificates_by_key ON certificates (public_key, issued_at);
CREATE INDEX certificates_by_pump ON certificates (pump, issued_at, fingerprint);
CREATE INDEX certificates_by_issue ON certificates (issued_at, fingerprint);
CREATE INDEX certificates_by_end ON certificates (not_after);
CREATE INDEX certificates_live ON certificates (authority, not_after) WHERE revoked_at IS NULL;
CREATE INDEX certificates_revoked ON certificates (authority, not_after) WHERE revoked_at IS NOT NULL;
CREATE INDEX certificates_by_registry_change ON certificates (registry_change);
