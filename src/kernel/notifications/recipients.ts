import { type RawBuilder, sql } from 'kysely'
import type { Channels, DeliveryChannel } from './channels.ts'

/**
 * Who gets what, by which channel: the one answer, as fragments of SQL. Making messages, sending, falling back to another channel, the
 * preferences and the live inbox all put it into their own statements.
 *
 * Fragments and not a function of the database: PostgreSQL does not inline functions with sub-selects, so a broadcast would pay a call for
 * each person and channel; and the addresses come from the table of channels, so that a new channel needs no migration.
 */

type Sql = RawBuilder<unknown>

/** A type of notification, a channel, and whether nobody can switch the type off. */
interface Asked {
  readonly type: Sql
  readonly channel: Sql
  readonly mandatory: Sql
}

/**
 * What a person said about a type by a channel: true (wants it), false (switched it off), NULL (nothing: the type decides). What was said of
 * this type counts more than what was said of all (`*`). Of mandatory types only what was added counts.
 */
export function saidBy(userId: Sql, { type, channel, mandatory }: Asked): Sql {
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

/** The stored address of a person for a channel; NULL where there is none. `user`: names a row of `users`. */
export function addressOf(channels: Channels, channel: Sql, user: Sql): Sql {
  return byChannel(channels, channel, ({ address }) => address.stored(user))
}

/** Digest of the same address. */
function addressKeyOf(channels: Channels, channel: Sql, user: Sql): Sql {
  return byChannel(channels, channel, ({ address }) => address.key(user))
}

/** Whether an address is on the suppression list. Unsubscribing counts for bare addresses only: people have preferences. */
function isSuppressed(channel: Sql, addressKey: Sql, bare: Sql): Sql {
  return sql`EXISTS (
    SELECT FROM suppressions s
    WHERE s.channel = ${channel}
      AND s.address_key = ${addressKey}
      AND (${bare} OR s.reason <> 'unsubscribed')
  )`
}

export interface Recipient extends Asked {
  /** Names a row of `users`; all its columns are NULL for a bare address that is nobody's. */
  readonly user: Sql
  /** A provider for the channel is configured. */
  readonly configured?: Sql
  /** For deliveries that may go to a bare address: its digest (else NULL), and whether it does. */
  readonly bare?: { readonly key: Sql; readonly is: Sql }
}

/**
 * One row for LATERAL: what stands for and against a delivery. `said`: see `saidBy`. `address`: as it is stored. `reason`: why it is not
 * delivered at all, NULL when it is. `suppressed`: its address is on the suppression list. Columns that are not read cost nothing.
 */
export function recipient(channels: Channels, of: Recipient): Sql {
  const { user, channel, configured = sql`true`, bare = { key: sql`NULL::text`, is: sql`false` } } = of
  const key = sql`coalesce(${bare.key}, ${addressKeyOf(channels, channel, user)})`
  // OFFSET keeps the planner from writing the sub-selects out wherever a column is read.
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
