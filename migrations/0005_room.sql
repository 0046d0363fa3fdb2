-- Room: the function rooms of a campus. Rules: docs/room.md.
-- Tables and columns have the names of the product's published document. Some are added: the range of a booking,
-- revisions, series, closures, approvers, captchas.
-- create_by and update_by are user ids. del_flag is '0', or '2' for deleted rows.

CREATE TABLE tb_facility_building (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  building_name text NOT NULL,
  -- 0 in use, 1 out of use
  status        text NOT NULL DEFAULT '0' CHECK (status IN ('0', '1')),
  remark        text,
  create_by     bigint REFERENCES users,
  create_time   timestamptz NOT NULL,
  update_by     bigint REFERENCES users,
  update_time   timestamptz,
  del_flag      text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2'))
);
CREATE UNIQUE INDEX tb_facility_building_name_key ON tb_facility_building (building_name) WHERE del_flag = '0';

CREATE TABLE tb_facility_room (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  building_id    bigint NOT NULL REFERENCES tb_facility_building,
  -- Negative for floors below the ground.
  floor_no       int NOT NULL,
  room_name      text NOT NULL,
  capacity       int NOT NULL CHECK (capacity > 0),
  -- Separated by commas.
  equipment_tags text,
  -- 0 in use, 1 out of use
  status         text NOT NULL DEFAULT '0' CHECK (status IN ('0', '1')),
  -- [{weekday, opens, closes}]. Null: always open.
  open_hours     jsonb,
  -- Counts the changes that may forbid a booking (status, hours, capacity, closures, building). A booking is decided on
  -- one revision and written only if that is still the current one.
  revision       int NOT NULL DEFAULT 1,
  create_by      bigint REFERENCES users,
  create_time    timestamptz NOT NULL,
  update_by      bigint REFERENCES users,
  update_time    timestamptz,
  del_flag       text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2'))
);
CREATE UNIQUE INDEX tb_facility_room_name_key ON tb_facility_room (building_id, floor_no, room_name)
  WHERE del_flag = '0';

CREATE TABLE tb_facility_booking (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  room_id          bigint NOT NULL REFERENCES tb_facility_room,
  applicant_id     bigint NOT NULL REFERENCES users,
  purpose          text NOT NULL,
  start_time       timestamptz NOT NULL,
  end_time         timestamptz NOT NULL,
  duration_minutes int NOT NULL
    GENERATED ALWAYS AS (floor(extract(epoch FROM end_time - start_time) / 60)::int) STORED,
  during           tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_time, end_time, '[)')) STORED,
  -- 0 pending, 1 approved, 2 rejected, 3 cancelled, 4 ongoing, 5 completed
  status           text NOT NULL CHECK (status IN ('0', '1', '2', '3', '4', '5')),
  -- Time of the next change of status by the clock: it begins, is rejected as undecided, or ends.
  due_time         timestamptz GENERATED ALWAYS AS (
    CASE WHEN status IN ('0', '1') THEN start_time WHEN status = '4' THEN end_time END) STORED,
  reject_reason    text,
  -- The person who cancelled it, if that was not the applicant, and the reason.
  cancelled_by     bigint REFERENCES users,
  cancel_reason    text,
  -- Time at which staff noted a no-show.
  no_show_at       timestamptz,
  series_id        uuid,
  -- No foreign key: it would cost every booking one more look-up, and the person was already looked up as applicant or
  -- as staff.
  create_by        bigint,
  create_time      timestamptz NOT NULL,
  update_by        bigint REFERENCES users,
  update_time      timestamptz,
  del_flag         text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2')),
  CHECK (end_time >= start_time),
  -- With a greatest length, the bookings of a span of time are found by their start alone.
  CONSTRAINT tb_facility_booking_length CHECK (end_time - start_time <= interval '168 hours'),
  CONSTRAINT tb_facility_booking_overlap EXCLUDE USING gist (room_id WITH =, during WITH &&)
    WHERE (status IN ('0', '1', '4'))
);
CREATE INDEX tb_facility_booking_room ON tb_facility_booking (room_id, start_time);
CREATE INDEX tb_facility_booking_applicant ON tb_facility_booking (applicant_id, start_time DESC, id DESC)
  WHERE del_flag = '0';
CREATE INDEX tb_facility_booking_start ON tb_facility_booking (start_time);
-- This index does not grow with old rows. It is on due_time and not on a set of states: while few bookings have those
-- states, the planner would read all of such an index for the times of one room, and keep that plan when there are
-- many.
CREATE INDEX tb_facility_booking_due ON tb_facility_booking (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX tb_facility_booking_series ON tb_facility_booking (series_id) WHERE series_id IS NOT NULL;

CREATE TABLE tb_facility_booking_user (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  booking_id   bigint NOT NULL REFERENCES tb_facility_booking,
  user_id      bigint NOT NULL REFERENCES users,
  -- 1 for the applicant
  is_applicant text NOT NULL DEFAULT '0' CHECK (is_applicant IN ('0', '1')),
  -- The end of the booking, or later if it was ended early. The index finds a person's bookings at a time without
  -- reading the person's other bookings.
  ends_by      timestamptz NOT NULL,
  create_by    bigint,
  create_time  timestamptz NOT NULL,
  update_by    bigint,
  update_time  timestamptz,
  del_flag     text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2')),
  CONSTRAINT tb_facility_booking_user_key UNIQUE (booking_id, user_id)
);
CREATE INDEX tb_facility_booking_user_user ON tb_facility_booking_user (user_id, ends_by);

-- A single row.
CREATE TABLE tb_facility_setting (
  id                   bigint PRIMARY KEY CHECK (id = 1),
  audit_required       boolean NOT NULL DEFAULT true,
  max_duration_minutes int NOT NULL DEFAULT 4320 CHECK (max_duration_minutes BETWEEN 5 AND 10080),
  advance_days         int NOT NULL DEFAULT 30 CHECK (advance_days BETWEEN 1 AND 366),
  grid_minutes         int NOT NULL DEFAULT 5 CHECK (grid_minutes BETWEEN 1 AND 60),
  -- If a participant has another booking at that time: warn names it in the answer, refuse refuses the booking, allow
  -- ignores it.
  participant_overlap  text NOT NULL DEFAULT 'warn' CHECK (participant_overlap IN ('warn', 'refuse', 'allow')),
  create_by            bigint REFERENCES users,
  create_time          timestamptz NOT NULL,
  update_by            bigint REFERENCES users,
  update_time          timestamptz,
  del_flag             text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2'))
);
INSERT INTO tb_facility_setting (id, create_time) VALUES (1, '2025-11-07T00:00:00+08:00');

CREATE TABLE tb_facility_ban (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id       bigint NOT NULL REFERENCES users,
  reason        text NOT NULL,
  -- 0 in force, 1 ended (lifted; an expired ban counts as ended too), 2 proposed after no-shows, waits for an
  -- administrator
  status        text NOT NULL DEFAULT '0' CHECK (status IN ('0', '1', '2')),
  -- Null: it never expires.
  expire_time   timestamptz,
  -- True if it cancels the person's future bookings, also one that is made at the same moment.
  cancel_future boolean NOT NULL DEFAULT false,
  create_by     bigint REFERENCES users,
  create_time   timestamptz NOT NULL,
  update_by     bigint REFERENCES users,
  update_time   timestamptz,
  del_flag      text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2'))
);
-- A person has at most one ban in force and one proposal.
CREATE UNIQUE INDEX tb_facility_ban_one ON tb_facility_ban (user_id, status) WHERE status <> '1' AND del_flag = '0';
CREATE INDEX tb_facility_ban_user ON tb_facility_ban (user_id, id);

-- Times at which a room, or all rooms of a building, can't be booked.
CREATE TABLE tb_facility_closure (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  building_id bigint REFERENCES tb_facility_building,
  room_id     bigint REFERENCES tb_facility_room,
  start_time  timestamptz NOT NULL,
  end_time    timestamptz NOT NULL,
  during      tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_time, end_time, '[)')) STORED,
  reason      text NOT NULL,
  create_by   bigint REFERENCES users,
  create_time timestamptz NOT NULL,
  update_by   bigint REFERENCES users,
  update_time timestamptz,
  del_flag    text NOT NULL DEFAULT '0' CHECK (del_flag IN ('0', '2')),
  CHECK (num_nonnulls(building_id, room_id) = 1),
  CHECK (start_time < end_time)
);
CREATE INDEX tb_facility_closure_room ON tb_facility_closure USING gist (room_id, during) WHERE del_flag = '0';
CREATE INDEX tb_facility_closure_building ON tb_facility_closure USING gist (building_id, during) WHERE del_flag = '0';

-- Buildings of student workers: they decide only about bookings there. Those without a row decide about all bookings.
CREATE TABLE tb_facility_approver (
  user_id     bigint NOT NULL REFERENCES users,
  building_id bigint NOT NULL REFERENCES tb_facility_building,
  create_by   bigint REFERENCES users,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (user_id, building_id)
);
CREATE INDEX tb_facility_approver_building ON tb_facility_approver (building_id);

-- Captchas that were shown at log-in, with a keyed hash of the letters. A row is deleted when it is tried, right or
-- wrong.
CREATE TABLE captchas (
  id         uuid PRIMARY KEY,
  code_hash  bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX captchas_expiry ON captchas (expires_at);
