-- Pumps that are tried again or taken out, and the drug libraries that the hospital approved.

ALTER TABLE assignments ADD COLUMN again_at timestamptz;
ALTER TABLE assignments ADD COLUMN leaves_by uuid REFERENCES accounts (id);

-- What is approved for a model is what the newest row says; a row without a library says that none is.
CREATE TABLE drug_libraries (
    id uuid PRIMARY KEY NOT NULL,
    model uuid NOT NULL REFERENCES models (id),
    name text COLLATE "C",
    version text COLLATE "C",
    sha256 bytea CHECK (length(sha256) = 32),
    said_by uuid NOT NULL REFERENCES accounts (id),
    said_at timestamptz NOT NULL,
    reason text COLLATE "C" NOT NULL,
    CHECK ((name IS NULL) = (sha256 IS NULL) AND (version IS NULL) = (sha256 IS NULL))
);
CREATE INDEX drug_libraries_of_model ON drug_libraries (model, id);
CREATE TRIGGER drug_libraries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON drug_libraries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
