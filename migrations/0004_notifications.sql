-- Notifications as an engine: types and templates of administrators, preferences, controls, audiences, broadcasts, suppressions, statistics.

-- Types that administrators add; those of the products stand in code.
CREATE TABLE notification_types (
  key        text PRIMARY KEY,
  name       text NOT NULL,
  category   text NOT NULL CHECK (category IN ('reservation', 'account', 'notice', 'system')),
  urgent     boolean NOT NULL,
  -- Those people get unless they say otherwise.
  channels   text[] NOT NULL,
  -- LiquidJS over the data; the sample names every variable there is.
  subject    text NOT NULL,
  body       text NOT NULL,
  sample     jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

-- What is said by a channel in a language instead of the type's own text. `type` may be one of those in code.
CREATE TABLE notification_templates (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type          text NOT NULL,
  channel       text NOT NULL CHECK (channel IN ('inbox', 'email', 'sms', 'im')),
  locale        text NOT NULL CHECK (locale IN ('zh-CN', 'zh-TW', 'en')),
  subject       text NOT NULL,
  body          text NOT NULL,
  -- Rich text, mail only; sanitised after rendering.
  html          text,
  -- SMS providers send registered templates: its code there, and the variables it takes, in order.
  provider_code text,
  provider_params text[],
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  CONSTRAINT notification_templates_key UNIQUE (type, channel, locale),
  CHECK (html IS NULL OR channel = 'email'),
  CHECK (provider_code IS NULL OR channel = 'sms')
);

-- Where somebody decided otherwise than the type. Type '*': no mail (sms, im) of any type that can be switched off.
CREATE TABLE notification_preferences (
  user_id    bigint NOT NULL REFERENCES users,
  type       text NOT NULL,
  channel    text NOT NULL CHECK (channel IN ('websocket', 'email', 'sms', 'im')),
  enabled    boolean NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, type, channel)
);

-- Under which name somebody is known elsewhere.
CREATE TABLE user_contacts (
  user_id    bigint NOT NULL REFERENCES users,
  kind       text NOT NULL CHECK (kind IN ('wecom')),
  address    text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, kind)
);

-- Days on which nothing that is not urgent rings.
CREATE TABLE holidays (
  date       date PRIMARY KEY,
  name       text NOT NULL,
  created_at timestamptz NOT NULL
);

-- When something was done of which there may be so much in so long: a frequency cap, a provider's limit.
CREATE TABLE notification_pace (
  key   text PRIMARY KEY,
  taken timestamptz[] NOT NULL
) WITH (fillfactor = 70);

-- Addresses that proved unusable. `address_key` is a digest, so that it tells nobody the address (see suppressionKey).
CREATE TABLE suppressions (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel     text NOT NULL CHECK (channel IN ('email', 'sms', 'im')),
  address_key text NOT NULL,
  -- As people may see it: l***@example.com
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

-- Somebody who gives a new address gives it anew: it is tried again.
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

-- Conditions that were given a name.
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

-- One message to many: the condition as it was, and the people it found then.
CREATE TABLE broadcasts (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type        text NOT NULL,
  data        jsonb NOT NULL,
  -- Null: those of the type.
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

-- Channels beyond the inbox it is meant for; `chosen`: by whoever sent it, so that no other is added.
ALTER TABLE messages ADD COLUMN channels text[] NOT NULL DEFAULT '{}';
ALTER TABLE messages ADD COLUMN chosen boolean NOT NULL DEFAULT false;

-- A delivery belongs to a message, or goes to a bare address with a text of its own.
ALTER TABLE deliveries ALTER COLUMN message_id DROP NOT NULL;
ALTER TABLE deliveries ADD COLUMN user_id bigint REFERENCES users;
ALTER TABLE deliveries ADD COLUMN type text;
ALTER TABLE deliveries ADD COLUMN urgent boolean NOT NULL DEFAULT false;
-- Who carries it: one worker of a process sends one after another of a lane.
ALTER TABLE deliveries ADD COLUMN lane text NOT NULL DEFAULT 'email';
ALTER TABLE deliveries ADD COLUMN address_encrypted text;
ALTER TABLE deliveries ADD COLUMN address_key text;
ALTER TABLE deliveries ADD COLUMN content jsonb;
ALTER TABLE deliveries ADD COLUMN created_by bigint REFERENCES users;
-- How often it was claimed: a record that comes late names an old number and is void. `attempts` counts what was tried to its end.
ALTER TABLE deliveries ADD COLUMN claims int NOT NULL DEFAULT 0;
-- Whether it has had its place under the frequency cap.
ALTER TABLE deliveries ADD COLUMN counted boolean NOT NULL DEFAULT false;
ALTER TABLE deliveries ADD COLUMN sent_at timestamptz;
ALTER TABLE deliveries ADD COLUMN delivered_at timestamptz;
ALTER TABLE deliveries ADD COLUMN opened_at timestamptz;
ALTER TABLE deliveries ADD COLUMN clicked_at timestamptz;
ALTER TABLE deliveries ADD COLUMN unsubscribed_at timestamptz;
UPDATE deliveries d SET type = m.type, user_id = m.user_id, urgent = m.urgent, claims = attempts,
  sent_at = CASE WHEN d.state = 'sent' THEN d.updated_at END
FROM messages m WHERE m.id = d.message_id;
ALTER TABLE deliveries ALTER COLUMN type SET NOT NULL;
ALTER TABLE deliveries ALTER COLUMN lane DROP DEFAULT;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_state_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check
  CHECK (state IN ('queued', 'sent', 'delivered', 'opened', 'clicked', 'failed', 'suppressed', 'skipped'));
ALTER TABLE deliveries ADD CONSTRAINT deliveries_to
  CHECK ((message_id IS NULL) = (address_encrypted IS NOT NULL AND content IS NOT NULL));
DROP INDEX deliveries_queued;
CREATE INDEX deliveries_queued ON deliveries (lane, next_try_at, id) WHERE state = 'queued';
CREATE INDEX deliveries_created ON deliveries (created_at);
CREATE INDEX deliveries_user ON deliveries (user_id);
CREATE INDEX deliveries_created_by ON deliveries (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX deliveries_type ON deliveries (type);

-- Each try, and what came of it.
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
CREATE INDEX messages_created ON messages (created_at);
