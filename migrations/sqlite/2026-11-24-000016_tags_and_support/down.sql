ALTER TABLE models DROP COLUMN support_until;
ALTER TABLE models DROP COLUMN full_support_until;
DROP TABLE pump_tags;
