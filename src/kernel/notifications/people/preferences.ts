import { sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import { Conflict, Invalid } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { saidBy } from '../recipients.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { isMandatory, type NotificationType } from '../texts/types.ts'

/** Whether somebody gets a type by each channel. */
export interface Preference {
  readonly type: string
  readonly title: string
  readonly category: NotificationType['category']
  /** Nobody can switch it off. */
  readonly mandatory: boolean
  readonly channels: Readonly<Record<string, boolean>>
}

/** One change of mind. */
export interface Wish {
  readonly type: string
  readonly channel: string
  readonly enabled: boolean
}

/** Everything a person can be told, and by which channels: as they said, else as the type says. */
export async function readPreferences(
  db: Database,
  catalogue: Catalogue,
  userId: number,
): Promise<readonly Preference[]> {
  const types = catalogue.types()
  const asked = types.map((type) => ({ key: type.key, channels: type.channels, mandatory: isMandatory(type) }))
  const said = saidBy(sql`${userId}::bigint`, { type: sql`t.key`, channel: sql`c.key`, mandatory: sql`t.mandatory` })
  const { rows } = await sql<Wish>`
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
 * Keeps what a person wants; what isn't named stays as it was.
 * @throws Invalid `unknown_type`; Conflict `mandatory_notification` for switching off what is urgent or about the account's safety.
 */
export async function savePreferences(
  kernel: Pick<Kernel, 'transaction' | 'clock'>,
  catalogue: Catalogue,
  userId: number,
  wishes: readonly Wish[],
): Promise<void> {
  for (const { type: key, channel, enabled } of wishes) {
    const type = catalogue.typeOf(key)
    if (!type) throw new Invalid('unknown_type', `There is no notification type ${JSON.stringify(key.slice(0, 100))}.`)
    if (!enabled && isMandatory(type) && type.channels.includes(channel)) {
      throw new Conflict('mandatory_notification', `${key} cannot be switched off.`, { facts: { type: key, channel } })
    }
  }
  const now = kernel.clock.now()
  await kernel.transaction((tx) => writePreferences(tx, userId, wishes, now))
}

async function writePreferences(tx: Transaction, userId: number, wishes: readonly Wish[], now: Date): Promise<void> {
  // Named twice: the last word counts; and one statement can't write a row twice.
  const last = [...new Map(wishes.map((wish) => [`${wish.type} ${wish.channel}`, wish])).values()]
  await sql`
    INSERT INTO notification_preferences (user_id, type, channel, enabled, updated_at)
    SELECT ${userId}, type, channel, enabled, ${now}
    FROM jsonb_to_recordset(${JSON.stringify(last)}::text::jsonb) AS w(type text, channel text, enabled boolean)
    ORDER BY type, channel
    ON CONFLICT (user_id, type, channel) DO UPDATE SET enabled = excluded.enabled, updated_at = excluded.updated_at`.execute(
    tx,
  )
}

/** Ends mails of one type to a person, or of every type that can be switched off. */
export async function switchOffMail(tx: Transaction, userId: number, type: string | 'all', now: Date): Promise<void> {
  if (type === 'all') {
    await sql`DELETE FROM notification_preferences WHERE user_id = ${userId} AND channel = 'email' AND enabled`.execute(
      tx,
    )
  }
  const key = type === 'all' ? '*' : type
  await writePreferences(tx, userId, [{ type: key, channel: 'email', enabled: false }], now)
}
