-- What administrators note of people, so that audiences can be chosen by it: 羽毛球队, newcomer.
CREATE TABLE user_tags (
  user_id    bigint NOT NULL REFERENCES users,
  tag        text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (user_id, tag)
);
CREATE INDEX user_tags_tag ON user_tags (tag);
