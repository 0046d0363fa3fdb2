import { defineConstraints } from '../kernel/database/constraints.ts'
import { Conflict } from '../kernel/errors.ts'

// Errors for violated constraints of the venue product's tables.
defineConstraints({
  sport_venues_name_key: () => new Conflict('name_taken', 'There already is a sport venue with that name.'),
  venues_name_key: () => new Conflict('name_taken', 'There already is a venue with that name in this sport venue.'),
  facilities_name_key: () => new Conflict('name_taken', 'The venue already has a facility with that name.'),
  time_slots_overlap: () => new Conflict('slot_overlap', 'The venue already has a slot at that time.'),
  reservations_user_overlap: () => new Conflict('own_overlap', 'You already have a reservation at that time.'),
  use_sessions_one_per_user: () => new Conflict('already_using', 'You are already using a facility: stop that first.'),
  use_sessions_one_per_unit: () => new Conflict('all_in_use', 'Every unit of the facility is in use.'),
  waiting_list_one_entry: () => new Conflict('already_waiting', 'You are already on this waiting list.'),
})
