-- Files, password reset, third-party log-in, privacy.

-- A stored image or export. The row stands before the bytes are written and goes after they are deleted, so no byte is without a row.
CREATE TABLE files (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose        text NOT NULL,
  -- What it belongs to, `user:5` or `venue:3`.
  subject        text NOT NULL,
  -- Who may read it when not everybody may.
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
  -- False: nothing shows it (not yet, or no longer); swept an hour after `touched_at`.
  in_use         boolean NOT NULL DEFAULT false,
  touched_at     timestamptz NOT NULL,
  created_at     timestamptz NOT NULL,
  CHECK (access = 'public' OR owner_id IS NOT NULL)
);
CREATE INDEX files_owner ON files (owner_id);
CREATE INDEX files_subject ON files (subject);
CREATE INDEX files_unused ON files (touched_at) WHERE NOT in_use;

ALTER TABLE users
  ADD COLUMN avatar_file_id bigint REFERENCES files,
  -- When somebody who asked to leave is deleted, unless they log in before.
  ADD COLUMN leaves_at timestamptz;
CREATE INDEX users_avatar ON users (avatar_file_id) WHERE avatar_file_id IS NOT NULL;
CREATE INDEX users_leaving ON users (leaves_at) WHERE leaves_at IS NOT NULL;

-- Who asked to reset a password. The code is not here: it follows from the row's salt by a keyed hash (see kernel/identity/passwordReset).
-- Unknown names leave a row too, so that both take the same time and count against the same limit.
CREATE TABLE password_resets (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- `user:5`, or a keyed hash of a name that nobody has.
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

-- An account at a third party by which somebody logs in.
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

-- A log-in at a third party that has begun. Taken (deleted) by the callback: it works once.
CREATE TABLE sign_in_states (
  state_hash   text PRIMARY KEY,
  -- What only the browser that began holds.
  binding_hash text NOT NULL,
  provider     text NOT NULL,
  -- Whose account is linked, and the session in which that was asked.
  user_id      bigint REFERENCES users,
  session_id   uuid REFERENCES sessions ON DELETE CASCADE,
  -- PKCE verifier and nonce, encrypted.
  secrets      text NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL
);
CREATE INDEX sign_in_states_user ON sign_in_states (user_id);
CREATE INDEX sign_in_states_session ON sign_in_states (session_id);
CREATE INDEX sign_in_states_expiry ON sign_in_states (expires_at);

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

CREATE TABLE data_exports (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id      bigint NOT NULL REFERENCES users,
  state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'ready', 'expired')),
  file_id      bigint REFERENCES files ON DELETE SET NULL,
  requested_at timestamptz NOT NULL,
  ready_at     timestamptz,
  expires_at   timestamptz
);
-- One at a time a person.
CREATE UNIQUE INDEX data_exports_queued ON data_exports (user_id) WHERE state = 'queued';
CREATE INDEX data_exports_user ON data_exports (user_id, id);
CREATE INDEX data_exports_file ON data_exports (file_id);
