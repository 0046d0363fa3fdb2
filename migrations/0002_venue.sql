-- Venue: a company's gym and sports venues. Rules: docs/venue.md; words: sport venue 1–n venue 1–n slot 1–n reservation.

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
  -- Key of the rotating check-in code shown at the door.
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

-- Weekly hours (weekday 1 = Monday) and dated exceptions of a venue, else of its sport venue; none at all: always open.
CREATE TABLE opening_hours (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id       bigint REFERENCES venues,
  sport_venue_id bigint REFERENCES sport_venues,
  weekday        smallint CHECK (weekday BETWEEN 1 AND 7),
  date           date,
  -- Local times; an exception without them is a day on which the place is shut. closes may be 24:00.
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

-- Booking rules of a venue, of a sport venue, or of the system (both owners null). NULL: not set here, ask the next.
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
CREATE UNIQUE INDEX booking_rules_system_key ON booking_rules ((true)) WHERE venue_id IS NULL AND sport_venue_id IS NULL;

-- A time for which a venue, all venues of a sport venue, or a facility is out of use. The status of a venue at an
-- instant is read from here, so that a plan that lies ahead starts and ends by itself. end_at null: until further notice.
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

-- taken: places of reservations that are pending, confirmed, checked_in or completed; held: places offered to the
-- waiting list. Both are moved by venue/reservations/store.ts movePlaces alone.
CREATE TABLE time_slots (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  venue_id   bigint NOT NULL REFERENCES venues,
  start_at   timestamptz NOT NULL,
  end_at     timestamptz NOT NULL,
  during     tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
  capacity   int NOT NULL CHECK (capacity BETWEEN 1 AND 100000),
  taken      int NOT NULL DEFAULT 0 CHECK (taken >= 0),
  held       int NOT NULL DEFAULT 0 CHECK (held >= 0),
  -- False while a closure covers any of it: the guarded booking looks here, so that nobody books past a closure.
  open       boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz,
  CHECK (start_at < end_at),
  CONSTRAINT time_slots_places CHECK (taken + held <= capacity),
  CONSTRAINT time_slots_overlap EXCLUDE USING gist (venue_id WITH =, during WITH &&) WHERE (deleted_at IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX time_slots_calendar ON time_slots (venue_id, start_at) WHERE deleted_at IS NULL;
CREATE INDEX time_slots_start ON time_slots (start_at) WHERE deleted_at IS NULL;

-- What the venue product knows of a person. Every write that adds to a person's reservations names the revision that
-- its decision was made on and moves it on, so that two bookings of one person can't both rest on the same facts.
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
  -- The slot's, copied with its times: no constraint of its own, every constraint here is looked at for every booking.
  venue_id       bigint NOT NULL,
  start_at       timestamptz NOT NULL,
  end_at         timestamptz NOT NULL,
  during         tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
  party_size     int NOT NULL CHECK (party_size BETWEEN 1 AND 1000),
  status         text NOT NULL CHECK (status IN ('pending', 'confirmed', 'checked_in', 'completed', 'rejected', 'cancelled',
                                                 'no_show', 'displaced')),
  -- Booked with a leader's priority: never displaced.
  by_leader      boolean NOT NULL,
  points_paid    int NOT NULL CHECK (points_paid >= 0),
  -- The weekly series it was booked in.
  series_id      uuid,
  checked_in_at  timestamptz,
  checked_out_at timestamptz,
  actual_minutes int,
  -- Who ended it (null: the system) and why.
  ended_by       bigint REFERENCES users,
  end_reason     text,
  -- A displaced reservation may be booked again until then, for what it had cost.
  rebook_until   timestamptz,
  rebooked_as    bigint REFERENCES reservations,
  day_reminder   boolean NOT NULL DEFAULT false,
  hour_reminder  boolean NOT NULL DEFAULT false,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  CONSTRAINT reservations_user_overlap EXCLUDE USING gist (user_id WITH =, during WITH &&)
    WHERE (status IN ('pending', 'confirmed', 'checked_in'))
) WITH (fillfactor = 80);
-- No more indexes than the queries need: each is opened and kept up by every booking. ended_by and rebooked_as have none, as neither people nor
-- reservations are ever deleted.
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
  reason         text NOT NULL CHECK (reason IN ('no_show', 'late_cancel', 'kept', 'adjustment')),
  note           text,
  reservation_id bigint REFERENCES reservations,
  created_by     bigint REFERENCES users,
  created_at     timestamptz NOT NULL
);
CREATE INDEX credit_ledger_user ON credit_ledger (user_id, id);
CREATE INDEX credit_ledger_reservation ON credit_ledger (reservation_id);
CREATE INDEX credit_ledger_created_by ON credit_ledger (created_by);

-- First come first served, by slot: priority (a displaced person stands first), then id.
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
