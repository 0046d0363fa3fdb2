-- Outbox rows that can't be handed on (unknown type, broken data): kept aside with the reason, so that the others go on.
-- An administrator puts them back into the outbox or drops them.
CREATE TABLE outbox_failures (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message    jsonb,
  operation  jsonb,
  error      text NOT NULL,
  created_at timestamptz NOT NULL,
  failed_at  timestamptz NOT NULL,
  CHECK (message IS NOT NULL OR operation IS NOT NULL)
);
