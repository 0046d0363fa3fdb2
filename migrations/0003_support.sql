-- Support: feedback, frequent questions, tickets and the chat. Rules: docs/support.md.

CREATE TABLE feedback (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id           bigint NOT NULL REFERENCES users,
  -- The venue it is about. References venues, see 0004_venue.sql.
  venue_id          bigint,
  type              text NOT NULL CHECK (type IN ('suggestion', 'complaint', 'problem', 'praise', 'other')),
  title             text,
  content           text NOT NULL,
  -- A phone number or an address as the person wrote it, by AES-256-GCM.
  contact_encrypted text,
  rating            smallint CHECK (rating BETWEEN 1 AND 5),
  status            text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replied', 'closed')),
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL
);
CREATE INDEX feedback_user ON feedback (user_id, id);
CREATE INDEX feedback_venue ON feedback (venue_id, id);
CREATE INDEX feedback_status ON feedback (status, id);

CREATE TABLE feedback_messages (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  feedback_id bigint NOT NULL REFERENCES feedback,
  author_id   bigint NOT NULL REFERENCES users,
  from_staff  boolean NOT NULL,
  content     text NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE INDEX feedback_messages_feedback ON feedback_messages (feedback_id, id);
CREATE INDEX feedback_messages_author ON feedback_messages (author_id);

CREATE TABLE faqs (
  id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  category       text NOT NULL,
  question       text NOT NULL,
  answer         text NOT NULL,
  -- Other search terms.
  keywords       text NOT NULL DEFAULT '',
  position       int NOT NULL DEFAULT 0,
  published      boolean NOT NULL DEFAULT true,
  -- Search terms of the texts: words of letters, and pairs of neighbouring Chinese characters (trigrams miss words of
  -- two characters).
  question_terms text[] NOT NULL,
  terms          text[] NOT NULL,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL
);
CREATE INDEX faqs_terms ON faqs USING gin (terms);
CREATE INDEX faqs_category ON faqs (category, position, id);

CREATE TABLE tickets (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id     bigint NOT NULL REFERENCES users,
  subject     text NOT NULL,
  description text NOT NULL,
  category    text,
  priority    text NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
  status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'in_progress', 'waiting', 'resolved', 'closed')),
  assignee_id bigint REFERENCES users,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL,
  -- Time at which it was resolved or closed. Its owner can open it again until 14 days later.
  ended_at    timestamptz,
  CHECK ((status IN ('resolved', 'closed')) = (ended_at IS NOT NULL))
);
CREATE INDEX tickets_user ON tickets (user_id, id);
CREATE INDEX tickets_status ON tickets (status, id);
CREATE INDEX tickets_assignee ON tickets (assignee_id, id);

CREATE TABLE ticket_messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticket_id  bigint NOT NULL REFERENCES tickets,
  author_id  bigint NOT NULL REFERENCES users,
  from_staff boolean NOT NULL,
  content    text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX ticket_messages_ticket ON ticket_messages (ticket_id, id);
CREATE INDEX ticket_messages_author ON ticket_messages (author_id);

CREATE TABLE chat_sessions (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id     bigint NOT NULL REFERENCES users,
  -- bot: the bot answers; queued: waits for an agent; agent: an agent answers.
  status      text NOT NULL DEFAULT 'bot' CHECK (status IN ('bot', 'queued', 'agent', 'closed')),
  -- The agent who serves the session, or served it last.
  agent_id    bigint REFERENCES users,
  -- Time at which the person asked for a human. The queue is in this order, also after a transfer back into it.
  queued_at   timestamptz,
  accepted_at timestamptz,
  created_at  timestamptz NOT NULL,
  -- Time of the last message.
  updated_at  timestamptz NOT NULL,
  closed_at   timestamptz,
  CHECK (status <> 'agent' OR (agent_id IS NOT NULL AND accepted_at IS NOT NULL)),
  CHECK (status <> 'queued' OR queued_at IS NOT NULL),
  CHECK ((status = 'closed') = (closed_at IS NOT NULL))
);
-- A person has one open session: two requests to open one get the same session.
CREATE UNIQUE INDEX chat_sessions_one_open ON chat_sessions (user_id) WHERE status <> 'closed';
CREATE INDEX chat_sessions_user ON chat_sessions (user_id, id);
CREATE INDEX chat_sessions_agent ON chat_sessions (agent_id, id);
CREATE INDEX chat_sessions_queue ON chat_sessions (queued_at, id) WHERE status = 'queued';
CREATE INDEX chat_sessions_idle ON chat_sessions (updated_at) WHERE status <> 'closed';

-- Messages are written with the session's row locked, so that those of one session become visible in the order of their
-- ids.
CREATE TABLE chat_messages (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id bigint NOT NULL REFERENCES chat_sessions,
  author     text NOT NULL CHECK (author IN ('user', 'bot', 'agent', 'system')),
  author_id  bigint REFERENCES users,
  content    text NOT NULL,
  -- The event that a system message reports, so that the history shows every change of the session.
  event      text CHECK (event IN ('opened', 'handover', 'accepted', 'transferred', 'closed')),
  -- The sender's own id of the message. Sent again with the same id, it is the same message.
  client_id  text,
  -- The question that the bot answers with this message. A question has one answer, however often the job runs.
  reply_to   bigint REFERENCES chat_messages,
  faq_ids    bigint[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  CHECK ((author IN ('user', 'agent')) = (author_id IS NOT NULL)),
  CHECK ((author = 'system') = (event IS NOT NULL))
);
CREATE INDEX chat_messages_session ON chat_messages (session_id, id);
CREATE INDEX chat_messages_author ON chat_messages (author_id);
CREATE UNIQUE INDEX chat_messages_client_key ON chat_messages (session_id, author_id, client_id);
CREATE UNIQUE INDEX chat_messages_one_answer ON chat_messages (reply_to);
