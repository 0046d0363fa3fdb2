import { type RawBuilder, sql } from 'kysely'
import type { Channels, DeliveryChannel } from './channels.ts'

/**
 * SQL fragments that decide who gets a message by which channel. The statements that create messages, send them, fall
 * back on another channel, read preferences and feed the live inbox all contain them, so the rules exist once.
 *
 * They are fragments, not database functions: PostgreSQL does not inline functions with sub-selects, so a broadcast
 * would cost one call per person and channel. Also, addresses come from the table of channels, so a new channel needs
 * no migration.
 */

type Sql = RawBuilder<unknown>

/** A type of notification and a channel. */
interface TypeAndChannel {
  readonly type: Sql
  readonly channel: Sql
  /** Whether the type can't be switched off. */
  readonly mandatory: Sql
}

/**
 * A person's preference for a type by a channel: true (switched on), false (switched off), NULL (none: the type
 * decides). A preference for the type takes precedence over one for all types (`*`). A mandatory type can be switched
 * on for a further channel, but not off.
 */
export function saidBy(userId: Sql, { type, channel, mandatory }: TypeAndChannel): Sql {
  return sql`(
    SELECT p.enabled FROM notification_preferences p
    WHERE p.user_id = ${userId}
      AND p.channel = ${channel}
      AND p.type IN (${type}, '*')
      AND (p.enabled OR NOT ${mandatory})
    ORDER BY p.type = '*'
    LIMIT 1
  )`
}

/** A person's address for a channel, as stored; NULL when there is none. `user`: names a row of `users`. */
export function addressOf(channels: Channels, channel: Sql, user: Sql): Sql {
  return byChannel(channels, channel, ({ address }) => address.stored(user))
}

/** Digest of that address. */
function addressKeyOf(channels: Channels, channel: Sql, user: Sql): Sql {
  return byChannel(channels, channel, ({ address }) => address.key(user))
}

/** Whether an address is suppressed. Unsubscribing suppresses bare addresses only: people have preferences instead. */
function isSuppressed(channel: Sql, addressKey: Sql, bare: Sql): Sql {
  return sql`EXISTS (
    SELECT FROM suppressions s
    WHERE s.channel = ${channel}
      AND s.address_key = ${addressKey}
      AND (${bare} OR s.reason <> 'unsubscribed')
  )`
}

export interface Recipient extends TypeAndChannel {
  /** Names a row of `users`; all its columns are NULL for a bare address that belongs to no account. */
  readonly user: Sql
  /** A provider for the channel is configured. */
  readonly configured?: Sql
  /** For deliveries that may go to a bare address: its digest (else NULL), and whether it does. */
  readonly bare?: { readonly key: Sql; readonly is: Sql }
}

/**
 * A sub-select for LATERAL: one row of facts about a delivery. `said`: see `saidBy`. `address`: as stored. `reason`:
 * why nothing is delivered, NULL when it is. `suppressed`: the address is on the suppression list. Columns that are not
 * read cost nothing.
 */
export function recipient(channels: Channels, of: Recipient): Sql {
  const { user, channel, configured = sql`true`, bare = { key: sql`NULL::text`, is: sql`false` } } = of
  const key = sql`coalesce(${bare.key}, ${addressKeyOf(channels, channel, user)})`
  // OFFSET 0 keeps the planner from repeating the sub-selects for each column that is read.
  return sql`(
    SELECT f.said,
      f.address,
      CASE
        WHEN f.said = false THEN 'switched_off'
        WHEN NOT ${configured} THEN 'not_configured'
        WHEN f.address IS NULL THEN 'no_address'
      END AS reason,
      ${isSuppressed(channel, key, bare.is)} AS suppressed
    FROM (
      SELECT ${saidBy(sql`${user}.id`, of)} AS said,
        ${addressOf(channels, channel, user)} AS address
      OFFSET 0
    ) AS f
    OFFSET 0
  )`
}

function byChannel(channels: Channels, channel: Sql, value: (of: DeliveryChannel) => Sql): Sql {
  const cases = channels.delivered.map((of) => sql`WHEN ${sql.lit(of.key)} THEN ${value(of)}`)
  return sql`CASE ${channel} ${sql.join(cases, sql` `)} END`
}
