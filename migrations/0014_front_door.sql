-- Sessions that last as long as they are used, and the pictures at the room product's front door.

-- Until when using a session may move expires_at on; null: it stays where it is.
ALTER TABLE sessions ADD COLUMN ends_at timestamptz;

-- Letters that somebody was shown: a keyed hash. A row goes when it is tried, right or wrong.
CREATE TABLE captchas (
  id         uuid PRIMARY KEY,
  code_hash  bytea NOT NULL,
  expires_at timestamptz NOT NULL
);
CREATE INDEX captchas_expiry ON captchas (expires_at);
