-- Pumps that are tried again or taken out, and the drug libraries that the hospital approved.

ALTER TABLE assignments ADD COLUMN again_at INTEGER;
ALTER TABLE assignments ADD COLUMN leaves_by BLOB REFERENCES accounts (id);

-- What is approved for a model is what the newest row says; a row without a library says that none is.
CREATE TABLE drug_libraries (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    model BLOB NOT NULL REFERENCES models (id),
    name TEXT,
    version TEXT,
    sha256 BLOB CHECK (length(sha256) = 32),
    said_by BLOB NOT NULL REFERENCES accounts (id),
    said_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    CHECK ((name IS NULL) = (sha256 IS NULL) AND (version IS NULL) = (sha256 IS NULL))
) STRICT;
CREATE INDEX drug_libraries_of_model ON drug_libraries (model, id);
CREATE TRIGGER drug_libraries_stay BEFORE UPDATE ON drug_libraries
BEGIN SELECT RAISE(ABORT, 'approvals of drug libraries are never changed'); END;
CREATE TRIGGER drug_libraries_remain BEFORE DELETE ON drug_libraries
BEGIN SELECT RAISE(ABORT, 'approvals of drug libraries are never deleted'); END;
