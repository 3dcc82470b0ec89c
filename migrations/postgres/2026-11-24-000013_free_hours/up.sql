-- When pumps are usually free, one row for each; and which pumps joined a rollout that was under way.

CREATE TABLE free_hours (
    pump uuid PRIMARY KEY NOT NULL REFERENCES pumps (id),
    hours bytea NOT NULL CHECK (octet_length(hours) = 344)
);

ALTER TABLE assignments ADD COLUMN joined_at timestamptz;
