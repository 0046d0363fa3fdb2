-- Deleting a venue left the waiting lists of its slots, and the offers that were out, as they were: nobody could end them any more.
UPDATE waiting_list w SET state = 'expired', offer_expires_at = NULL, updated_at = s.deleted_at
FROM time_slots s WHERE s.id = w.slot_id AND s.deleted_at IS NOT NULL AND w.state IN ('waiting', 'offered');
UPDATE time_slots SET held = 0 WHERE deleted_at IS NOT NULL AND held > 0;
