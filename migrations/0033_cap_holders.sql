-- Which message holds each place under a frequency cap, in the order of `taken`: by several channels a message takes one place. Null, or missing at
-- the end, where nobody asks.
ALTER TABLE notification_pace ADD COLUMN holders bigint[] NOT NULL DEFAULT '{}';
