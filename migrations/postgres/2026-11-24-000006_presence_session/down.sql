ALTER TABLE presence DROP COLUMN session;
