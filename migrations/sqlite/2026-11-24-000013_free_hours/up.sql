-- When pumps are usually free, one row for each; and which pumps joined a rollout that was under way.

CREATE TABLE free_hours (
    pump BLOB PRIMARY KEY NOT NULL REFERENCES pumps (id),
    hours BLOB NOT NULL CHECK (length(hours) = 344)
) STRICT;

ALTER TABLE assignments ADD COLUMN joined_at INTEGER;
