-- Which connection of a pump the row is about. Connections of one gateway process are numbered, later is larger; a start
-- sets all numbers back to 0. Of two changes the later connection counts, whatever the clock said.

ALTER TABLE presence ADD COLUMN session INTEGER NOT NULL DEFAULT 0;
