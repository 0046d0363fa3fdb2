import { defineConstraints } from '../kernel/database/constraints.ts'
import { Conflict } from '../kernel/errors.ts'

// What the constraints of the venue product's tables mean to people.
defineConstraints({
  sport_venues_name_key: () => new Conflict('name_taken', 'There already is a sport venue of that name.'),
  venues_name_key: () => new Conflict('name_taken', 'There already is a venue of that name in this place.'),
  facilities_name_key: () => new Conflict('name_taken', 'The venue already has a facility of that name.'),
  time_slots_overlap: () => new Conflict('slot_overlap', 'The venue already has a slot at that time.'),
  reservations_user_overlap: () => new Conflict('own_overlap', 'You already have a reservation at that time.'),
  use_sessions_one_per_user: () => new Conflict('already_using', 'You are using a facility already: stop that first.'),
  use_sessions_one_per_unit: () => new Conflict('all_in_use', 'Every unit of the facility is in use.'),
  waiting_list_one_entry: () => new Conflict('already_waiting', 'You are in this waiting list already.'),
})
