-- What all products stand on: people, sessions, records, the outbox and messages.
-- Rules for every table: timestamptz, text, half-open ranges, a primary key, an index on every foreign key.
-- Jobs live in pg-boss's own schema, which it migrates itself.

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A guarded write that finds its guard false calls this: the statement, and with it all it did, is undone,
-- and the caller gets the code as a domain error (see kernel/database/constraints.ts).
CREATE FUNCTION refuse(code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', code USING ERRCODE = 'YY001';
END $$;

CREATE TABLE settings (
  key        text PRIMARY KEY,
  value      jsonb NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE users (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username            text NOT NULL,
  email               text,
  -- AES-256-GCM, and a keyed hash of the E.164 form for uniqueness and look-up.
  phone_encrypted     text,
  phone_index         text,
  password_hash       text,
  password_changed_at timestamptz,
  display_name        text NOT NULL,
  department          text,
  status              text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
  locale              text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'zh-TW', 'en')),
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  deleted_at          timestamptz,
  CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);
-- Names of deleted people are free again.
CREATE UNIQUE INDEX users_username_key ON users (lower(username)) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_phone_key ON users (phone_index) WHERE status <> 'deleted';
CREATE INDEX users_search ON users USING gin (username gin_trgm_ops, display_name gin_trgm_ops);

CREATE TABLE user_roles (
  user_id    bigint NOT NULL REFERENCES users,
  role       text NOT NULL,
  granted_by bigint REFERENCES users,
  granted_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);
CREATE INDEX user_roles_granted_by ON user_roles (granted_by);

-- One row a token (its `jti`). A revoked or expired session is refused on every process.
CREATE TABLE sessions (
  id         uuid PRIMARY KEY,
  user_id    bigint NOT NULL REFERENCES users,
  scope      text NOT NULL DEFAULT 'full' CHECK (scope IN ('full', 'password_change')),
  address    text NOT NULL,
  user_agent text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Every attempt to log in. Lock-out counts the failures here.
CREATE TABLE login_log (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id    bigint REFERENCES users,
  name       text NOT NULL,
  result     text NOT NULL CHECK (result IN ('success', 'bad_credentials', 'locked_out', 'disabled')),
  address    text NOT NULL,
  user_agent text NOT NULL,
  at         timestamptz NOT NULL
);
CREATE INDEX login_log_name ON login_log (name, at);
CREATE INDEX login_log_address ON login_log (address, at);
CREATE INDEX login_log_user ON login_log (user_id, at);
CREATE INDEX login_log_at ON login_log (at);

-- Who did what. Append-only: the trigger refuses UPDATE and DELETE; retention drops whole months.
CREATE TABLE operation_log (
  id          bigint GENERATED ALWAYS AS IDENTITY,
  at          timestamptz NOT NULL,
  actor_id    bigint,
  action      text NOT NULL,
  resource    text NOT NULL,
  resource_id text,
  -- {field: [before, after]} of what changed, secrets masked.
  changes     jsonb,
  address     text,
  request_id  text,
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE operation_log_rest PARTITION OF operation_log DEFAULT;
CREATE INDEX operation_log_at ON operation_log (at DESC, id DESC);
CREATE INDEX operation_log_actor ON operation_log (actor_id, id DESC);
CREATE INDEX operation_log_resource ON operation_log (resource, resource_id);

CREATE FUNCTION operation_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'operation_log is append-only';
END $$;
CREATE TRIGGER operation_log_append_only BEFORE UPDATE OR DELETE ON operation_log
  FOR EACH ROW EXECUTE FUNCTION operation_log_is_append_only();

-- Side effects leave with the commit: written in the transaction of the change, handed on by the relay.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- {type, userIds, data, key?}: becomes one message for each person (see kernel/notifications).
  message    jsonb,
  -- What becomes a row of the operation log.
  operation  jsonb,
  created_at timestamptz NOT NULL,
  CHECK (message IS NOT NULL OR operation IS NOT NULL)
);

-- One message to one person: the inbox. `key` makes a message that is produced twice appear once.
CREATE TABLE messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id    bigint NOT NULL REFERENCES users,
  type       text NOT NULL,
  subject    text NOT NULL,
  body       text NOT NULL,
  data       jsonb NOT NULL,
  urgent     boolean NOT NULL,
  key        text,
  created_at timestamptz NOT NULL,
  read_at    timestamptz,
  UNIQUE (user_id, key)
);
CREATE INDEX messages_user ON messages (user_id, id);
CREATE INDEX messages_unread ON messages (user_id) WHERE read_at IS NULL;

-- One row for each channel a message goes out by.
CREATE TABLE deliveries (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id   bigint NOT NULL REFERENCES messages,
  channel      text NOT NULL,
  state        text NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'skipped')),
  -- Why it was skipped, or the last error.
  reason       text,
  provider_id  text,
  attempts     int NOT NULL DEFAULT 0,
  next_try_at  timestamptz,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  UNIQUE (message_id, channel)
);
CREATE INDEX deliveries_queued ON deliveries (next_try_at) WHERE state = 'queued';

CREATE TABLE idempotency_keys (
  user_id    bigint NOT NULL REFERENCES users,
  key        text NOT NULL,
  operation  text NOT NULL,
  body_hash  text NOT NULL,
  status     int,
  answer     jsonb,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
