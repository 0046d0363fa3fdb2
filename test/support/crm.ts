import { sql } from 'kysely'
import { type LineServer, startLineServer } from '../../src/crm/demo/line/server.ts'
import { ADMIN_ROLE, MARKETING_ROLE, SERVICE_ROLE } from '../../src/crm/permissions.ts'
import { inserted } from '../../src/kernel/database/inserted.ts'
import { openWorld, type Person, type World, type WorldOptions } from './world.ts'

/** A world with only the CRM, and LINE as a fake server. Monday, 2 March 2026, 08:00 in Taipei unless options say. */
export interface CrmWorld extends World {
  readonly line: LineServer
  readonly admin: Person
  readonly marketing: Person
  readonly service: Person
}

export async function openCrm(
  env: Readonly<Record<string, string>> = {},
  options: WorldOptions = {},
): Promise<CrmWorld> {
  const time: { now: () => number } = { now: Date.now }
  const line = await startLineServer({ now: () => time.now() })
  const world = await openWorld(
    {
      PRODUCTS: 'crm',
      // LINE takes pictures only over https.
      PUBLIC_URL: 'https://crm.example.com',
      LINE_CHANNEL_ACCESS_TOKEN: line.token,
      LINE_CHANNEL_SECRET: line.secret,
      LINE_BASE_URL: line.url,
      LINE_DATA_BASE_URL: line.url,
      ...env,
    },
    options,
  )
  time.now = () => world.clock.now().getTime()
  return {
    ...world,
    line,
    admin: await world.person(ADMIN_ROLE),
    marketing: await world.person(MARKETING_ROLE),
    service: await world.person(SERVICE_ROLE),
    async close() {
      await world.close()
      await line.close()
    },
  }
}

/** Where the builders add rows: a world, or the database of real processes. */
export interface CrmSite {
  readonly database: Pick<World['database'], 'db'>
  readonly clock: Pick<World['clock'], 'now'>
}

let count = 0

export interface MemberOptions {
  readonly firstName?: string
  readonly lastName?: string
  readonly email?: string
  readonly phone?: string
  /** The LINE user, who follows the account; null: none. Default: one of their own. */
  readonly lineUid?: string | null
  readonly followedAt?: Date
  readonly unfollowed?: boolean
  readonly acceptMarketing?: boolean
  readonly tags?: readonly number[]
}

/** Adds a member who follows the official account; answers the id and the LINE user. */
export async function member(
  site: CrmSite,
  options: MemberOptions = {},
): Promise<{ readonly id: number; readonly lineUid: string | null }> {
  const n = ++count
  const now = site.clock.now()
  const lineUid = options.lineUid === undefined ? `U${String(n).padStart(32, '0')}` : options.lineUid
  const { firstName = `明${n}`, lastName = '王', email = null, phone = null } = options
  const { rows } = await sql<{ id: number }>`
    INSERT INTO members (line_uid, line_display_name, first_name, last_name, email, phone, phone_e164, source,
      accept_marketing, created_at, followed_at, unfollowed_at)
    VALUES (${lineUid}, ${lineUid === null ? null : `好友${n}`}, ${firstName}, ${lastName}, ${email}, ${phone},
      ${phone}, ${lineUid === null ? 'crm' : 'line'}, ${options.acceptMarketing ?? true}, ${now},
      ${lineUid === null ? null : (options.followedAt ?? now)}, ${options.unfollowed ? now : null})
    RETURNING id`.execute(site.database.db)
  const { id } = inserted(rows)
  for (const tag of options.tags ?? []) await tagged(site, id, tag)
  return { id, lineUid }
}

/** Adds a member tag, or an interaction tag; answers its id. */
export async function tag(
  { database: { db }, clock }: CrmSite,
  {
    type = 'member',
    name = `標籤${++count}`,
  }: { readonly type?: 'member' | 'interaction'; readonly name?: string } = {},
): Promise<number> {
  const { rows } = await (type === 'member'
    ? sql<{ id: number }>`
        INSERT INTO member_tags (name, source, created_at) VALUES (${name}, 'manual', ${clock.now()}) RETURNING id`
    : sql<{ id: number }>`
        INSERT INTO interaction_tags (name, created_at) VALUES (${name}, ${clock.now()}) RETURNING id`
  ).execute(db)
  return inserted(rows).id
}

/** Puts a member tag on a member, with its counter. */
async function tagged({ database: { db }, clock }: CrmSite, memberId: number, tagId: number): Promise<void> {
  await sql`
    WITH added AS (
      INSERT INTO member_tag_relations (member_id, tag_id, tag_type, tagged_at)
      VALUES (${memberId}, ${tagId}, 'member', ${clock.now()})
    )
    UPDATE member_tags SET member_count = member_count + 1 WHERE id = ${tagId}`.execute(db)
}
