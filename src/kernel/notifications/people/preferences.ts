import { sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import { Conflict, Invalid } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { saidBy } from '../recipients.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { isMandatory, type NotificationType } from '../texts/types.ts'

/** A person's preferences for one type. */
export interface Preference {
  readonly type: string
  readonly title: string
  readonly category: NotificationType['category']
  /** The type can't be switched off. */
  readonly mandatory: boolean
  /** By channel: whether the person gets the type by it. */
  readonly channels: Readonly<Record<string, boolean>>
}

/** The setting of one type by one channel. */
export interface ChannelPreference {
  readonly type: string
  readonly channel: string
  readonly enabled: boolean
}

/** Reads the preferences of a person for all types: their own settings, otherwise the defaults of the type. */
export async function readPreferences(
  db: Database,
  catalogue: Catalogue,
  userId: number,
): Promise<readonly Preference[]> {
  const types = catalogue.types()
  const asked = types.map((type) => ({ key: type.key, channels: type.channels, mandatory: isMandatory(type) }))
  const said = saidBy(sql`${userId}::bigint`, { type: sql`t.key`, channel: sql`c.key`, mandatory: sql`t.mandatory` })
  const { rows } = await sql<ChannelPreference>`
    SELECT t.key AS type, c.key AS channel, coalesce(${said}, c.key = ANY (t.channels)) AS enabled
    FROM jsonb_to_recordset(${JSON.stringify(asked)}::text::jsonb) AS t(key text, channels text[], mandatory boolean)
    CROSS JOIN unnest(${catalogue.channels.switchable}::text[]) WITH ORDINALITY AS c(key, place)
    ORDER BY c.place`.execute(db)
  const byType = Map.groupBy(rows, ({ type }) => type)
  return types.map((type) => {
    const channels = (byType.get(type.key) ?? []).map(({ channel, enabled }) => [channel, enabled] as const)
    const { key, title, category } = type
    return { type: key, title, category, mandatory: isMandatory(type), channels: Object.fromEntries(channels) }
  })
}

/**
 * Saves preferences of a person; types and channels that are not named stay unchanged.
 * @throws Invalid `unknown_type`; Conflict `mandatory_notification` when a mandatory type would be switched off
 */
export async function savePreferences(
  kernel: Pick<Kernel, 'transaction' | 'clock'>,
  catalogue: Catalogue,
  userId: number,
  preferences: readonly ChannelPreference[],
): Promise<void> {
  for (const { type: key, channel, enabled } of preferences) {
    const type = catalogue.typeOf(key)
    if (!type) throw new Invalid('unknown_type', `There is no notification type ${JSON.stringify(key.slice(0, 100))}.`)
    if (!enabled && isMandatory(type) && type.channels.includes(channel)) {
      throw new Conflict('mandatory_notification', `${key} cannot be switched off.`, { facts: { type: key, channel } })
    }
  }
  const now = kernel.clock.now()
  await kernel.transaction((tx) => writePreferences(tx, userId, preferences, now))
}

async function writePreferences(
  tx: Transaction,
  userId: number,
  preferences: readonly ChannelPreference[],
  now: Date,
): Promise<void> {
  // If a pair is named twice, the last one counts: one statement can't write a row twice.
  const byPair = new Map(preferences.map((one) => [`${one.type} ${one.channel}`, one]))
  await sql`
    INSERT INTO notification_preferences (user_id, type, channel, enabled, updated_at)
    SELECT ${userId}, type, channel, enabled, ${now}
    FROM jsonb_to_recordset(${JSON.stringify([...byPair.values()])}::text::jsonb)
      AS p(type text, channel text, enabled boolean)
    ORDER BY type, channel
    ON CONFLICT (user_id, type, channel) DO UPDATE
      SET enabled = excluded.enabled, updated_at = excluded.updated_at`.execute(tx)
}

/** Switches off mails of one type to a person, or of all types that can be switched off. */
export async function switchOffMail(tx: Transaction, userId: number, type: string | 'all', now: Date): Promise<void> {
  if (type === 'all') {
    await sql`DELETE FROM notification_preferences WHERE user_id = ${userId} AND channel = 'email' AND enabled`.execute(
      tx,
    )
  }
  const key = type === 'all' ? '*' : type
  await writePreferences(tx, userId, [{ type: key, channel: 'email', enabled: false }], now)
}
