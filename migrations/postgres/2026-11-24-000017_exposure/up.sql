-- What pumps are made of, what was published about that, and what it means for them. A version set is a model with the versions that
-- pumps of it report: what is found is kept for each of these and not for each pump.

-- Of a release; or of a model, or of a part of it in one version. A newer list for the same thing takes the place of the older.
CREATE TABLE component_lists (
    id uuid PRIMARY KEY NOT NULL,
    release uuid REFERENCES releases (id),
    model uuid REFERENCES models (id),
    component text COLLATE "C",
    version text COLLATE "C",
    name text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    components bigint NOT NULL,
    gaps bigint NOT NULL,
    document text COLLATE "C" NOT NULL,
    imported_by text COLLATE "C" NOT NULL,
    imported_at timestamptz NOT NULL,
    CHECK ((release IS NULL) <> (model IS NULL)),
    CHECK (component IS NULL OR model IS NOT NULL),
    CHECK (version IS NULL OR component IS NOT NULL)
);
CREATE INDEX component_lists_of_release ON component_lists (release);
CREATE INDEX component_lists_of_model ON component_lists (model);

-- How old what each publisher's feed says is.
CREATE TABLE feeds (
    feed text COLLATE "C" NOT NULL,
    publisher text COLLATE "C" NOT NULL,
    document text COLLATE "C" NOT NULL,
    made_at timestamptz,
    records bigint NOT NULL,
    without_products bigint NOT NULL,
    imported_by text COLLATE "C" NOT NULL,
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (feed, publisher)
);

-- One vulnerability as one document tells it.
CREATE TABLE advisories (
    id uuid PRIMARY KEY NOT NULL,
    vulnerability text COLLATE "C" NOT NULL,
    feed text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX advisories_about ON advisories (vulnerability);

-- The version sets that everything known was held against.
CREATE TABLE version_sets (
    id bytea PRIMARY KEY NOT NULL CHECK (length(id) = 32),
    matched_at timestamptz NOT NULL
);

-- What a vulnerability means for pumps of a version set.
CREATE TABLE exposures (
    version_set bytea NOT NULL CHECK (length(version_set) = 32),
    vulnerability text COLLATE "C" NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    open boolean NOT NULL,
    decision uuid,
    finding text COLLATE "C" NOT NULL,
    identified_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (version_set, vulnerability)
);
CREATE INDEX exposures_of ON exposures (vulnerability);

-- What people decided where no document is clear. The newest decision about the same doubt counts.
CREATE TABLE exposure_decisions (
    id uuid PRIMARY KEY NOT NULL,
    doubt bytea NOT NULL CHECK (length(doubt) = 32),
    vulnerability text COLLATE "C" NOT NULL,
    words text COLLATE "C" NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    decided_by uuid NOT NULL REFERENCES accounts (id),
    decided_at timestamptz NOT NULL
);
CREATE INDEX exposure_decisions_on ON exposure_decisions (doubt, id);
CREATE TRIGGER exposure_decisions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON exposure_decisions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
