-- CRM: members of a hotel and campaigns over LINE. Rules: docs/crm.md.
-- The fourteen tables of the published document keep their names and columns (`users` is the kernel's); their added
-- columns come last. All other tables start with `crm_`. Amounts are in the currency's unit with two decimals.

-- Text that members are searched by: lower case, without spaces and marks between letters.
CREATE FUNCTION crm_plain(text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT lower(regexp_replace(normalize(text, NFKC), '[\s·・．.,，_''"()（）-]+', '', 'g'))
$$;

-- The text that a member is searched by: names in both orders, display name, e-mail address, and phone number in E.164
-- and as typed, each between spaces.
CREATE FUNCTION crm_search(first_name text, last_name text, shown text, email text, phone_e164 text, phone text)
  RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT ' ' || array_to_string(ARRAY[
    crm_plain(nullif(coalesce(last_name, '') || coalesce(first_name, ''), '')),
    crm_plain(nullif(coalesce(first_name, '') || coalesce(last_name, ''), '')),
    crm_plain(shown), lower(email), phone_e164, crm_plain(phone)], ' ') || ' '
$$;

-- Every two neighbouring characters of a text: the terms of the index for searching Chinese names, which trigrams
-- can't find by two characters.
CREATE FUNCTION crm_pairs(text text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT coalesce(array_agg(DISTINCT substr(text, n, 2)), '{}') FROM generate_series(1, char_length(text) - 1) n
$$;

-- Tags -------------------------------------------------------------------------------------------

-- One sequence of ids over both tables of tags: an id is one tag.
CREATE SEQUENCE crm_tag_ids AS bigint;

CREATE TABLE member_tags (
  id           bigint PRIMARY KEY DEFAULT nextval('crm_tag_ids'),
  name         text NOT NULL CHECK (char_length(name) <= 50),
  type         text NOT NULL DEFAULT 'member' CHECK (type = 'member'),
  source       text NOT NULL CHECK (source IN ('api', 'manual')),
  description  text CHECK (char_length(description) <= 200),
  -- Members with the tag. Moves only by `moveTags` (core/taggingStore.ts).
  member_count int NOT NULL DEFAULT 0 CHECK (member_count >= 0),
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz,
  CONSTRAINT member_tags_name_key UNIQUE (name)
);

CREATE TABLE interaction_tags (
  id            bigint PRIMARY KEY DEFAULT nextval('crm_tag_ids'),
  name          text NOT NULL CHECK (char_length(name) <= 50),
  type          text NOT NULL DEFAULT 'interaction' CHECK (type = 'interaction'),
  campaign_id   bigint,
  description   text CHECK (char_length(description) <= 200),
  -- Rows of tag_trigger_logs with the tag. Moves only by `moveTags`.
  trigger_count int NOT NULL DEFAULT 0 CHECK (trigger_count >= 0),
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz,
  -- Members with the tag.
  member_count  int NOT NULL DEFAULT 0 CHECK (member_count >= 0)
);
CREATE INDEX interaction_tags_campaign ON interaction_tags (campaign_id);

-- Members ----------------------------------------------------------------------------------------

CREATE TABLE members (
  id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  line_uid            text,
  line_display_name   text,
  line_picture_url    text,
  first_name          text CHECK (char_length(first_name) <= 50),
  last_name           text CHECK (char_length(last_name) <= 50),
  gender              text CHECK (gender IN ('male', 'female', 'other')),
  birthday            date,
  email               text CHECK (char_length(email) <= 100),
  -- As typed.
  phone               text CHECK (char_length(phone) <= 20),
  -- The id or passport number by AES-256-GCM.
  id_number           text,
  source              text NOT NULL CHECK (source IN ('line', 'crm', 'system')),
  accept_marketing    boolean NOT NULL DEFAULT true,
  notes               text,
  created_at          timestamptz NOT NULL,
  last_interaction_at timestamptz,
  updated_at          timestamptz,
  -- The phone number in E.164, by which it is matched.
  phone_e164          text,
  -- Blind index of the id number (NFKC, trimmed, upper case), and its masked form for answers.
  id_number_index     text,
  id_number_masked    text,
  -- The last follow of the official account, and the unfollow (or block) after it.
  followed_at         timestamptz,
  unfollowed_at       timestamptz,
  search              text GENERATED ALWAYS AS
    (crm_search(first_name, last_name, line_display_name, email, phone_e164, phone)) STORED,
  pairs               text[] GENERATED ALWAYS AS
    (crm_pairs(crm_search(first_name, last_name, line_display_name, email, phone_e164, phone))) STORED,
  -- The member into which this one was merged.
  merged_into         bigint REFERENCES members,
  -- Deleted: anonymised, and kept for the totals.
  deleted_at          timestamptz,
  CONSTRAINT members_line_uid_key UNIQUE (line_uid),
  CONSTRAINT members_phone_key UNIQUE (phone_e164),
  CONSTRAINT members_id_number_key UNIQUE (id_number_index)
);
CREATE UNIQUE INDEX members_email_key ON members (lower(email));
CREATE INDEX members_pairs ON members USING gin (pairs);
CREATE INDEX members_created ON members (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX members_interaction ON members (last_interaction_at DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX members_merged ON members (merged_into) WHERE merged_into IS NOT NULL;
-- Members who get campaigns.
CREATE INDEX members_reachable ON members (followed_at, id)
  WHERE line_uid IS NOT NULL AND unfollowed_at IS NULL AND accept_marketing AND deleted_at IS NULL;

-- The number of members who are not deleted: the sum of its rows. Several rows, so that writers don't wait.
CREATE TABLE crm_member_counts (
  slot  int PRIMARY KEY,
  count int NOT NULL
);

CREATE FUNCTION crm_count_members() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  moved int;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT count(*) INTO moved FROM added WHERE deleted_at IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT -count(*) INTO moved FROM removed WHERE deleted_at IS NULL;
  ELSE
    moved := (NEW.deleted_at IS NULL)::int - (OLD.deleted_at IS NULL)::int;
  END IF;
  IF moved <> 0 THEN
    INSERT INTO crm_member_counts AS c (slot, count) VALUES (pg_backend_pid() % 16, moved)
    ON CONFLICT (slot) DO UPDATE SET count = c.count + excluded.count;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER members_added AFTER INSERT ON members REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION crm_count_members();
CREATE TRIGGER members_removed AFTER DELETE ON members REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION crm_count_members();
CREATE TRIGGER members_deleted AFTER UPDATE OF deleted_at ON members
  FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)) EXECUTE FUNCTION crm_count_members();

CREATE TABLE member_tag_relations (
  id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id bigint NOT NULL REFERENCES members,
  tag_id    bigint NOT NULL,
  tag_type  text NOT NULL CHECK (tag_type IN ('member', 'interaction')),
  tagged_at timestamptz NOT NULL,
  -- The tag in the table of its type.
  member_tag_id      bigint GENERATED ALWAYS AS (CASE WHEN tag_type = 'member' THEN tag_id END) STORED
    CONSTRAINT member_tag_relations_member_tag REFERENCES member_tags,
  interaction_tag_id bigint GENERATED ALWAYS AS (CASE WHEN tag_type = 'interaction' THEN tag_id END) STORED
    CONSTRAINT member_tag_relations_interaction_tag REFERENCES interaction_tags,
  CONSTRAINT member_tag_relations_key UNIQUE (member_id, tag_id, tag_type)
);
CREATE INDEX member_tag_relations_tag ON member_tag_relations (tag_id, member_id);
CREATE INDEX member_tag_relations_member_tag_id ON member_tag_relations (member_tag_id);
CREATE INDEX member_tag_relations_interaction_tag_id ON member_tag_relations (interaction_tag_id);

CREATE TABLE consumption_records (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id      bigint NOT NULL REFERENCES members,
  order_number   text NOT NULL CHECK (char_length(order_number) <= 50),
  room_type      text CHECK (char_length(room_type) <= 100),
  amount         numeric(10, 2) NOT NULL,
  check_in_date  date,
  check_out_date date,
  nights         int CHECK (nights >= 0),
  source         text NOT NULL CHECK (source IN ('pms', 'manual')),
  created_at     timestamptz NOT NULL,
  synced_at      timestamptz,
  CONSTRAINT consumption_records_order_key UNIQUE (order_number),
  CONSTRAINT consumption_records_dates CHECK (check_out_date >= check_in_date)
);
CREATE INDEX consumption_records_member ON consumption_records (member_id, created_at);
CREATE INDEX consumption_records_created ON consumption_records (created_at);

-- Saved conditions on members.
CREATE TABLE crm_segments (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL,
  description text,
  condition   jsonb NOT NULL,
  created_by  bigint REFERENCES users,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz,
  CONSTRAINT crm_segments_name_key UNIQUE (name)
);
CREATE INDEX crm_segments_created_by ON crm_segments (created_by);

-- Files of members to import: first a preview, then a job.
CREATE TABLE crm_imports (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  file_name    text NOT NULL,
  state        text NOT NULL
    CHECK (state IN ('previewed', 'queued', 'running', 'done', 'cancelled', 'expired')),
  total        int NOT NULL,
  -- Rows without faults in the preview.
  valid        int NOT NULL,
  created      int NOT NULL DEFAULT 0,
  updated      int NOT NULL DEFAULT 0,
  skipped      int NOT NULL DEFAULT 0,
  failed       int NOT NULL DEFAULT 0,
  created_by   bigint REFERENCES users,
  created_at   timestamptz NOT NULL,
  finished_at  timestamptz,
  -- What happens to members who are there already.
  on_existing  text NOT NULL CHECK (on_existing IN ('skip', 'fill', 'overwrite')),
  create_tags  boolean NOT NULL,
  -- [{heading, field}], and the headings of columns that are not read.
  columns      jsonb NOT NULL,
  ignored      text[] NOT NULL,
  -- The last sign of life of the job.
  seen_at      timestamptz
);
CREATE INDEX crm_imports_created_by ON crm_imports (created_by);
CREATE INDEX crm_imports_created ON crm_imports (created_at);

CREATE TABLE crm_import_rows (
  import_id bigint NOT NULL REFERENCES crm_imports ON DELETE CASCADE,
  -- The line in the file, the heading being line 1.
  line      int NOT NULL,
  -- The member by AES-256-GCM: files hold id numbers. Null once the row is done.
  member    text,
  state     text NOT NULL CHECK (state IN ('valid', 'invalid', 'created', 'updated', 'skipped', 'failed')),
  -- What the row would do: `create`, or `update` or `skip` a member found by its numbers.
  action    text,
  member_id bigint REFERENCES members,
  -- [{field, message}]
  errors    jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (import_id, line)
);
CREATE INDEX crm_import_rows_member ON crm_import_rows (member_id);
CREATE INDEX crm_import_rows_waiting ON crm_import_rows (import_id, line) WHERE state = 'valid';

-- Templates --------------------------------------------------------------------------------------

CREATE TABLE message_templates (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  type               text NOT NULL CHECK (type IN ('text', 'text_button', 'image_click', 'image_card')),
  name               text CHECK (char_length(name) <= 100),
  content            text,
  -- [{label, action_url, interaction_tag_id}]
  buttons            jsonb,
  notification_text  text CHECK (char_length(notification_text) <= 100),
  preview_text       text CHECK (char_length(preview_text) <= 100),
  interaction_tag_id bigint REFERENCES interaction_tags,
  -- {type: redirect | template | both, url, template_id}
  interaction_result jsonb,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz,
  -- Raised by a change once a campaign has used the current version.
  version            int NOT NULL DEFAULT 1,
  deleted_at         timestamptz
);
CREATE INDEX message_templates_tag ON message_templates (interaction_tag_id);

CREATE TABLE template_carousel_items (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  template_id        bigint NOT NULL REFERENCES message_templates,
  image_url          text NOT NULL CHECK (char_length(image_url) <= 500),
  title              text CHECK (char_length(title) <= 100),
  description        text CHECK (char_length(description) <= 200),
  price              numeric(10, 2),
  action_url         text CHECK (char_length(action_url) <= 500),
  interaction_tag_id bigint REFERENCES interaction_tags,
  sort_order         int NOT NULL DEFAULT 0,
  created_at         timestamptz NOT NULL
);
CREATE INDEX template_carousel_items_template ON template_carousel_items (template_id, sort_order, id);
CREATE INDEX template_carousel_items_tag ON template_carousel_items (interaction_tag_id);

-- Versions that campaigns have used, in the form of the API's answer.
CREATE TABLE crm_template_versions (
  template_id bigint NOT NULL REFERENCES message_templates,
  version     int NOT NULL,
  template    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (template_id, version)
);

-- Campaigns --------------------------------------------------------------------------------------

CREATE TABLE campaigns (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title             text NOT NULL CHECK (char_length(title) <= 100),
  template_id       bigint NOT NULL REFERENCES message_templates,
  -- {type: all | tags | segment, include_tags, exclude_tags, include_mode, segment_id}
  target_audience   jsonb NOT NULL,
  -- {type: friend_days, days_range: [a, b]}
  trigger_condition jsonb,
  scheduled_at      timestamptz,
  sent_at           timestamptz,
  status            text NOT NULL CHECK (status IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'failed', 'cancelled')),
  -- Recipients that LINE accepted, that opened and that clicked. They move with the recipients' states.
  sent_count        int NOT NULL DEFAULT 0 CHECK (sent_count >= 0),
  opened_count      int NOT NULL DEFAULT 0 CHECK (opened_count >= 0),
  clicked_count     int NOT NULL DEFAULT 0 CHECK (clicked_count >= 0),
  created_by        bigint REFERENCES users,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz,
  -- Recipients by the other states; the rest of recipient_count is pending.
  recipient_count   int NOT NULL DEFAULT 0,
  failed_count      int NOT NULL DEFAULT 0 CHECK (failed_count >= 0),
  unknown_count     int NOT NULL DEFAULT 0 CHECK (unknown_count >= 0),
  skipped_count     int NOT NULL DEFAULT 0 CHECK (skipped_count >= 0),
  -- Members of the audience that were left out, by reason: {no_line, unfollowed, no_marketing}.
  excluded          jsonb,
  -- What is sent, frozen at the start: the version of the template, the LINE messages (with {token} in the personal
  -- links), and the key of the links' and retry keys' signatures.
  template_version  int,
  line_messages     jsonb,
  is_personal       boolean,
  link_key          text,
  -- A friend_days campaign: the last local day for which it was evaluated.
  evaluated_on      date,
  -- The reason why it failed, as a code and a sentence.
  error_code        text,
  error_message     text,
  CHECK (recipient_count >= sent_count + failed_count + unknown_count + skipped_count)
);
CREATE INDEX campaigns_template ON campaigns (template_id);
CREATE INDEX campaigns_created_by ON campaigns (created_by);
CREATE INDEX campaigns_created ON campaigns (created_at DESC, id DESC);
CREATE INDEX campaigns_due ON campaigns (scheduled_at) WHERE status = 'scheduled';
CREATE INDEX campaigns_sending ON campaigns (id) WHERE status = 'sending';
ALTER TABLE interaction_tags ADD CONSTRAINT interaction_tags_campaign_fkey FOREIGN KEY (campaign_id) REFERENCES campaigns
  ON DELETE SET NULL;

-- Recipients that are handed to LINE together: up to 100 by push, or up to 500 by one multicast call.
CREATE TABLE crm_batches (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign_id   bigint NOT NULL REFERENCES campaigns,
  kind          text NOT NULL CHECK (kind IN ('push', 'multicast')),
  -- Raised when failed recipients are tried again by hand: the retry keys change with it.
  round         int NOT NULL DEFAULT 1,
  state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done')),
  next_try_at   timestamptz NOT NULL,
  -- Tries that ended without an acceptance.
  tries         int NOT NULL DEFAULT 0,
  -- A worker has it until then. Late results name an old number of claims and are ignored.
  claims        int NOT NULL DEFAULT 0,
  claimed_until timestamptz,
  -- The earliest call whose answer is not known: LINE knows the retry keys for 24 hours from then.
  unheard_since timestamptz
);
CREATE INDEX crm_batches_waiting ON crm_batches (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX crm_batches_campaign ON crm_batches (campaign_id);

CREATE TABLE campaign_recipients (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign_id   bigint NOT NULL REFERENCES campaigns,
  member_id     bigint NOT NULL REFERENCES members,
  sent_at       timestamptz,
  opened_at     timestamptz,
  clicked_at    timestamptz,
  status        text NOT NULL CHECK (status IN ('pending', 'sent', 'opened', 'clicked', 'failed', 'unknown', 'skipped')),
  error_message text CHECK (char_length(error_message) <= 500),
  batch_id      bigint NOT NULL REFERENCES crm_batches,
  -- The LINE user at the time at which the recipients were resolved.
  line_uid      text NOT NULL,
  -- The first conversion after a click: `created_at` of the consumption record.
  converted_at  timestamptz,
  CONSTRAINT campaign_recipients_key UNIQUE (campaign_id, member_id)
);
CREATE INDEX campaign_recipients_batch ON campaign_recipients (batch_id) WHERE status = 'pending';
CREATE INDEX campaign_recipients_page ON campaign_recipients (campaign_id, id);
CREATE INDEX campaign_recipients_member ON campaign_recipients (member_id, campaign_id);

-- Recipients that went into another one of the same campaign when their members were merged: the links in their messages
-- have their ids.
CREATE TABLE crm_merged_recipients (
  id           bigint PRIMARY KEY,
  recipient_id bigint NOT NULL REFERENCES campaign_recipients
);
CREATE INDEX crm_merged_recipients_recipient ON crm_merged_recipients (recipient_id);

-- Links of what is sent, as they were stored when the campaign started: no other address is followed.
CREATE TABLE crm_links (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign_id  bigint NOT NULL REFERENCES campaigns,
  position     int NOT NULL,
  label        text NOT NULL,
  url          text,
  template_id  bigint REFERENCES message_templates,
  tag_ids      bigint[] NOT NULL DEFAULT '{}',
  CONSTRAINT crm_links_key UNIQUE (campaign_id, position)
);
CREATE INDEX crm_links_template ON crm_links (template_id);

CREATE TABLE crm_clicks (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  campaign_id  bigint NOT NULL REFERENCES campaigns,
  recipient_id bigint NOT NULL REFERENCES campaign_recipients,
  member_id    bigint NOT NULL REFERENCES members,
  link_id      bigint NOT NULL REFERENCES crm_links,
  clicked_at   timestamptz NOT NULL
);
CREATE INDEX crm_clicks_member ON crm_clicks (member_id, clicked_at);
CREATE INDEX crm_clicks_recipient ON crm_clicks (recipient_id);
CREATE INDEX crm_clicks_link ON crm_clicks (link_id);
CREATE INDEX crm_clicks_campaign ON crm_clicks (campaign_id);

CREATE TABLE tag_trigger_logs (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id      bigint NOT NULL REFERENCES members,
  tag_id         bigint NOT NULL,
  campaign_id    bigint REFERENCES campaigns,
  trigger_source text NOT NULL CHECK (trigger_source IN ('click', 'interaction', 'manual')),
  triggered_at   timestamptz NOT NULL
);
CREATE INDEX tag_trigger_logs_member ON tag_trigger_logs (member_id, triggered_at);
CREATE INDEX tag_trigger_logs_tag ON tag_trigger_logs (tag_id);
CREATE INDEX tag_trigger_logs_campaign ON tag_trigger_logs (campaign_id);
CREATE INDEX tag_trigger_logs_at ON tag_trigger_logs (triggered_at, tag_id);

-- The limits of LINE's API over all workers: a token bucket each. It goes by the database's own clock.
CREATE TABLE crm_line_pace (
  key    text PRIMARY KEY,
  tokens double precision NOT NULL,
  at     timestamptz NOT NULL
);

-- Conversations ----------------------------------------------------------------------------------

CREATE TABLE messages (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id    bigint NOT NULL REFERENCES members,
  campaign_id  bigint REFERENCES campaigns,
  content      text NOT NULL,
  direction    text NOT NULL CHECK (direction IN ('incoming', 'outgoing')),
  message_type text NOT NULL CHECK (message_type IN ('text', 'image', 'template')),
  sender_type  text CHECK (sender_type IN ('manual', 'auto', 'campaign')),
  sender_id    bigint REFERENCES users,
  read_at      timestamptz,
  created_at   timestamptz NOT NULL,
  -- Outgoing: where it is on its way. `unknown`: handed to LINE more than a day ago without an answer.
  status       text NOT NULL DEFAULT 'sent' CHECK (status IN ('scheduled', 'queued', 'sent', 'failed', 'unknown', 'cancelled')),
  scheduled_at timestamptz,
  -- The LINE messages to send and the key that makes a repeat harmless, while it is on its way.
  payload      jsonb,
  retry_key    uuid,
  next_try_at  timestamptz,
  tries        int NOT NULL DEFAULT 0,
  claims       int NOT NULL DEFAULT 0,
  unheard_since timestamptz,
  error_message text,
  line_message_id text,
  -- Incoming: the sender took it back. Its content is gone.
  unsent_at    timestamptz,
  file_id      bigint REFERENCES files,
  CHECK ((direction = 'outgoing') = (sender_type IS NOT NULL))
);
CREATE INDEX messages_member ON messages (member_id, id);
CREATE INDEX messages_created ON messages (created_at, id);
CREATE INDEX messages_campaign ON messages (campaign_id) WHERE campaign_id IS NOT NULL;
CREATE INDEX messages_sender ON messages (sender_id) WHERE sender_id IS NOT NULL;
CREATE INDEX messages_waiting ON messages (next_try_at, id) WHERE status IN ('scheduled', 'queued');
CREATE INDEX messages_line ON messages (line_message_id) WHERE line_message_id IS NOT NULL;
CREATE INDEX messages_file ON messages (file_id) WHERE file_id IS NOT NULL;
CREATE INDEX messages_unread ON messages (member_id, id) WHERE direction = 'incoming' AND read_at IS NULL;

-- A member's conversation, once somebody wrote in it (campaigns are not in the list).
CREATE TABLE crm_conversations (
  member_id       bigint PRIMARY KEY REFERENCES members,
  last_message_id bigint NOT NULL REFERENCES messages,
  last_message_at timestamptz NOT NULL,
  -- Incoming messages that were not read. Moves with the messages.
  unread_count    int NOT NULL DEFAULT 0 CHECK (unread_count >= 0),
  assigned_to     bigint REFERENCES users,
  assigned_at     timestamptz
);
CREATE INDEX crm_conversations_latest ON crm_conversations (last_message_at DESC, member_id);
CREATE INDEX crm_conversations_assigned ON crm_conversations (assigned_to, last_message_at DESC);
CREATE INDEX crm_conversations_last ON crm_conversations (last_message_id);

CREATE TABLE crm_quick_replies (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title      text NOT NULL,
  content    text NOT NULL,
  created_by bigint REFERENCES users,
  created_at timestamptz NOT NULL,
  updated_at timestamptz,
  CONSTRAINT crm_quick_replies_title_key UNIQUE (title)
);
CREATE INDEX crm_quick_replies_created_by ON crm_quick_replies (created_by);

-- Events of LINE's webhook, each once. They are handled in the order of their time, one at a time for each LINE user.
CREATE TABLE crm_line_events (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id     text NOT NULL,
  line_uid     text NOT NULL,
  at           timestamptz NOT NULL,
  event        jsonb NOT NULL,
  received_at  timestamptz NOT NULL,
  state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed')),
  tries        int NOT NULL DEFAULT 0,
  next_try_at  timestamptz NOT NULL,
  error        text,
  done_at      timestamptz,
  CONSTRAINT crm_line_events_key UNIQUE (event_id)
);
CREATE INDEX crm_line_events_waiting ON crm_line_events (line_uid, at, id) WHERE state = 'waiting';
CREATE INDEX crm_line_events_received ON crm_line_events (received_at);

CREATE TABLE auto_responses (
  id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name               text NOT NULL CHECK (char_length(name) <= 100),
  trigger_type       text NOT NULL CHECK (trigger_type IN ('welcome', 'keyword', 'time')),
  content            text NOT NULL,
  template_id        bigint REFERENCES message_templates,
  is_active          boolean NOT NULL DEFAULT true,
  trigger_time_start time,
  trigger_time_end   time,
  trigger_count      int NOT NULL DEFAULT 0 CHECK (trigger_count >= 0),
  success_rate       numeric(5, 2) GENERATED ALWAYS AS
    (CASE WHEN trigger_count > 0 THEN round(100.0 * delivered_count / trigger_count, 2) ELSE 0 END) STORED,
  created_at         timestamptz NOT NULL,
  updated_at         timestamptz,
  -- Answers that LINE accepted.
  delivered_count    int NOT NULL DEFAULT 0 CHECK (delivered_count BETWEEN 0 AND trigger_count),
  -- The lowest is asked first.
  priority           int NOT NULL DEFAULT 100,
  CHECK ((trigger_type = 'time') = (trigger_time_start IS NOT NULL AND trigger_time_end IS NOT NULL))
);
CREATE INDEX auto_responses_template ON auto_responses (template_id);

CREATE TABLE auto_response_keywords (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  auto_response_id bigint NOT NULL REFERENCES auto_responses ON DELETE CASCADE,
  keyword          text NOT NULL CHECK (char_length(keyword) BETWEEN 1 AND 50),
  match_count      int NOT NULL DEFAULT 0 CHECK (match_count >= 0),
  created_at       timestamptz NOT NULL,
  CONSTRAINT auto_response_keywords_key UNIQUE (auto_response_id, keyword)
);

-- An answer by a rule, once for each event. `verify` counts these rows.
CREATE TABLE crm_answers (
  event_id         bigint PRIMARY KEY REFERENCES crm_line_events,
  auto_response_id bigint REFERENCES auto_responses ON DELETE SET NULL,
  keyword_id       bigint REFERENCES auto_response_keywords ON DELETE SET NULL,
  message_id       bigint NOT NULL REFERENCES messages,
  at               timestamptz NOT NULL,
  delivered        boolean NOT NULL DEFAULT false
);
CREATE INDEX crm_answers_rule ON crm_answers (auto_response_id);
CREATE INDEX crm_answers_keyword ON crm_answers (keyword_id);
CREATE INDEX crm_answers_message ON crm_answers (message_id);

-- PMS --------------------------------------------------------------------------------------------

CREATE TABLE crm_syncs (
  -- The `task_id`.
  id           text PRIMARY KEY,
  sync_type    text NOT NULL CHECK (sync_type IN ('members', 'consumption_records')),
  force        boolean NOT NULL,
  status       text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
  synced_count int NOT NULL DEFAULT 0,
  -- Rows that were refused, and guests that wait for review.
  failed_count int NOT NULL DEFAULT 0,
  -- Rows of guests whom a person ignored, or whose member was deleted.
  skipped_count int NOT NULL DEFAULT 0,
  error        text,
  pages        int NOT NULL DEFAULT 0,
  -- Failed calls of the PMS since the last page.
  tries        int NOT NULL DEFAULT 0,
  -- Number of starts. A late run names an old number and is ignored.
  runs         int NOT NULL DEFAULT 0,
  -- Where the run goes on after a page.
  cursor       text,
  created_by   bigint REFERENCES users,
  created_at   timestamptz NOT NULL,
  started_at   timestamptz,
  seen_at      timestamptz,
  completed_at timestamptz
);
CREATE UNIQUE INDEX crm_syncs_one ON crm_syncs (sync_type) WHERE status IN ('pending', 'running');
CREATE INDEX crm_syncs_created ON crm_syncs (created_at);
CREATE INDEX crm_syncs_created_by ON crm_syncs (created_by);

CREATE TABLE crm_sync_lines (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sync_id text NOT NULL REFERENCES crm_syncs ON DELETE CASCADE,
  at      timestamptz NOT NULL,
  level   text NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  text    text NOT NULL
);
CREATE INDEX crm_sync_lines_sync ON crm_sync_lines (sync_id, id);

-- Where the next incremental run starts.
CREATE TABLE crm_sync_cursors (
  sync_type  text PRIMARY KEY,
  cursor     text NOT NULL,
  updated_at timestamptz NOT NULL
);

-- Guests of the PMS whose member is known, by matching or by a person's choice. `member_id` null: ignored by choice.
CREATE TABLE crm_pms_guests (
  guest_key  text PRIMARY KEY,
  member_id  bigint REFERENCES members,
  chosen_by  bigint REFERENCES users,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX crm_pms_guests_member ON crm_pms_guests (member_id);
CREATE INDEX crm_pms_guests_chosen_by ON crm_pms_guests (chosen_by);

-- Records of the PMS that wait for a person: the guest is unknown, or fits several members or contradicts one.
CREATE TABLE crm_pms_reviews (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sync_type   text NOT NULL CHECK (sync_type IN ('members', 'consumption_records')),
  -- The guest, or the order.
  record_key  text NOT NULL,
  guest_key   text NOT NULL,
  reason      text NOT NULL CHECK (reason IN ('unmatched', 'ambiguous', 'contradiction')),
  -- The record by AES-256-GCM; empty once it belongs to a member.
  record      text NOT NULL,
  candidates  bigint[] NOT NULL DEFAULT '{}',
  state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'linked', 'created', 'ignored')),
  member_id   bigint REFERENCES members,
  decided_by  bigint REFERENCES users,
  created_at  timestamptz NOT NULL,
  decided_at  timestamptz,
  CONSTRAINT crm_pms_reviews_key UNIQUE (sync_type, record_key)
);
CREATE INDEX crm_pms_reviews_open ON crm_pms_reviews (created_at, id) WHERE state = 'open';
CREATE INDEX crm_pms_reviews_guest ON crm_pms_reviews (guest_key);
CREATE INDEX crm_pms_reviews_member ON crm_pms_reviews (member_id);
CREATE INDEX crm_pms_reviews_decided_by ON crm_pms_reviews (decided_by);

-- Figures ----------------------------------------------------------------------------------------

-- Recipients of a campaign by the local day on which they were reached, opened, clicked and converted. Moves with them.
CREATE TABLE crm_campaign_days (
  campaign_id bigint NOT NULL REFERENCES campaigns,
  day         date NOT NULL,
  sent        int NOT NULL DEFAULT 0,
  opened      int NOT NULL DEFAULT 0,
  clicked     int NOT NULL DEFAULT 0,
  converted   int NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id, day)
);
CREATE INDEX crm_campaign_days_day ON crm_campaign_days (day);

-- Messages by local day. Each kind has several rows (`slot`), so that many writers at once don't wait for each other.
CREATE TABLE crm_message_days (
  day         date NOT NULL,
  direction   text NOT NULL,
  -- '' for incoming messages.
  sender_type text NOT NULL,
  slot        int NOT NULL,
  count       int NOT NULL DEFAULT 0,
  PRIMARY KEY (day, direction, sender_type, slot)
);
