-- What pumps are made of, what was published about that, and what it means for them. A version set is a model with the versions that
-- pumps of it report: what is found is kept for each of these and not for each pump.

-- Of a release; or of a model, or of a part of it in one version. A newer list for the same thing takes the place of the older.
CREATE TABLE component_lists (
    id BLOB PRIMARY KEY NOT NULL,
    release BLOB REFERENCES releases (id),
    model BLOB REFERENCES models (id),
    component TEXT,
    version TEXT,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    components INTEGER NOT NULL,
    gaps INTEGER NOT NULL,
    document TEXT NOT NULL,
    imported_by TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    CHECK ((release IS NULL) <> (model IS NULL)),
    CHECK (component IS NULL OR model IS NOT NULL),
    CHECK (version IS NULL OR component IS NOT NULL)
) STRICT;
CREATE INDEX component_lists_of_release ON component_lists (release);
CREATE INDEX component_lists_of_model ON component_lists (model);

-- How old what each publisher's feed says is.
CREATE TABLE feeds (
    feed TEXT NOT NULL,
    publisher TEXT NOT NULL,
    document TEXT NOT NULL,
    made_at INTEGER,
    records INTEGER NOT NULL,
    without_products INTEGER NOT NULL,
    imported_by TEXT NOT NULL,
    imported_at INTEGER NOT NULL,
    PRIMARY KEY (feed, publisher)
) STRICT, WITHOUT ROWID;

-- One vulnerability as one document tells it.
CREATE TABLE advisories (
    id BLOB PRIMARY KEY NOT NULL,
    vulnerability TEXT NOT NULL,
    feed TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX advisories_about ON advisories (vulnerability);

-- The version sets that everything known was held against.
CREATE TABLE version_sets (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 32),
    matched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a vulnerability means for pumps of a version set.
CREATE TABLE exposures (
    version_set BLOB NOT NULL CHECK (length(version_set) = 32),
    vulnerability TEXT NOT NULL,
    verdict TEXT NOT NULL,
    open INTEGER NOT NULL CHECK (open IN (0, 1)),
    decision BLOB,
    finding TEXT NOT NULL,
    identified_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (version_set, vulnerability)
) STRICT, WITHOUT ROWID;
CREATE INDEX exposures_of ON exposures (vulnerability);

-- What people decided where no document is clear. The newest decision about the same doubt counts.
CREATE TABLE exposure_decisions (
    id BLOB PRIMARY KEY NOT NULL,
    doubt BLOB NOT NULL CHECK (length(doubt) = 32),
    vulnerability TEXT NOT NULL,
    words TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_by BLOB NOT NULL REFERENCES accounts (id),
    decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX exposure_decisions_on ON exposure_decisions (doubt, id);
CREATE TRIGGER exposure_decisions_stay BEFORE UPDATE ON exposure_decisions
BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER exposure_decisions_remain BEFORE DELETE ON exposure_decisions
BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
