-- Venue: a company's gym and sports venues. Rules: docs/venue.md.
-- A sport venue has venues, a venue has time slots, a time slot has reservations.

-- Places ------------------------------------------------------------------------------------------

CREATE TABLE sport_venues (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL,
  type        text,
  location    text,
  description text,
  image_url   text,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  deleted_at  timestamptz
);
CREATE UNIQUE INDEX sport_venues_name_key ON sport_venues (lower(name)) WHERE deleted_at IS NULL;

CREATE TABLE venues (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sport_venue_id  bigint REFERENCES sport_venues,
  name            text NOT NULL,
  type            text,
  location        text,
  capacity        int NOT NULL CHECK (capacity BETWEEN 1 AND 100000),
  description     text,
  notice          text,
  image_url       text,
  -- Secret of the rotating check-in code that is shown at the door.
  check_in_secret text NOT NULL,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  deleted_at      timestamptz
);
CREATE UNIQUE INDEX venues_name_key ON venues (coalesce(sport_venue_id, 0), lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX venues_sport_venue ON venues (sport_venue_id);

CREATE TABLE facilities (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id    bigint NOT NULL REFERENCES venues,
  name        text NOT NULL,
  type        text,
  quantity    int NOT NULL DEFAULT 1 CHECK (quantity BETWEEN 0 AND 100000),
  status      text NOT NULL DEFAULT 'available' CHECK (status IN ('available', 'maintenance', 'broken')),
  description text,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  deleted_at  timestamptz
);
CREATE UNIQUE INDEX facilities_name_key ON facilities (venue_id, lower(name)) WHERE deleted_at IS NULL;

-- Weekly hours (weekday 1 = Monday) and dated exceptions. A venue without rows has those of its sport venue. Without
-- either it is always open.
CREATE TABLE opening_hours (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id       bigint REFERENCES venues,
  sport_venue_id bigint REFERENCES sport_venues,
  weekday        smallint CHECK (weekday BETWEEN 1 AND 7),
  date           date,
  -- Local times. An exception without times closes the place on that day. closes may be 24:00.
  opens          time,
  closes         time,
  reason         text,
  CHECK (num_nonnulls(venue_id, sport_venue_id) = 1),
  CHECK (num_nonnulls(weekday, date) = 1),
  CHECK (num_nonnulls(opens, closes) <> 1 AND (opens IS NOT NULL OR date IS NOT NULL)),
  CHECK (opens < closes)
);
CREATE INDEX opening_hours_venue ON opening_hours (venue_id);
CREATE INDEX opening_hours_sport_venue ON opening_hours (sport_venue_id);

-- Booking rules of a venue, of a sport venue, or of the system (both owners null). A null rule is taken from the next
-- of these.
CREATE TABLE booking_rules (
  id                         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id                   bigint UNIQUE REFERENCES venues,
  sport_venue_id             bigint UNIQUE REFERENCES sport_venues,
  max_reservations_per_user  int CHECK (max_reservations_per_user BETWEEN 0 AND 10000),
  "window"                   text CHECK ("window" IN ('active', 'day', 'week')),
  advance_booking_days       int CHECK (advance_booking_days BETWEEN 0 AND 3650),
  requires_approval          boolean,
  cancel_before_minutes      int CHECK (cancel_before_minutes BETWEEN 0 AND 100000),
  free_cancel_before_minutes int CHECK (free_cancel_before_minutes BETWEEN 0 AND 100000),
  min_credit                 int CHECK (min_credit BETWEEN 0 AND 100),
  check_in_before_minutes    int CHECK (check_in_before_minutes BETWEEN 0 AND 1440),
  check_in_after_minutes     int CHECK (check_in_after_minutes BETWEEN 0 AND 1440),
  check_in_code_required     boolean,
  allow_waiting_list         boolean,
  waiting_hold_minutes       int CHECK (waiting_hold_minutes BETWEEN 1 AND 10080),
  auto_promote               boolean,
  max_party_size             int CHECK (max_party_size BETWEEN 1 AND 1000),
  points_cost                int CHECK (points_cost BETWEEN 0 AND 1000000),
  displace_before_minutes    int CHECK (displace_before_minutes BETWEEN 0 AND 100000),
  updated_at                 timestamptz NOT NULL,
  CHECK (num_nonnulls(venue_id, sport_venue_id) <= 1)
);
CREATE UNIQUE INDEX booking_rules_system_key ON booking_rules ((true))
  WHERE venue_id IS NULL AND sport_venue_id IS NULL;

-- Times at which a venue, all venues of a sport venue, or a facility is out of use. The status of a venue is read from
-- here, so that a planned closure starts and ends by itself. end_at null: until further notice.
CREATE TABLE closures (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id       bigint REFERENCES venues,
  sport_venue_id bigint REFERENCES sport_venues,
  facility_id    bigint REFERENCES facilities,
  kind           text NOT NULL CHECK (kind IN ('closed', 'maintenance')),
  start_at       timestamptz NOT NULL,
  end_at         timestamptz,
  during         tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
  reason         text,
  cancelled_at   timestamptz,
  created_by     bigint REFERENCES users,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  CHECK (num_nonnulls(venue_id, sport_venue_id, facility_id) = 1),
  CHECK (start_at <= end_at)
);
CREATE INDEX closures_venue ON closures USING gist (venue_id, during) WHERE cancelled_at IS NULL;
CREATE INDEX closures_sport_venue ON closures USING gist (sport_venue_id, during) WHERE cancelled_at IS NULL;
CREATE INDEX closures_facility ON closures USING gist (facility_id, during) WHERE cancelled_at IS NULL;
CREATE INDEX closures_created_by ON closures (created_by);

-- Slots, reservations and waiting lists ------------------------------------------------------------

-- taken: places of reservations that are pending, confirmed, checked_in or completed. held: places offered to the
-- waiting list. Only movePlaces (src/venue/core) changes them.
CREATE TABLE time_slots (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id   bigint NOT NULL REFERENCES venues,
  start_at   timestamptz NOT NULL,
  end_at     timestamptz NOT NULL,
  during     tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
  capacity   int NOT NULL CHECK (capacity BETWEEN 1 AND 100000),
  taken      int NOT NULL DEFAULT 0 CHECK (taken >= 0),
  held       int NOT NULL DEFAULT 0 CHECK (held >= 0),
  -- False while a closure covers any part of it. The guarded booking checks this, so that nobody can book during a
  -- closure.
  open       boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CHECK (start_at < end_at),
  CONSTRAINT time_slots_places CHECK (taken + held <= capacity),
  CONSTRAINT time_slots_overlap EXCLUDE USING gist (venue_id WITH =, during WITH &&) WHERE (deleted_at IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX time_slots_calendar ON time_slots (venue_id, start_at) WHERE deleted_at IS NULL;
-- Not partial: statistics also count deleted slots, and would read the whole table without this index.
CREATE INDEX time_slots_start ON time_slots (start_at);

-- Data of the venue product about a person. Every write that adds a reservation names the revision that its decision
-- was based on and raises it, so that two bookings of one person can't be based on the same facts.
CREATE TABLE venue_members (
  user_id    bigint PRIMARY KEY REFERENCES users,
  revision   bigint NOT NULL DEFAULT 0,
  credit     int NOT NULL DEFAULT 100 CHECK (credit BETWEEN 0 AND 100),
  points     int NOT NULL DEFAULT 0 CHECK (points >= 0),
  created_at timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE reservations (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id        bigint NOT NULL REFERENCES venue_members,
  slot_id        bigint NOT NULL REFERENCES time_slots,
  -- Copied from the slot, with its times. No foreign key: every constraint here is checked for every booking.
  venue_id       bigint NOT NULL,
  start_at       timestamptz NOT NULL,
  end_at         timestamptz NOT NULL,
  during         tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
  party_size     int NOT NULL CHECK (party_size BETWEEN 1 AND 1000),
  status         text NOT NULL CHECK (status IN ('pending', 'confirmed', 'checked_in', 'completed', 'rejected',
                                                 'cancelled', 'no_show', 'displaced')),
  -- Booked with a leader's priority, so never displaced.
  by_leader      boolean NOT NULL,
  points_paid    int NOT NULL CHECK (points_paid >= 0),
  -- The weekly series it was booked in.
  series_id      uuid,
  checked_in_at  timestamptz,
  checked_out_at timestamptz,
  actual_minutes int,
  -- The person who ended it (null: the system), and the reason.
  ended_by       bigint REFERENCES users,
  end_reason     text,
  -- A displaced person may book again until then, for the same price.
  rebook_until   timestamptz,
  rebooked_as    bigint REFERENCES reservations,
  day_reminder   boolean NOT NULL DEFAULT false,
  hour_reminder  boolean NOT NULL DEFAULT false,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  CONSTRAINT reservations_user_overlap EXCLUDE USING gist (user_id WITH =, during WITH &&)
    WHERE (status IN ('pending', 'confirmed', 'checked_in'))
) WITH (fillfactor = 80);
-- Only indexes that queries need, because every booking maintains each of them. ended_by and rebooked_as have none,
-- because people and reservations are never deleted.
CREATE INDEX reservations_slot ON reservations (slot_id);
CREATE INDEX reservations_user ON reservations (user_id, start_at);
CREATE INDEX reservations_venue ON reservations (venue_id, start_at);
CREATE INDEX reservations_active ON reservations (start_at) WHERE status IN ('pending', 'confirmed', 'checked_in');

CREATE TABLE points_ledger (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id        bigint NOT NULL REFERENCES venue_members,
  delta          int NOT NULL CHECK (delta <> 0),
  balance        int NOT NULL CHECK (balance >= 0),
  reason         text NOT NULL CHECK (reason IN ('grant', 'adjustment', 'booking', 'refund', 'expiry')),
  note           text,
  reservation_id bigint REFERENCES reservations,
  created_by     bigint REFERENCES users,
  created_at     timestamptz NOT NULL
);
CREATE INDEX points_ledger_user ON points_ledger (user_id, id);
CREATE INDEX points_ledger_reservation ON points_ledger (reservation_id);
CREATE INDEX points_ledger_created_by ON points_ledger (created_by);

CREATE TABLE credit_ledger (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id        bigint NOT NULL REFERENCES venue_members,
  delta          int NOT NULL CHECK (delta <> 0),
  score          int NOT NULL CHECK (score BETWEEN 0 AND 100),
  -- no_show_undone: staff checked the person in after the no-show was noted, so its credit comes back.
  reason         text NOT NULL CHECK (reason IN ('no_show', 'no_show_undone', 'late_cancel', 'kept', 'adjustment')),
  note           text,
  reservation_id bigint REFERENCES reservations,
  created_by     bigint REFERENCES users,
  created_at     timestamptz NOT NULL
);
CREATE INDEX credit_ledger_user ON credit_ledger (user_id, id);
CREATE INDEX credit_ledger_reservation ON credit_ledger (reservation_id);
CREATE INDEX credit_ledger_created_by ON credit_ledger (created_by);

-- First come, first served in each slot: by priority (displaced people come first), then by id.
CREATE TABLE waiting_list (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  slot_id          bigint NOT NULL REFERENCES time_slots,
  user_id          bigint NOT NULL REFERENCES venue_members,
  party_size       int NOT NULL CHECK (party_size BETWEEN 1 AND 1000),
  priority         int NOT NULL DEFAULT 0,
  state            text NOT NULL CHECK (state IN ('waiting', 'offered', 'booked', 'lapsed', 'left', 'expired')),
  offer_expires_at timestamptz,
  reservation_id   bigint REFERENCES reservations,
  created_at       timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  CHECK ((state = 'offered') = (offer_expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX waiting_list_one_entry ON waiting_list (slot_id, user_id) WHERE state IN ('waiting', 'offered');
CREATE INDEX waiting_list_queue ON waiting_list (slot_id, priority DESC, id) WHERE state IN ('waiting', 'offered');
CREATE INDEX waiting_list_offers ON waiting_list (offer_expires_at) WHERE state = 'offered';
CREATE INDEX waiting_list_user ON waiting_list (user_id, id);
CREATE INDEX waiting_list_slot ON waiting_list (slot_id);
CREATE INDEX waiting_list_reservation ON waiting_list (reservation_id);

CREATE TABLE ratings (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  reservation_id bigint NOT NULL UNIQUE REFERENCES reservations,
  user_id        bigint NOT NULL REFERENCES users,
  venue_id       bigint NOT NULL REFERENCES venues,
  score          smallint NOT NULL CHECK (score BETWEEN 1 AND 5),
  comment        text,
  hidden_reason  text,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL
);
CREATE INDEX ratings_venue ON ratings (venue_id, id) INCLUDE (score);
CREATE INDEX ratings_user ON ratings (user_id);

-- Facilities: use and repairs ---------------------------------------------------------------------
-- Both are counted in the facility statistics.

-- The use of one unit of a facility by a person. Units are numbered from 1 to the facility's quantity. A person uses
-- one unit at a time.
CREATE TABLE use_sessions (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility_id bigint NOT NULL REFERENCES facilities,
  user_id     bigint NOT NULL REFERENCES users,
  unit        int NOT NULL CHECK (unit >= 1),
  started_at  timestamptz NOT NULL,
  stopped_at  timestamptz,
  CHECK (started_at <= stopped_at)
);
CREATE UNIQUE INDEX use_sessions_one_per_user ON use_sessions (user_id) WHERE stopped_at IS NULL;
CREATE UNIQUE INDEX use_sessions_one_per_unit ON use_sessions (facility_id, unit) WHERE stopped_at IS NULL;
CREATE INDEX use_sessions_facility ON use_sessions (facility_id, started_at);
CREATE INDEX use_sessions_user ON use_sessions (user_id, id);

-- reported → accepted (the facility is broken) → fixed (it is available again). A report can be rejected from reported
-- and from accepted.
CREATE TABLE repair_reports (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility_id bigint NOT NULL REFERENCES facilities,
  user_id     bigint NOT NULL REFERENCES users,
  description text NOT NULL,
  status      text NOT NULL DEFAULT 'reported' CHECK (status IN ('reported', 'accepted', 'fixed', 'rejected')),
  -- The note of the last person who worked on it.
  note        text,
  handled_by  bigint REFERENCES users,
  accepted_at timestamptz,
  closed_at   timestamptz,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  CHECK ((status IN ('fixed', 'rejected')) = (closed_at IS NOT NULL))
);
CREATE INDEX repair_reports_facility ON repair_reports (facility_id, created_at);
CREATE INDEX repair_reports_user ON repair_reports (user_id, id);
CREATE INDEX repair_reports_open ON repair_reports (status, id) WHERE status IN ('reported', 'accepted');
CREATE INDEX repair_reports_handled_by ON repair_reports (handled_by);

-- Feedback of the support part may be about a venue.
ALTER TABLE feedback ADD FOREIGN KEY (venue_id) REFERENCES venues;
