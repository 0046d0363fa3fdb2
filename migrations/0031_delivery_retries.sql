-- Deliveries that can't be made: how long they have been tried, and what must not be repeated.

-- Claims of which no result was recorded, the one in hand included: more than a few, and the message is given up instead of leaving again and again.
ALTER TABLE deliveries ADD COLUMN open_claims int NOT NULL DEFAULT 0;
-- It was handed over and nobody answered: it may have arrived, so it is handed over once more at most.
ALTER TABLE deliveries ADD COLUMN unheard boolean NOT NULL DEFAULT false;
-- Since when it could not be made; given up when that is too long ago.
ALTER TABLE deliveries ADD COLUMN failing_since timestamptz;
