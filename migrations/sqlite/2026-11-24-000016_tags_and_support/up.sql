-- The hospital's tags on its pumps; and until when a manufacturer supports a model: the last days, as YYYY-MM-DD.

CREATE TABLE pump_tags (
    pump BLOB NOT NULL REFERENCES pumps (id),
    tag TEXT NOT NULL,
    PRIMARY KEY (pump, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX pump_tags_by_tag ON pump_tags (tag);

ALTER TABLE models ADD COLUMN full_support_until TEXT;
ALTER TABLE models ADD COLUMN support_until TEXT;
