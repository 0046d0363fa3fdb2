-- The channels stand in code (src/kernel/notifications/channels.ts): a new one needs no migration.

ALTER TABLE notification_templates
  DROP CONSTRAINT notification_templates_channel_check,
  -- Which channels may have rich text or registered templates stands in the same table.
  DROP CONSTRAINT notification_templates_check,
  DROP CONSTRAINT notification_templates_check1,
  ADD CONSTRAINT notification_templates_channel_check CHECK (channel ~ '^[a-z][a-z0-9_]*$');

ALTER TABLE notification_preferences
  DROP CONSTRAINT notification_preferences_channel_check,
  ADD CONSTRAINT notification_preferences_channel_check CHECK (channel ~ '^[a-z][a-z0-9_]*$');

ALTER TABLE suppressions
  DROP CONSTRAINT suppressions_channel_check,
  ADD CONSTRAINT suppressions_channel_check CHECK (channel ~ '^[a-z][a-z0-9_]*$');

ALTER TABLE user_contacts
  DROP CONSTRAINT user_contacts_kind_check,
  ADD CONSTRAINT user_contacts_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]*$');
