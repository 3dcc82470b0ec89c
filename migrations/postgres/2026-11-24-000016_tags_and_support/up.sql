-- The hospital's tags on its pumps; and until when a manufacturer supports a model: the last days, as YYYY-MM-DD.

CREATE TABLE pump_tags (
    pump uuid NOT NULL REFERENCES pumps (id),
    tag text COLLATE "C" NOT NULL,
    PRIMARY KEY (pump, tag)
);
CREATE INDEX pump_tags_by_tag ON pump_tags (tag);

ALTER TABLE models ADD COLUMN full_support_until text COLLATE "C";
ALTER TABLE models ADD COLUMN support_until text COLLATE "C";
