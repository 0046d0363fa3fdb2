-- Facilities in use and in need of repair (both feed the facility statistics), and the calendar feeds people subscribe to.

-- Somebody uses one unit of a facility. Units are numbered from 1 to the facility's quantity; a person uses one thing at a time.
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

-- reported → accepted (the facility is broken) → fixed (it is available again); rejected from either.
CREATE TABLE repair_reports (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  facility_id bigint NOT NULL REFERENCES facilities,
  user_id     bigint NOT NULL REFERENCES users,
  description text NOT NULL,
  status      text NOT NULL DEFAULT 'reported' CHECK (status IN ('reported', 'accepted', 'fixed', 'rejected')),
  -- What the last one who worked on it said.
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

-- Links to private calendar feeds name the generation they were made in; a reset moves it on and makes the old links void.
CREATE TABLE calendar_links (
  user_id    bigint PRIMARY KEY REFERENCES users,
  generation int NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL
);
