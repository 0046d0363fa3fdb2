-- The kernel: people, log-in, files, records, the outbox, notifications, exports and privacy.
-- Rules for every table: timestamptz, text, half-open ranges, a primary key, an index on every foreign key.
-- Jobs are in pg-boss's own schema, which pg-boss migrates itself.

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- A guarded write calls this when its guard is false. The whole statement is undone, and the caller gets the code as a
-- domain error (see kernel/database/constraints.ts).
CREATE FUNCTION refuse(code text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', code USING ERRCODE = 'YY001';
END $$;

CREATE TABLE settings (
  key        text PRIMARY KEY,
  value      jsonb NOT NULL,
  updated_at timestamptz NOT NULL
);

-- People ------------------------------------------------------------------------------------------

CREATE TABLE users (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username            text NOT NULL,
  email               text,
  -- The phone number (E.164) by AES-256-GCM, and a keyed hash of it for uniqueness and look-up.
  phone_encrypted     text,
  phone_index         text,
  password_hash       text,
  password_changed_at timestamptz,
  display_name        text NOT NULL,
  department          text,
  -- References files, see below.
  avatar_file_id      bigint,
  status              text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'deleted')),
  locale              text NOT NULL DEFAULT 'zh-CN' CHECK (locale IN ('zh-CN', 'zh-TW', 'en')),
  created_at          timestamptz NOT NULL,
  updated_at          timestamptz NOT NULL,
  -- The instant at which a person who asked to leave is deleted. Logging in before that cancels it.
  leaves_at           timestamptz,
  deleted_at          timestamptz,
  CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);
-- Names of deleted people are free again.
CREATE UNIQUE INDEX users_username_key ON users (lower(username)) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE status <> 'deleted';
CREATE UNIQUE INDEX users_phone_key ON users (phone_index) WHERE status <> 'deleted';
CREATE INDEX users_search ON users USING gin (username gin_trgm_ops, display_name gin_trgm_ops);
CREATE INDEX users_avatar ON users (avatar_file_id) WHERE avatar_file_id IS NOT NULL;
CREATE INDEX users_leaving ON users (leaves_at) WHERE leaves_at IS NOT NULL;

CREATE TABLE user_roles (
  user_id    bigint NOT NULL REFERENCES users,
  role       text NOT NULL,
  granted_by bigint REFERENCES users,
  granted_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);
CREATE INDEX user_roles_granted_by ON user_roles (granted_by);

-- Notes of administrators on people, so that audiences can be chosen by them: 羽毛球队, newcomer.
CREATE TABLE user_tags (
  user_id    bigint NOT NULL REFERENCES users,
  tag        text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, tag)
);
CREATE INDEX user_tags_tag ON user_tags (tag);

-- Log-in ------------------------------------------------------------------------------------------

-- One row for each token (its `jti`). A revoked or expired session is refused by every process.
CREATE TABLE sessions (
  id         uuid PRIMARY KEY,
  user_id    bigint NOT NULL REFERENCES users,
  scope      text NOT NULL DEFAULT 'full' CHECK (scope IN ('full', 'password_change')),
  address    text NOT NULL,
  user_agent text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Use of the session moves expires_at on, up to this instant. Null: expires_at never moves.
  ends_at    timestamptz,
  revoked_at timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE revoked_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- The network of an address. The lock-out counts an IPv6 address as its /64 network, because the holder of one address
-- has at least all of that network.
CREATE FUNCTION network_of(address text) RETURNS cidr LANGUAGE sql IMMUTABLE AS $$
  SELECT network(set_masklen(address::inet, least(masklen(address::inet), 64)))
$$;

-- Every attempt to log in. The lock-out counts the failures here. Partitioned by months: retention drops whole months.
CREATE TABLE login_log (
  id         bigint GENERATED ALWAYS AS IDENTITY,
  user_id    bigint CONSTRAINT login_log_user_id_fkey1 REFERENCES users,
  -- The typed name, masked unless it is a username: it may be a phone number, an address, or a password in the wrong
  -- field. The keyed hash is for look-ups.
  name       text NOT NULL,
  name_index text,
  result     text NOT NULL CHECK (result IN ('success', 'bad_credentials', 'locked_out', 'disabled')),
  address    text NOT NULL,
  user_agent text NOT NULL,
  at         timestamptz NOT NULL,
  PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE login_log_rest PARTITION OF login_log DEFAULT;
-- Names of constraints from the time before the log was partitioned.
ALTER TABLE login_log_rest RENAME CONSTRAINT login_log_user_id_fkey1 TO login_log_user_id_fkey;
CREATE INDEX login_log_rest_address ON login_log_rest (address, at);
CREATE INDEX login_log_rest_user ON login_log_rest (user_id, at);
CREATE INDEX login_log_rest_at ON login_log_rest (at);
CREATE INDEX login_log_name ON login_log (name_index, at);
CREATE INDEX login_log_address ON login_log (address, at);
CREATE INDEX login_log_network ON login_log (network_of(address), at);
CREATE INDEX login_log_user ON login_log (user_id, at);
CREATE INDEX login_log_at ON login_log (at);

-- Requests to reset a password. The code is not stored: it follows from the row's salt by a keyed hash (see
-- kernel/identity/passwordReset). Unknown names leave a row too, so that they take the same time and have the same
-- limit as known ones.
CREATE TABLE password_resets (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- `user:5`, or the keyed hash of an unknown name.
  subject    text NOT NULL,
  user_id    bigint REFERENCES users,
  channel    text NOT NULL CHECK (channel IN ('email', 'sms')),
  salt       text NOT NULL,
  tries      int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  sent_at    timestamptz,
  used_at    timestamptz
);
CREATE INDEX password_resets_subject ON password_resets (subject, id);
CREATE INDEX password_resets_user ON password_resets (user_id);
CREATE INDEX password_resets_created ON password_resets (created_at);

-- Accounts at third parties that people use for logging in.
CREATE TABLE user_identities (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  provider     text NOT NULL,
  -- The third party's id of the person.
  subject      text NOT NULL,
  display_name text,
  linked_at    timestamptz NOT NULL,
  used_at      timestamptz NOT NULL,
  CONSTRAINT user_identities_subject_key UNIQUE (provider, subject),
  CONSTRAINT user_identities_user_key UNIQUE (user_id, provider)
);

-- Started log-ins at a third party. The callback deletes the row, so that it works once.
CREATE TABLE sign_in_states (
  state_hash   text PRIMARY KEY,
  -- Hash of a secret that only the browser that started has.
  binding_hash text NOT NULL,
  provider     text NOT NULL,
  -- If an account is to be linked: the person, and the session that asked for it.
  user_id      bigint REFERENCES users,
  session_id   uuid REFERENCES sessions ON DELETE CASCADE,
  -- The PKCE verifier and the nonce, encrypted.
  secrets      text NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL
);
CREATE INDEX sign_in_states_user ON sign_in_states (user_id);
CREATE INDEX sign_in_states_session ON sign_in_states (session_id);
CREATE INDEX sign_in_states_expiry ON sign_in_states (expires_at);

-- Files -------------------------------------------------------------------------------------------

-- Stored images and exports. The row is written before the bytes and deleted after them, so that there are never bytes
-- without a row.
CREATE TABLE files (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose        text NOT NULL,
  -- The owner of the file, such as `user:5` or `venue:3`.
  subject        text NOT NULL,
  -- The only reader, if access is 'owner'.
  owner_id       bigint REFERENCES users,
  access         text NOT NULL CHECK (access IN ('public', 'owner')),
  -- {timestamp}_{uuid}.{ext}
  name           text NOT NULL UNIQUE,
  thumbnail_name text UNIQUE,
  content_type   text NOT NULL,
  bytes          bigint NOT NULL CHECK (bytes >= 0),
  width          int,
  height         int,
  sha256         text NOT NULL,
  -- False: nothing shows the file, not yet or no longer. It is deleted an hour after `touched_at`.
  in_use         boolean NOT NULL DEFAULT false,
  touched_at     timestamptz NOT NULL,
  created_at     timestamptz NOT NULL,
  CHECK (access = 'public' OR owner_id IS NOT NULL)
);
CREATE INDEX files_owner ON files (owner_id);
CREATE INDEX files_subject ON files (subject);
CREATE INDEX files_unused ON files (touched_at) WHERE NOT in_use;

ALTER TABLE users ADD FOREIGN KEY (avatar_file_id) REFERENCES files;

-- Records and side effects ------------------------------------------------------------------------

-- The audit log. Append-only: the trigger refuses UPDATE and DELETE. Partitioned by months: retention drops whole
-- months.
CREATE TABLE operation_log (
  id          bigint GENERATED ALWAYS AS IDENTITY,
  at          timestamptz NOT NULL,
  actor_id    bigint,
  action      text NOT NULL,
  resource    text NOT NULL,
  resource_id text,
  -- {field: [before, after]} of the changed fields, with secrets masked.
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

-- Side effects become visible with the commit: rows are written in the transaction of the change, and the relay hands
-- them on.
CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- {type, userIds, data, key?}: becomes one message for each person (see kernel/notifications).
  message    jsonb,
  -- Becomes a row of the operation log.
  operation  jsonb,
  created_at timestamptz NOT NULL,
  CHECK (message IS NOT NULL OR operation IS NOT NULL)
);

-- Outbox rows that can't be handed on (unknown type, broken data). They are kept here with the reason, so that the
-- others go on. An administrator puts them back into the outbox or drops them.
CREATE TABLE outbox_failures (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message    jsonb,
  operation  jsonb,
  error      text NOT NULL,
  created_at timestamptz NOT NULL,
  failed_at  timestamptz NOT NULL,
  CHECK (message IS NOT NULL OR operation IS NOT NULL)
);

-- A request that repeats an Idempotency-Key gets the first answer again.
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

-- Notifications: texts and rules ------------------------------------------------------------------

-- Types that administrators add. The types of the parts are in code.
CREATE TABLE notification_types (
  key        text PRIMARY KEY,
  name       text NOT NULL,
  category   text NOT NULL CHECK (category IN ('reservation', 'account', 'notice', 'system')),
  urgent     boolean NOT NULL,
  -- The channels that people get unless they choose otherwise.
  channels   text[] NOT NULL,
  -- LiquidJS templates over the data. The sample has every variable.
  subject    text NOT NULL,
  body       text NOT NULL,
  sample     jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

-- Texts for one channel in one language, instead of the type's own. The channels are in code
-- (src/kernel/notifications/channels.ts): a new one needs no migration. `type` may be a type in code.
CREATE TABLE notification_templates (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type          text NOT NULL,
  channel       text NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_]*$'),
  locale        text NOT NULL CHECK (locale IN ('zh-CN', 'zh-TW', 'en')),
  subject       text NOT NULL,
  body          text NOT NULL,
  -- Rich text, mail only. Sanitised after rendering.
  html          text,
  -- SMS providers send registered templates: the provider's code of the template, and its variables in order.
  provider_code text,
  provider_params text[],
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  CONSTRAINT notification_templates_key UNIQUE (type, channel, locale)
);

-- People's choices that differ from the type. Type '*' switches a channel off for every type that can be switched off.
CREATE TABLE notification_preferences (
  user_id    bigint NOT NULL REFERENCES users,
  type       text NOT NULL,
  channel    text NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_]*$'),
  enabled    boolean NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, type, channel)
);

-- Names of people in instant messengers.
CREATE TABLE user_contacts (
  user_id    bigint NOT NULL REFERENCES users,
  kind       text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]*$'),
  address    text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, kind)
);

-- Days on which deliveries that are not urgent wait.
CREATE TABLE holidays (
  date       date PRIMARY KEY,
  name       text NOT NULL,
  created_at timestamptz NOT NULL
);

-- Rate limits over all processes: frequency caps, limits of providers.
CREATE TABLE notification_pace (
  key     text PRIMARY KEY,
  -- The time at which each place under the limit was taken.
  taken   timestamptz[] NOT NULL,
  -- The message that has each place, in the order of `taken`: a message that goes out by several channels takes one
  -- place. Null, or missing at the end, where no message has the place.
  holders bigint[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);

-- Addresses that proved unusable. `address_key` is a digest: the address can't be read from it (see suppressionKey).
CREATE TABLE suppressions (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel     text NOT NULL CHECK (channel ~ '^[a-z][a-z0-9_]*$'),
  address_key text NOT NULL,
  -- The masked address, for people to read: l***@example.com
  masked      text NOT NULL,
  reason      text NOT NULL,
  user_id     bigint REFERENCES users,
  created_at  timestamptz NOT NULL,
  CONSTRAINT suppressions_key UNIQUE (channel, address_key)
);
CREATE INDEX suppressions_user ON suppressions (user_id);

CREATE FUNCTION contact_key(address text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT encode(sha256(convert_to(lower(address), 'UTF8')), 'hex')
$$;

-- A person who enters an address anew lifts its suppression.
CREATE FUNCTION forget_suppression() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.email IS DISTINCT FROM OLD.email AND NEW.email IS NOT NULL THEN
    DELETE FROM suppressions WHERE channel = 'email' AND address_key = contact_key(NEW.email);
  END IF;
  IF NEW.phone_index IS DISTINCT FROM OLD.phone_index AND NEW.phone_index IS NOT NULL THEN
    DELETE FROM suppressions WHERE channel = 'sms' AND address_key = NEW.phone_index;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER users_forget_suppression AFTER UPDATE OF email, phone_index ON users
  FOR EACH ROW EXECUTE FUNCTION forget_suppression();

-- Notifications: messages and their deliveries ----------------------------------------------------

-- One message to one person: the inbox. A message that is produced twice with the same `key` is stored once.
CREATE TABLE notification_messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id    bigint NOT NULL REFERENCES users,
  type       text NOT NULL,
  subject    text NOT NULL,
  body       text NOT NULL,
  data       jsonb NOT NULL,
  urgent     boolean NOT NULL,
  -- Channels besides the inbox. `chosen`: the sender chose them, so no other channel is added.
  channels   text[] NOT NULL DEFAULT '{}',
  chosen     boolean NOT NULL DEFAULT false,
  key        text,
  created_at timestamptz NOT NULL,
  read_at    timestamptz,
  UNIQUE (user_id, key)
);
CREATE INDEX notification_messages_user ON notification_messages (user_id, id);
CREATE INDEX notification_messages_unread ON notification_messages (user_id) WHERE read_at IS NULL;
CREATE INDEX notification_messages_created ON notification_messages (created_at);

-- One message by one channel, or a text to a bare address without a message.
CREATE TABLE deliveries (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id        bigint REFERENCES notification_messages,
  user_id           bigint REFERENCES users,
  type              text NOT NULL,
  urgent            boolean NOT NULL DEFAULT false,
  channel           text NOT NULL,
  -- The lane: the group of deliveries that one provider carries. A process sends the deliveries of a lane one after
  -- another.
  lane              text NOT NULL,
  -- Only without a message: the address and the text.
  address_encrypted text,
  address_key       text,
  content           jsonb,
  state             text NOT NULL CHECK (state IN ('queued', 'sent', 'delivered', 'opened', 'clicked', 'failed',
                                                   'suppressed', 'skipped')),
  -- The reason for skipping it, or the last error.
  reason            text,
  -- The provider's id of the delivery. Receipts name it.
  provider_id       text,
  -- Number of tries that ended.
  attempts          int NOT NULL DEFAULT 0,
  -- Number of claims. A late result names an old number and is ignored.
  claims            int NOT NULL DEFAULT 0,
  -- Claims without a recorded result, the current one included. After more than a few the delivery is given up, so
  -- that it is not sent again and again.
  open_claims       int NOT NULL DEFAULT 0,
  -- It was handed over and no answer came, so it may have arrived: it is handed over once more at most.
  unheard           boolean NOT NULL DEFAULT false,
  -- True if it has taken its place under the frequency cap.
  counted           boolean NOT NULL DEFAULT false,
  next_try_at       timestamptz,
  -- Start of the time in which it could not be sent. After too long it is given up.
  failing_since     timestamptz,
  created_by        bigint REFERENCES users,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  sent_at           timestamptz,
  delivered_at      timestamptz,
  opened_at         timestamptz,
  clicked_at        timestamptz,
  unsubscribed_at   timestamptz,
  UNIQUE (message_id, channel),
  CONSTRAINT deliveries_to CHECK ((message_id IS NULL) = (address_encrypted IS NOT NULL AND content IS NOT NULL))
);
CREATE INDEX deliveries_queued ON deliveries (lane, next_try_at, id) WHERE state = 'queued';
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_user ON deliveries (user_id);
CREATE INDEX deliveries_created_by ON deliveries (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX deliveries_provider_id ON deliveries (provider_id) WHERE provider_id IS NOT NULL;

-- Each try of a delivery, with its result.
CREATE TABLE delivery_attempts (
  delivery_id bigint NOT NULL REFERENCES deliveries,
  claim       int NOT NULL,
  at          timestamptz NOT NULL,
  result      text NOT NULL CHECK (result IN ('sent', 'temporary', 'permanent')),
  provider    text NOT NULL,
  provider_id text,
  error       text,
  PRIMARY KEY (delivery_id, claim)
);

-- Messages to many people -------------------------------------------------------------------------

-- Saved conditions on people, each with a name.
CREATE TABLE audiences (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL,
  condition  jsonb NOT NULL,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX audiences_name_key ON audiences (lower(name));
CREATE INDEX audiences_created_by ON audiences (created_by);

-- One message to many people: the condition as it was when it was sent, and the people it matched then.
CREATE TABLE broadcasts (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type        text NOT NULL,
  data        jsonb NOT NULL,
  -- Null: the type's channels.
  channels    text[],
  audience_id bigint REFERENCES audiences ON DELETE SET NULL,
  condition   jsonb NOT NULL,
  total       int NOT NULL,
  state       text NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
  created_by  bigint REFERENCES users,
  created_at  timestamptz NOT NULL,
  finished_at timestamptz
);
CREATE INDEX broadcasts_running ON broadcasts (id) WHERE state = 'running';
CREATE INDEX broadcasts_audience ON broadcasts (audience_id);
CREATE INDEX broadcasts_created_by ON broadcasts (created_by);

CREATE TABLE broadcast_recipients (
  broadcast_id bigint NOT NULL REFERENCES broadcasts,
  user_id      bigint NOT NULL REFERENCES users,
  handed_on    boolean NOT NULL DEFAULT false,
  PRIMARY KEY (broadcast_id, user_id)
);
CREATE INDEX broadcast_recipients_waiting ON broadcast_recipients (broadcast_id, user_id) WHERE NOT handed_on;
CREATE INDEX broadcast_recipients_user ON broadcast_recipients (user_id);

-- Exports and calendar feeds ----------------------------------------------------------------------

-- Files that people asked for. A job makes them.
CREATE TABLE export_jobs (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  what         text NOT NULL,
  format       text NOT NULL CHECK (format IN ('csv', 'xlsx', 'pdf')),
  filters      jsonb NOT NULL,
  state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'expired')),
  -- Number of starts. A late run names an old number and is ignored.
  runs         int NOT NULL DEFAULT 0,
  rows         bigint NOT NULL DEFAULT 0,
  -- The expected number of rows when it started.
  estimate     bigint,
  -- The reason for a failure, as a code.
  reason       text,
  file_id      bigint REFERENCES files ON DELETE SET NULL,
  requested_at timestamptz NOT NULL,
  -- Last sign of life of its run.
  seen_at      timestamptz,
  finished_at  timestamptz,
  expires_at   timestamptz
);
-- A person has one running export at a time.
CREATE UNIQUE INDEX export_jobs_running ON export_jobs (user_id) WHERE state = 'running';
CREATE INDEX export_jobs_unfinished ON export_jobs (id) WHERE state IN ('queued', 'running');
CREATE INDEX export_jobs_user ON export_jobs (user_id, id);
CREATE INDEX export_jobs_file ON export_jobs (file_id);
CREATE INDEX export_jobs_finished ON export_jobs (finished_at);

-- Links to private calendar feeds contain the generation. A reset raises it, so that older links no longer work.
CREATE TABLE calendar_links (
  user_id    bigint PRIMARY KEY REFERENCES users,
  generation int NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL
);

-- Privacy -----------------------------------------------------------------------------------------

CREATE TABLE legal_texts (
  kind         text NOT NULL CHECK (kind IN ('privacy', 'terms')),
  version      int NOT NULL CHECK (version > 0),
  title        text NOT NULL,
  body         text NOT NULL,
  published_by bigint REFERENCES users,
  published_at timestamptz NOT NULL,
  CONSTRAINT legal_texts_pkey PRIMARY KEY (kind, version)
);
CREATE INDEX legal_texts_published_by ON legal_texts (published_by);

CREATE TABLE consents (
  user_id  bigint NOT NULL REFERENCES users,
  kind     text NOT NULL,
  version  int NOT NULL,
  address  text NOT NULL,
  given_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, kind, version),
  FOREIGN KEY (kind, version) REFERENCES legal_texts
);
CREATE INDEX consents_text ON consents (kind, version);

-- Copies of a person's own data.
CREATE TABLE data_exports (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'ready', 'expired')),
  file_id      bigint REFERENCES files ON DELETE SET NULL,
  requested_at timestamptz NOT NULL,
  ready_at     timestamptz,
  expires_at   timestamptz
);
-- A person has one queued copy at a time.
CREATE UNIQUE INDEX data_exports_queued ON data_exports (user_id) WHERE state = 'queued';
CREATE INDEX data_exports_user ON data_exports (user_id, id);
CREATE INDEX data_exports_file ON data_exports (file_id);
