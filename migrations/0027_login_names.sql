-- What is typed for a name may be a phone number, an address, or a password in the wrong field: the log keeps it masked, with a keyed hash by which it is found.
ALTER TABLE login_log ADD COLUMN name_index text;

-- An attempt on a locked name did not say whose it was.
UPDATE login_log l SET user_id = u.id
FROM users u
WHERE l.user_id IS NULL AND l.result = 'locked_out' AND l.at >= u.created_at AND u.status <> 'deleted'
  AND (l.name = lower(u.username) OR l.name = lower(u.email));

-- Usernames stay as they are, those that came by a third party (`wecom:lin`) too. There is no hash of what is masked here: the key is not in the database.
UPDATE login_log l SET name = left(name, 1) || '***' || CASE WHEN user_id IS NULL THEN '' ELSE coalesce(substring(name FROM '@[^@]*$'), '') END
WHERE NOT EXISTS (
  SELECT FROM users u
  WHERE u.id = l.user_id AND (l.name = lower(u.username) OR right(l.name, length(u.username) + 1) = ':' || lower(u.username)));

DROP INDEX login_log_name;
CREATE INDEX login_log_name ON login_log (name_index, at);

-- Whoever has one IPv6 address has at least the 2^64 of its network: they are one address to the lock-out.
CREATE FUNCTION network_of(address text) RETURNS cidr LANGUAGE sql IMMUTABLE AS $$
  SELECT network(set_masklen(address::inet, least(masklen(address::inet), 64)))
$$;
CREATE INDEX login_log_network ON login_log (network_of(address), at);
