DROP TABLE drug_libraries;
ALTER TABLE assignments DROP COLUMN leaves_by;
ALTER TABLE assignments DROP COLUMN again_at;
