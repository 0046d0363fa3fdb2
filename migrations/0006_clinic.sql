-- Clinic: the registration of a hospital. Rules: docs/clinic.md.
-- Tables and columns have the names of the product's published document. Some are added: revisions, the ledger,
-- payments, reviews, visits. Amounts are in fen (1/100 yuan). Dates and sections are local; a section's times follow
-- from the configuration. deleted_at: the row is kept for the history of orders.

-- Places -----------------------------------------------------------------------------------------

CREATE TABLE hospital_area (
  area_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name          text NOT NULL,
  destination   text,
  latitude      double precision CHECK (latitude BETWEEN -90 AND 90),
  longitude     double precision CHECK (longitude BETWEEN -180 AND 180),
  image_file_id bigint REFERENCES files,
  create_time   timestamptz NOT NULL,
  deleted_at    timestamptz
);
CREATE UNIQUE INDEX hospital_area_name_key ON hospital_area (name) WHERE deleted_at IS NULL;
CREATE INDEX hospital_area_image ON hospital_area (image_file_id) WHERE image_file_id IS NOT NULL;

CREATE TABLE major_department (
  major_dept_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name          text NOT NULL,
  description   text,
  create_time   timestamptz NOT NULL,
  deleted_at    timestamptz
);
CREATE UNIQUE INDEX major_department_name_key ON major_department (name) WHERE deleted_at IS NULL;

CREATE TABLE minor_department (
  minor_dept_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  major_dept_id bigint NOT NULL REFERENCES major_department,
  name          text NOT NULL,
  description   text,
  -- Pinyin initials of the name, for searching.
  initials      text NOT NULL DEFAULT '',
  create_time   timestamptz NOT NULL,
  deleted_at    timestamptz
);
CREATE UNIQUE INDEX minor_department_name_key ON minor_department (name) WHERE deleted_at IS NULL;
CREATE INDEX minor_department_major ON minor_department (major_dept_id);

CREATE TABLE clinic (
  clinic_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  area_id       bigint NOT NULL REFERENCES hospital_area,
  minor_dept_id bigint NOT NULL REFERENCES minor_department,
  name          text NOT NULL,
  address       text,
  -- 0 general, 1 expert (国疗), 2 special
  clinic_type   int NOT NULL DEFAULT 0 CHECK (clinic_type IN (0, 1, 2)),
  create_time   timestamptz NOT NULL,
  deleted_at    timestamptz
);
CREATE UNIQUE INDEX clinic_name_key ON clinic (minor_dept_id, name) WHERE deleted_at IS NULL;
CREATE INDEX clinic_area ON clinic (area_id);

CREATE TABLE doctor (
  doctor_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id            bigint REFERENCES users,
  dept_id            bigint NOT NULL REFERENCES minor_department,
  name               text NOT NULL,
  title              text,
  specialty          text,
  introduction       text,
  photo_file_id      bigint REFERENCES files,
  original_photo_url text,
  is_department_head boolean NOT NULL DEFAULT false,
  initials           text NOT NULL DEFAULT '',
  create_time        timestamptz NOT NULL,
  deleted_at         timestamptz
);
CREATE UNIQUE INDEX doctor_user_key ON doctor (user_id) WHERE deleted_at IS NULL;
CREATE INDEX doctor_dept ON doctor (dept_id);
CREATE INDEX doctor_photo ON doctor (photo_file_id) WHERE photo_file_id IS NOT NULL;
CREATE INDEX doctor_search ON doctor USING gin (name gin_trgm_ops, specialty gin_trgm_ops, initials gin_trgm_ops);

-- Configuration by scope: prices of a doctor, clinic, department or the whole hospital, and the rules of registration.
CREATE TABLE system_config (
  config_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  config_key   text NOT NULL,
  scope_type   text NOT NULL CHECK (scope_type IN ('GLOBAL', 'MINOR_DEPT', 'CLINIC', 'DOCTOR')),
  -- 0 for GLOBAL
  scope_id     bigint NOT NULL DEFAULT 0,
  config_value jsonb NOT NULL,
  create_time  timestamptz NOT NULL,
  update_time  timestamptz NOT NULL,
  CONSTRAINT system_config_key UNIQUE (scope_type, scope_id, config_key),
  CHECK ((scope_type = 'GLOBAL') = (scope_id = 0))
);

-- People -----------------------------------------------------------------------------------------

CREATE TABLE patient (
  patient_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Null for a patient without an account, for whom relatives register.
  user_id           bigint REFERENCES users,
  name              text NOT NULL,
  gender            text NOT NULL DEFAULT '未知' CHECK (gender IN ('男', '女', '未知')),
  birth_date        date,
  patient_type      text NOT NULL DEFAULT '校外' CHECK (patient_type IN ('学生', '教师', '职工', '校外')),
  -- True once the campus or the desk has confirmed the patient type.
  is_verified       boolean NOT NULL DEFAULT false,
  -- Student or staff number.
  identifier        text,
  -- Encrypted by AES-256-GCM, with keyed hashes for look-up. The phone is that of a patient without an account.
  phone_encrypted   text,
  phone_index       text,
  id_card_encrypted text,
  id_card_index     text,
  height            int CHECK (height BETWEEN 20 AND 260),
  address           text,
  past_history      text[] NOT NULL DEFAULT '{}',
  allergy_history   text[] NOT NULL DEFAULT '{}',
  family_history    text[] NOT NULL DEFAULT '{}',
  -- Counts the changes that may forbid a registration. An order is decided on one revision and written only if that is
  -- still the current one.
  revision          int NOT NULL DEFAULT 0,
  create_time       timestamptz NOT NULL,
  deleted_at        timestamptz,
  CHECK ((id_card_encrypted IS NULL) = (id_card_index IS NULL)),
  CHECK ((phone_encrypted IS NULL) = (phone_index IS NULL))
);
CREATE UNIQUE INDEX patient_user_key ON patient (user_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX patient_id_card_key ON patient (id_card_index) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX patient_identifier_key ON patient (identifier) WHERE deleted_at IS NULL;
CREATE INDEX patient_phone ON patient (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX patient_name ON patient USING gin (name gin_trgm_ops);

-- Patients for whom a user may register.
CREATE TABLE patient_relation (
  relation_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id            bigint NOT NULL REFERENCES users,
  related_patient_id bigint NOT NULL REFERENCES patient,
  relation_type      text NOT NULL DEFAULT '其他',
  is_default         boolean NOT NULL DEFAULT false,
  -- The user has entered this patient. A patient who was known already was only linked, by the id card.
  is_keeper          boolean NOT NULL DEFAULT false,
  remark             text,
  create_time        timestamptz NOT NULL,
  update_time        timestamptz NOT NULL,
  CONSTRAINT patient_relation_key UNIQUE (user_id, related_patient_id)
);
CREATE UNIQUE INDEX patient_relation_default ON patient_relation (user_id) WHERE is_default;
CREATE INDEX patient_relation_patient ON patient_relation (related_patient_id);

-- Proofs of ownership of a phone number or e-mail address, by a code or a link that was sent there. The code is not
-- stored: it follows from the row's salt by a keyed hash. Each code and link is used once.
CREATE TABLE clinic_contact_proof (
  proof_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- sms and email: by a code. link: an address by a link.
  channel     text NOT NULL CHECK (channel IN ('sms', 'email', 'link')),
  -- Keyed hash of the number or address.
  contact     text NOT NULL,
  user_id     bigint REFERENCES users,
  salt        text NOT NULL,
  tries       int NOT NULL DEFAULT 0,
  create_time timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  proved_at   timestamptz,
  used_at     timestamptz
);
CREATE INDEX clinic_contact_proof_contact ON clinic_contact_proof (channel, contact, proof_id DESC);
CREATE INDEX clinic_contact_proof_user ON clinic_contact_proof (user_id);
CREATE INDEX clinic_contact_proof_expiry ON clinic_contact_proof (expires_at);

-- Tries to confirm an identity at the campus system, which are bounded for each account and each number.
CREATE TABLE clinic_identity_try (
  try_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id          bigint NOT NULL REFERENCES users,
  -- Keyed hash of the student or staff number.
  identifier_index text NOT NULL,
  create_time      timestamptz NOT NULL
);
CREATE INDEX clinic_identity_try_user ON clinic_identity_try (user_id, create_time);
CREATE INDEX clinic_identity_try_identifier ON clinic_identity_try (identifier_index, create_time);

-- Bans against scalpers: from registering for visits, from logging in here, or from both.
CREATE TABLE user_ban (
  ban_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  ban_type     text NOT NULL CHECK (ban_type IN ('register', 'login', 'all')),
  -- Null: for ever.
  ban_until    timestamptz,
  is_active    boolean NOT NULL DEFAULT true,
  reason       text NOT NULL,
  banned_by    bigint REFERENCES users,
  create_time  timestamptz NOT NULL,
  unban_time   timestamptz,
  unban_reason text,
  unbanned_by  bigint REFERENCES users
);
CREATE UNIQUE INDEX user_ban_one ON user_ban (user_id) WHERE is_active;
CREATE INDEX user_ban_user ON user_ban (user_id);

-- Schedules and orders ---------------------------------------------------------------------------

CREATE TABLE schedule (
  schedule_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  doctor_id       bigint NOT NULL REFERENCES doctor,
  clinic_id       bigint NOT NULL REFERENCES clinic,
  -- The department of the clinic.
  minor_dept_id   bigint NOT NULL REFERENCES minor_department,
  date            date NOT NULL,
  week_day        int NOT NULL GENERATED ALWAYS AS (extract(isodow FROM date)::int) STORED,
  time_section    text NOT NULL CHECK (time_section IN ('上午', '下午', '晚上')),
  slot_type       text NOT NULL CHECK (slot_type IN ('普通', '专家', '特需')),
  total_slots     int NOT NULL CHECK (total_slots BETWEEN 0 AND 1000),
  remaining_slots int NOT NULL,
  -- The highest number that was given out, and those below it that were given back, in their order.
  last_no         int NOT NULL DEFAULT 0,
  free_nos        int[] NOT NULL DEFAULT '{}',
  status          text NOT NULL DEFAULT '正常' CHECK (status IN ('正常', '停诊')),
  stop_reason     text,
  price           int NOT NULL CHECK (price BETWEEN 0 AND 100000000),
  -- Counts the changes that may forbid a registration or change its terms.
  revision        int NOT NULL DEFAULT 0,
  -- Figures of its orders: completed ones, and money paid minus refunded.
  completed       int NOT NULL DEFAULT 0 CHECK (completed >= 0),
  revenue         bigint NOT NULL DEFAULT 0 CHECK (revenue >= 0),
  create_time     timestamptz NOT NULL,
  update_time     timestamptz NOT NULL,
  deleted_at      timestamptz,
  CONSTRAINT schedule_numbers CHECK (remaining_slots BETWEEN 0 AND total_slots),
  CONSTRAINT schedule_given CHECK (last_no - cardinality(free_nos) = total_slots - remaining_slots)
);
-- A doctor is in one place at a time.
CREATE UNIQUE INDEX schedule_doctor_key ON schedule (doctor_id, date, time_section) WHERE deleted_at IS NULL;
-- For figures, which include deleted schedules.
CREATE INDEX schedule_doctor ON schedule (doctor_id, date);
CREATE INDEX schedule_clinic ON schedule (clinic_id, date);
CREATE INDEX schedule_department ON schedule (minor_dept_id, date);
CREATE INDEX schedule_date ON schedule (date);

CREATE TABLE registration_order (
  order_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient_id        bigint NOT NULL REFERENCES patient,
  -- The user who registered. No foreign key: it would cost every order one more look-up.
  initiator_user_id bigint NOT NULL,
  schedule_id       bigint NOT NULL REFERENCES schedule,
  -- Copied from the schedule, for the rules about a patient's other orders.
  minor_dept_id     bigint NOT NULL,
  slot_date         date NOT NULL,
  slot_type         text NOT NULL CHECK (slot_type IN ('普通', '专家', '特需')),
  -- After the discount.
  price             int NOT NULL CHECK (price >= 0),
  symptoms          text NOT NULL DEFAULT '',
  notes             text,
  status            text NOT NULL
    CHECK (status IN ('pending', 'confirmed', 'cancelled', 'timeout', 'completed', 'no_show', 'waitlist')),
  payment_status    text NOT NULL
    CHECK (payment_status IN ('pending', 'paying', 'paid', 'failed', 'cancelled', 'refunded')),
  payment_method    text,
  payment_time      timestamptz,
  -- The instant at which an unpaid order expires.
  expires_at        timestamptz,
  paid              int NOT NULL DEFAULT 0,
  refunded          int NOT NULL DEFAULT 0,
  refund_time       timestamptz,
  cancel_time       timestamptz,
  cancel_reason     text,
  cancelled_by      bigint,
  source_type       text NOT NULL DEFAULT 'normal' CHECK (source_type IN ('normal', 'waitlist', 'add_slot', 'walk_in')),
  -- The number of the visit. An order that gives up its number has none.
  queue_no          int CHECK (queue_no > 0),
  check_in_time     timestamptz,
  is_calling        boolean NOT NULL DEFAULT false,
  call_time         timestamptz,
  pass_count        int NOT NULL DEFAULT 0,
  -- Smaller ones are called first. Added slots have -1.
  priority          int NOT NULL DEFAULT 0,
  completed_time    timestamptz,
  create_time       timestamptz NOT NULL,
  update_time       timestamptz NOT NULL,
  CHECK ((status IN ('pending', 'confirmed', 'completed', 'no_show')) = (queue_no IS NOT NULL)),
  CHECK ((status = 'pending') = (expires_at IS NOT NULL)),
  CHECK (NOT is_calling OR status = 'confirmed'),
  CONSTRAINT registration_order_money CHECK (0 <= refunded AND refunded <= paid)
);
-- No number is given to two orders.
CREATE UNIQUE INDEX registration_order_number ON registration_order (schedule_id, queue_no) WHERE queue_no IS NOT NULL;
CREATE UNIQUE INDEX registration_order_one ON registration_order (schedule_id, patient_id)
  WHERE status IN ('pending', 'confirmed', 'waitlist');
CREATE UNIQUE INDEX registration_order_calling ON registration_order (schedule_id) WHERE is_calling;
CREATE INDEX registration_order_waiting ON registration_order (schedule_id, order_id) WHERE status = 'waitlist';
CREATE INDEX registration_order_schedule ON registration_order (schedule_id);
CREATE INDEX registration_order_patient ON registration_order (patient_id, slot_date);
CREATE INDEX registration_order_initiator ON registration_order (initiator_user_id, order_id);
CREATE INDEX registration_order_due ON registration_order (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX registration_order_date ON registration_order (slot_date) WHERE status = 'confirmed';
-- For the risk of users.
CREATE INDEX registration_order_bad ON registration_order (create_time)
  WHERE status IN ('cancelled', 'timeout', 'no_show');

-- Announces the queue of a schedule on its day: ids of schedule, clinic and area. Only orders of days around that of the
-- change (by the program's clock) are announced, so that the rush for numbers of later days costs nothing.
CREATE FUNCTION announce_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('clinic_queue', concat_ws(':', s.schedule_id, s.clinic_id, k.area_id))
  FROM schedule s
  JOIN clinic k ON k.clinic_id = s.clinic_id
  WHERE s.schedule_id IN (NEW.schedule_id, OLD.schedule_id);
  RETURN NULL;
END $$;
CREATE TRIGGER registration_order_joins AFTER INSERT ON registration_order
  FOR EACH ROW WHEN (abs(NEW.slot_date - (NEW.update_time AT TIME ZONE 'UTC')::date) <= 1)
  EXECUTE FUNCTION announce_queue();
CREATE TRIGGER registration_order_moves AFTER UPDATE ON registration_order
  FOR EACH ROW WHEN (
    abs(NEW.slot_date - (NEW.update_time AT TIME ZONE 'UTC')::date) <= 1
    OR abs(OLD.slot_date - (NEW.update_time AT TIME ZONE 'UTC')::date) <= 1
  )
  EXECUTE FUNCTION announce_queue();

-- Messages that an order gets once for each day of its visit: reminders, and that its number is near. `asked`: the last
-- reminder that a patient asked for.
CREATE TABLE order_notice (
  order_id    bigint NOT NULL REFERENCES registration_order,
  kind        text NOT NULL CHECK (kind IN ('evening', 'day', 'near', 'asked')),
  slot_date   date NOT NULL,
  create_time timestamptz NOT NULL,
  PRIMARY KEY (order_id, kind, slot_date)
);

-- Displays in halls. Each shows the sessions of an area, or of one clinic in it.
CREATE TABLE clinic_display (
  display_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL,
  area_id     bigint NOT NULL REFERENCES hospital_area,
  clinic_id   bigint REFERENCES clinic,
  -- SHA-256 of the token.
  token_hash  text NOT NULL UNIQUE,
  created_by  bigint REFERENCES users,
  create_time timestamptz NOT NULL
);
CREATE INDEX clinic_display_area ON clinic_display (area_id);
CREATE INDEX clinic_display_clinic ON clinic_display (clinic_id);
CREATE INDEX clinic_display_created_by ON clinic_display (created_by);

-- Money ------------------------------------------------------------------------------------------

-- Charges (positive) and refunds (negative) of orders. Rows are only added.
CREATE TABLE order_ledger (
  entry_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id    bigint NOT NULL REFERENCES registration_order,
  amount      int NOT NULL CHECK (amount <> 0),
  method      text NOT NULL,
  -- The payment platform's own number.
  reference   text,
  reason      text,
  created_by  bigint REFERENCES users,
  create_time timestamptz NOT NULL
);
CREATE INDEX order_ledger_order ON order_ledger (order_id);
CREATE INDEX order_ledger_created_by ON order_ledger (created_by);
-- A payment of the platform is counted once.
CREATE UNIQUE INDEX order_ledger_reference ON order_ledger (reference) WHERE amount > 0;

CREATE FUNCTION keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The ledger only grows.';
END $$;
CREATE TRIGGER order_ledger_kept BEFORE UPDATE OR DELETE ON order_ledger
  FOR EACH ROW EXECUTE FUNCTION keep_ledger();

-- Payments that were begun at a payment platform. open: people can pay it. closing: the order does not need it any more,
-- and the platform has to close it. paid, closed: the platform's last word; a closed one may still turn out to be paid.
CREATE TABLE platform_payment (
  payment_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id       bigint NOT NULL REFERENCES registration_order,
  -- Our number at the platform.
  out_trade_no   text NOT NULL CONSTRAINT platform_payment_trade_no UNIQUE,
  amount         int NOT NULL CHECK (amount > 0),
  -- What is given back of it, or owed.
  refunded       int NOT NULL DEFAULT 0,
  state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closing', 'paid', 'closed')),
  -- The content of the QR code.
  code_url       text,
  transaction_id text CONSTRAINT platform_payment_transaction UNIQUE,
  -- The platform refuses payments from then on.
  expires_at     timestamptz NOT NULL,
  -- The next question to the platform, and the number of questions so far.
  next_time      timestamptz NOT NULL,
  tries          int NOT NULL DEFAULT 0,
  -- The reason why it can't be settled.
  problem        text,
  create_time    timestamptz NOT NULL,
  update_time    timestamptz NOT NULL,
  CONSTRAINT platform_payment_refunded CHECK (refunded BETWEEN 0 AND amount AND (refunded = 0 OR state = 'paid')),
  CHECK ((state = 'paid') = (transaction_id IS NOT NULL))
);
CREATE INDEX platform_payment_order ON platform_payment (order_id);
-- An order has one code that people can pay.
CREATE UNIQUE INDEX platform_payment_one ON platform_payment (order_id) WHERE state = 'open';
CREATE INDEX platform_payment_due ON platform_payment (next_time) WHERE state IN ('open', 'closing');

-- Refunds that the platform owes. One is sent again, under the same number, until the platform has accepted it. failed:
-- the platform could not give the money back; staff do it another way.
CREATE TABLE platform_refund (
  refund_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  payment_id    bigint NOT NULL REFERENCES platform_payment,
  out_refund_no text NOT NULL CONSTRAINT platform_refund_no UNIQUE,
  amount        int NOT NULL CHECK (amount > 0),
  state         text NOT NULL DEFAULT 'owed' CHECK (state IN ('owed', 'accepted', 'done', 'failed', 'settled')),
  reason        text,
  next_time     timestamptz NOT NULL,
  tries         int NOT NULL DEFAULT 0,
  problem       text,
  -- settled: how, and by whom.
  settled_note  text,
  settled_by    bigint REFERENCES users,
  create_time   timestamptz NOT NULL,
  update_time   timestamptz NOT NULL,
  CHECK ((state = 'settled') = (settled_note IS NOT NULL))
);
CREATE INDEX platform_refund_payment ON platform_refund (payment_id);
CREATE INDEX platform_refund_due ON platform_refund (next_time) WHERE state IN ('owed', 'accepted');
CREATE INDEX platform_refund_settled_by ON platform_refund (settled_by);

-- Requests that need a decision ------------------------------------------------------------------

CREATE TABLE schedule_audit (
  audit_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  minor_dept_id       bigint NOT NULL REFERENCES minor_department,
  clinic_id           bigint NOT NULL REFERENCES clinic,
  submitter_doctor_id bigint NOT NULL REFERENCES doctor,
  -- A Monday.
  week_start_date     date NOT NULL,
  -- 7 days of 3 sections: null, or {doctor_id, slot_type, total_slots, price?}
  schedule_data_json  jsonb NOT NULL,
  submit_time         timestamptz NOT NULL,
  remark              text,
  status              text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
  auditor_user_id     bigint REFERENCES users,
  audit_time          timestamptz,
  audit_remark        text,
  CHECK (extract(isodow FROM week_start_date) = 1)
);
-- A clinic has one open request for a week.
CREATE UNIQUE INDEX schedule_audit_one ON schedule_audit (clinic_id, week_start_date) WHERE status = 'pending';
CREATE INDEX schedule_audit_clinic ON schedule_audit (clinic_id);
CREATE INDEX schedule_audit_department ON schedule_audit (minor_dept_id);
CREATE INDEX schedule_audit_submitter ON schedule_audit (submitter_doctor_id);
CREATE INDEX schedule_audit_auditor ON schedule_audit (auditor_user_id);

CREATE TABLE leave_audit (
  audit_id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  doctor_id            bigint NOT NULL REFERENCES doctor,
  leave_start_date     date NOT NULL,
  leave_end_date       date NOT NULL,
  shift                text NOT NULL DEFAULT 'full' CHECK (shift IN ('morning', 'afternoon', 'night', 'full')),
  reason               text NOT NULL,
  -- Paths of files: ["/static/audit/…"]
  attachment_data_json jsonb NOT NULL DEFAULT '[]',
  submit_time          timestamptz NOT NULL,
  status               text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
  auditor_user_id      bigint REFERENCES users,
  audit_time           timestamptz,
  audit_remark         text,
  CHECK (leave_start_date <= leave_end_date)
);
CREATE INDEX leave_audit_doctor ON leave_audit (doctor_id, leave_start_date);
CREATE INDEX leave_audit_auditor ON leave_audit (auditor_user_id);

CREATE TABLE add_slot_audit (
  audit_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  schedule_id     bigint NOT NULL REFERENCES schedule,
  doctor_id       bigint NOT NULL REFERENCES doctor,
  patient_id      bigint NOT NULL REFERENCES patient,
  slot_type       text NOT NULL CHECK (slot_type IN ('普通', '专家', '特需')),
  reason          text,
  applicant_id    bigint NOT NULL REFERENCES users,
  submit_time     timestamptz NOT NULL,
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'rejected')),
  auditor_user_id bigint REFERENCES users,
  audit_time      timestamptz,
  audit_remark    text,
  -- The order that the approval made.
  order_id        bigint REFERENCES registration_order
);
CREATE UNIQUE INDEX add_slot_audit_one ON add_slot_audit (schedule_id, patient_id) WHERE status = 'pending';
CREATE INDEX add_slot_audit_schedule ON add_slot_audit (schedule_id);
CREATE INDEX add_slot_audit_doctor ON add_slot_audit (doctor_id);
CREATE INDEX add_slot_audit_patient ON add_slot_audit (patient_id);
CREATE INDEX add_slot_audit_applicant ON add_slot_audit (applicant_id);
CREATE INDEX add_slot_audit_auditor ON add_slot_audit (auditor_user_id);
CREATE INDEX add_slot_audit_order ON add_slot_audit (order_id);

-- Visits -----------------------------------------------------------------------------------------

-- A doctor's presence at a schedule.
CREATE TABLE attendance_record (
  record_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  schedule_id   bigint NOT NULL CONSTRAINT attendance_record_schedule UNIQUE REFERENCES schedule,
  doctor_id     bigint NOT NULL REFERENCES doctor,
  status        text NOT NULL CHECK (status IN ('checked_in', 'checked_out', 'absent')),
  checkin_time  timestamptz,
  checkin_lat   double precision,
  checkin_lng   double precision,
  checkout_time timestamptz,
  checkout_lat  double precision,
  checkout_lng  double precision,
  marked_by     bigint REFERENCES users,
  create_time   timestamptz NOT NULL
);
CREATE INDEX attendance_record_doctor ON attendance_record (doctor_id);
CREATE INDEX attendance_record_marked_by ON attendance_record (marked_by);

-- What the doctor wrote down about a visit. Name, gender and birth date are those of the first writing: the record must
-- be kept when the patient's account ends.
CREATE TABLE visit_history (
  visit_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient_id         bigint NOT NULL REFERENCES patient,
  doctor_id          bigint NOT NULL REFERENCES doctor,
  order_id           bigint NOT NULL CONSTRAINT visit_history_order UNIQUE REFERENCES registration_order,
  visit_date         date NOT NULL,
  patient_name       text NOT NULL,
  patient_gender     text NOT NULL,
  patient_birth_date date,
  chief_complaint    text,
  present_illness    text,
  auxiliary_exam     text,
  diagnosis          text,
  prescription       text,
  advice             text,
  followup_date      date,
  -- Counts the changes, from 1.
  version            int NOT NULL DEFAULT 1,
  create_time        timestamptz NOT NULL,
  update_time        timestamptz NOT NULL
);
CREATE INDEX visit_history_patient ON visit_history (patient_id, visit_date);
CREATE INDEX visit_history_doctor ON visit_history (doctor_id, visit_date);

CREATE TABLE visit_review (
  order_id    bigint PRIMARY KEY REFERENCES registration_order,
  patient_id  bigint NOT NULL REFERENCES patient,
  doctor_id   bigint NOT NULL REFERENCES doctor,
  rating      int NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment     text,
  create_time timestamptz NOT NULL
);
CREATE INDEX visit_review_patient ON visit_review (patient_id);
CREATE INDEX visit_review_doctor ON visit_review (doctor_id);

-- Feedback and use -------------------------------------------------------------------------------

CREATE TABLE clinic_feedback (
  feedback_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id       bigint NOT NULL REFERENCES users,
  type          text NOT NULL CHECK (type IN ('bug', 'suggestion', 'complaint', 'praise')),
  content       text NOT NULL,
  contact_phone text,
  contact_email text,
  status        text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'replied', 'closed')),
  create_time   timestamptz NOT NULL,
  update_time   timestamptz NOT NULL
);
CREATE INDEX clinic_feedback_user ON clinic_feedback (user_id);
CREATE INDEX clinic_feedback_status ON clinic_feedback (status, feedback_id);

-- Page views by day and client (a keyed hash), written in batches.
CREATE TABLE clinic_visitor (
  day    date NOT NULL,
  client text NOT NULL,
  views  int NOT NULL,
  PRIMARY KEY (day, client)
);
