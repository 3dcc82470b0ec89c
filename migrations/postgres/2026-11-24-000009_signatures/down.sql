ALTER TABLE pumps DROP COLUMN content_version;
DROP TABLE signatures;
