-- Authorities, what they signed, and who may ask them to sign.

CREATE TABLE authorities (
    id uuid PRIMARY KEY NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('root', 'device', 'server')),
    generation integer NOT NULL,
    state text COLLATE "C" NOT NULL CHECK (state IN ('active', 'trusted', 'retired')),
    subject text COLLATE "C" NOT NULL,
    certificate_der bytea NOT NULL,
    key_name text COLLATE "C" NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (kind, generation)
);
CREATE UNIQUE INDEX authorities_one_active ON authorities (kind) WHERE state = 'active';

CREATE TABLE crls (
    authority uuid PRIMARY KEY NOT NULL REFERENCES authorities (id),
    number bigint NOT NULL,
    der bytea NOT NULL,
    this_update timestamptz NOT NULL,
    next_update timestamptz NOT NULL
);

CREATE TABLE server_certificates (
    fingerprint bytea PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
    authority uuid NOT NULL REFERENCES authorities (id),
    serial text COLLATE "C" NOT NULL,
    der bytea NOT NULL,
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    names text COLLATE "C" NOT NULL
);
CREATE INDEX server_certificates_by_end ON server_certificates (not_after);

CREATE TABLE anchors (
    id uuid PRIMARY KEY NOT NULL,
    manufacturer uuid NOT NULL REFERENCES manufacturers (id),
    subject text COLLATE "C" NOT NULL,
    certificate_der bytea NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    imported_at timestamptz NOT NULL,
    removed_at timestamptz
);
CREATE UNIQUE INDEX anchors_present ON anchors (fingerprint) WHERE removed_at IS NULL;

-- The secret of a token is not here, only its SHA-256.
CREATE TABLE enrol_tokens (
    id uuid PRIMARY KEY NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    serial text COLLATE "C" NOT NULL,
    model uuid NOT NULL REFERENCES models (id),
    bound_key bytea CHECK (length(bound_key) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    consumed_key bytea CHECK (length(consumed_key) = 32),
    withdrawn_at timestamptz,
    CHECK ((consumed_at IS NULL) = (consumed_key IS NULL))
);
CREATE INDEX enrol_tokens_by_creation ON enrol_tokens (created_at, id);

CREATE TABLE certificates (
    fingerprint bytea PRIMARY KEY NOT NULL CHECK (length(fingerprint) = 32),
    serial text COLLATE "C" NOT NULL,
    pump uuid NOT NULL REFERENCES pumps (id),
    authority uuid NOT NULL REFERENCES authorities (id),
    public_key bytea NOT NULL CHECK (length(public_key) = 32),
    not_before timestamptz NOT NULL,
    not_after timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    first_used_at timestamptz,
    revoked_at timestamptz,
    revocation_reason text COLLATE "C" CHECK (
        revocation_reason IN (
            'unspecified', 'key_compromise', 'ca_compromise', 'affiliation_changed', 'superseded',
            'cessation_of_operation', 'privilege_withdrawn'
        )
    ),
    registry_change bigint NOT NULL,
    der bytea NOT NULL,
    UNIQUE (authority, serial),
    CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL))
);
CREATE INDEX certificates_by_serial ON certificates (serial);
CREATE INDEX certificates_by_key ON certificates (public_key, issued_at);
CREATE INDEX certificates_by_pump ON certificates (pump, issued_at, fingerprint);
CREATE INDEX certificates_by_issue ON certificates (issued_at, fingerprint);
CREATE INDEX certificates_by_end ON certificates (not_after);
CREATE INDEX certificates_live ON certificates (authority, not_after) WHERE revoked_at IS NULL;
CREATE INDEX certificates_revoked ON certificates (authority, not_after) WHERE revoked_at IS NOT NULL;
CREATE INDEX certificates_by_registry_change ON certificates (registry_change);
