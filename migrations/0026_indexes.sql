-- No query looks deliveries up by their type alone.
DROP INDEX deliveries_type;

-- Statistics also count places in slots that were deleted after people had them: with an index of the others alone they read all slots there ever were.
DROP INDEX time_slots_start;
CREATE INDEX time_slots_start ON time_slots (start_at);
