-- The log-in log by months, so that retention drops whole ones; files that are made by jobs; receipts of what was sent.

-- What is there stays where it is, as the catch-all partition: nothing is copied. It goes as a whole when all of it is old.
ALTER TABLE login_log RENAME TO login_log_rest;
ALTER INDEX login_log_name RENAME TO login_log_rest_name;
ALTER INDEX login_log_address RENAME TO login_log_rest_address;
ALTER INDEX login_log_user RENAME TO login_log_rest_user;
ALTER INDEX login_log_at RENAME TO login_log_rest_at;
ALTER TABLE login_log_rest ALTER COLUMN id DROP IDENTITY;
ALTER TABLE login_log_rest DROP CONSTRAINT login_log_pkey;
ALTER TABLE login_log_rest ADD CONSTRAINT login_log_rest_pkey PRIMARY KEY (id, at);

CREATE TABLE login_log (
  id         bigint GENERATED ALWAYS AS IDENTITY,
  user_id    bigint REFERENCES users,
  name       text NOT NULL,
  result     text NOT NULL CONSTRAINT login_log_result_check CHECK (result IN ('success', 'bad_credentials', 'locked_out', 'disabled')),
  address    text NOT NULL,
  user_agent text NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX login_log_name ON login_log (name, at);
CREATE INDEX login_log_address ON login_log (address, at);
CREATE INDEX login_log_user ON login_log (user_id, at);
CREATE INDEX login_log_at ON login_log (at);
ALTER TABLE login_log ATTACH PARTITION login_log_rest DEFAULT;
SELECT setval(pg_get_serial_sequence('login_log', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM login_log_rest), false);

-- A file that somebody asked for and a job makes.
CREATE TABLE export_jobs (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  what         text NOT NULL,
  format       text NOT NULL CHECK (format IN ('csv', 'xlsx', 'pdf')),
  filters      jsonb NOT NULL,
  state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'expired')),
  -- How often it was begun: a run that comes late names an old number and is void.
  runs         int NOT NULL DEFAULT 0,
  rows         bigint NOT NULL DEFAULT 0,
  -- How many there were to be when it began.
  estimate     bigint,
  -- Why it failed: a code.
  reason       text,
  file_id      bigint REFERENCES files ON DELETE SET NULL,
  requested_at timestamptz NOT NULL,
  -- When its run was last seen alive.
  seen_at      timestamptz,
  finished_at  timestamptz,
  expires_at   timestamptz
);
-- One at a time a person.
CREATE UNIQUE INDEX export_jobs_running ON export_jobs (user_id) WHERE state = 'running';
CREATE INDEX export_jobs_unfinished ON export_jobs (id) WHERE state IN ('queued', 'running');
CREATE INDEX export_jobs_user ON export_jobs (user_id, id);
CREATE INDEX export_jobs_file ON export_jobs (file_id);
CREATE INDEX export_jobs_finished ON export_jobs (finished_at);

-- Receipts name what was sent by the id the provider gave it.
CREATE INDEX deliveries_provider_id ON deliveries (provider_id) WHERE provider_id IS NOT NULL;
