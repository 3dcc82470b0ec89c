ALTER TABLE assignments DROP COLUMN joined_at;
DROP TABLE free_hours;
