import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Database, Transaction } from '../database/database.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import { repeat } from '../jobs/repeat.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../outbox/outbox.ts'
import { getAudience, whoFits } from './people/audiences.ts'

/** One message to many. */
export interface Broadcast {
  readonly id: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  /** Null: those of the type. */
  readonly channels: readonly string[] | null
  readonly audienceId: number | null
  /** As it was when it was sent. */
  readonly condition: unknown
  readonly state: 'running' | 'done' | 'cancelled'
  /** People the condition found. */
  readonly total: number
  /** Of them, those who have it in their inbox or are about to. */
  readonly handedOn: number
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** What is to be said, and to whom. */
export interface BroadcastWish {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly channels?: readonly string[] | undefined
  /** Either a saved audience or a condition. */
  readonly audienceId?: number | undefined
  readonly condition?: unknown
}

const BATCH = 500
const POLL_MS = 1000

const select = sql`
  SELECT b.id, b.type, b.data, b.channels, b.audience_id AS "audienceId", b.condition, b.state, b.total,
    (SELECT count(*)::int FROM broadcast_recipients r WHERE r.broadcast_id = b.id AND r.handed_on) AS "handedOn",
    b.created_at AS "createdAt", b.finished_at AS "finishedAt"
  FROM broadcasts b`

/** @throws NotFound */
export async function getBroadcast(db: Database, id: number): Promise<Broadcast> {
  const { rows } = await sql<Broadcast>`${select} WHERE b.id = ${id}`.execute(db)
  const [broadcast] = rows
  if (!broadcast) throw new NotFound('not_found', 'There is no such broadcast.')
  return broadcast
}

/** One page of the broadcasts in the order they were sent, and how many there are. */
export async function listBroadcasts(
  db: Database,
  page: { readonly limit: number; readonly offset: number; readonly descending: boolean },
): Promise<{ readonly items: readonly Broadcast[]; readonly total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  const { rows } = await sql<Broadcast>`
    ${select} ORDER BY b.id ${direction} LIMIT ${page.limit} OFFSET ${page.offset}`.execute(db)
  const counted = await sql<{ total: number }>`SELECT count(*)::int AS total FROM broadcasts`.execute(db)
  return { items: rows, total: counted.rows[0]?.total ?? 0 }
}

/**
 * Sends something to everybody whom a condition finds now. The people are written down in the same transaction; workers hand it on in batches.
 * @throws NotFound for the audience; Invalid `bad_condition`, `unknown_type`, `bad_data` when the type's texts need more than the data has.
 */
export async function createBroadcast(kernel: Kernel, caller: Caller, wish: BroadcastWish): Promise<Broadcast> {
  const type = kernel.notifications.catalogue.typeOf(wish.type)
  if (!type)
    throw new Invalid('unknown_type', `There is no notification type ${JSON.stringify(wish.type.slice(0, 100))}.`)
  try {
    kernel.notifications.catalogue.inboxTexts(type, wish.data)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Invalid('bad_data', `The data is not what the type’s texts need: ${reason.slice(0, 200)}`)
  }
  const condition =
    wish.audienceId === undefined ? wish.condition : (await getAudience(kernel.db, wish.audienceId)).condition
  const fits = whoFits(kernel, condition)
  const now = kernel.clock.now()
  const broadcast = await kernel.transaction(async (tx) => {
    // A type of the administrators' can't be deleted while this is written.
    await sql`SELECT 1 FROM notification_types WHERE key = ${wish.type} FOR KEY SHARE`.execute(tx)
    const { rows } = await sql<{ id: number }>`
      INSERT INTO broadcasts (type, data, channels, audience_id, condition, total, state, created_by, created_at)
      VALUES (${wish.type}, ${JSON.stringify(wish.data)}::text::jsonb, ${wish.channels ?? null}::text[], ${wish.audienceId ?? null},
        ${JSON.stringify(condition)}::text::jsonb, 0, 'running', ${caller.userId}, ${now})
      RETURNING id`.execute(tx)
    const id = rows[0]?.id ?? 0
    await sql`
      WITH found AS (
        INSERT INTO broadcast_recipients (broadcast_id, user_id) SELECT ${id}::bigint, u.id FROM users u WHERE ${fits} ORDER BY u.id RETURNING 1
      )
      UPDATE broadcasts SET total = (SELECT count(*) FROM found) WHERE id = ${id}`.execute(tx)
    await record(tx, now, { ...originOf(caller), action: 'broadcast.create', resource: 'broadcast', resourceId: id })
    return getBroadcast(tx, id)
  })
  kernel.nudge()
  return broadcast
}

/** Stops handing on: who hasn't got it won't. @throws NotFound; Conflict `bad_state` when it was over. */
export async function cancelBroadcast(kernel: Kernel, caller: Caller, id: number): Promise<Broadcast> {
  const now = kernel.clock.now()
  const broadcast = await kernel.transaction(async (tx) => {
    const { numAffectedRows } = await sql`
      UPDATE broadcasts SET state = 'cancelled', finished_at = ${now} WHERE id = ${id} AND state = 'running'`.execute(
      tx,
    )
    const after = await getBroadcast(tx, id)
    if ((numAffectedRows ?? 0n) === 0n) throw new Conflict('bad_state', `The broadcast is ${after.state}.`)
    await record(tx, now, { ...originOf(caller), action: 'broadcast.cancel', resource: 'broadcast', resourceId: id })
    return after
  })
  kernel.nudge()
  return broadcast
}

/** Hands broadcasts on to the outbox. */
export interface Dispatcher {
  nudge(): void
  start(): void
  stop(): Promise<void>
  /** Hands on all there is; answers how many people. */
  drain(): Promise<number>
}

/** Builds the dispatcher: one batch a transaction, so that a kill leaves each person either handed on or waiting. */
export function createDispatcher(
  kernel: Pick<Kernel, 'clock' | 'db' | 'log' | 'transaction'>,
  onHandedOn: () => void,
): Dispatcher {
  const step = async (): Promise<number> => {
    const waiting = await sql`SELECT 1 AS one FROM broadcasts WHERE state = 'running' LIMIT 1`.execute(kernel.db)
    if (waiting.rows.length === 0) return 0
    const people = await kernel.transaction((tx) => handOn(tx, kernel.clock.now()))
    if (people > 0) onHandedOn()
    return people
  }
  const loop = repeat({
    name: 'broadcasts',
    log: kernel.log,
    everyMs: POLL_MS,
    run: async () => ((await step()) > 0 ? 0 : POLL_MS),
  })
  return {
    nudge: loop.nudge,
    start: loop.start,
    stop: loop.stop,
    async drain() {
      let total = 0
      for (;;) {
        const people = await step()
        if (people === 0) return total
        total += people
      }
    },
  }
}

/** Hands one batch of the oldest broadcast on that nobody else is at; the last, empty one ends it. */
async function handOn(tx: Transaction, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number; type: string; data: Record<string, unknown>; channels: string[] | null }>`
    SELECT id, type, data, channels FROM broadcasts WHERE state = 'running' ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`.execute(
    tx,
  )
  const [broadcast] = rows
  if (!broadcast) return 0
  const { id, type, data, channels } = broadcast
  const batch = await sql<{ user_id: number }>`
    UPDATE broadcast_recipients SET handed_on = true
    WHERE broadcast_id = ${id} AND user_id = ANY (ARRAY(
      SELECT user_id FROM broadcast_recipients WHERE broadcast_id = ${id} AND NOT handed_on ORDER BY user_id LIMIT ${BATCH}))
    RETURNING user_id`.execute(tx)
  const userIds = batch.rows.map((row) => row.user_id)
  if (userIds.length > 0) {
    await notify(tx, now, { type, userIds, data, key: `broadcast:${id}`, ...(channels && { channels }) })
  }
  if (userIds.length < BATCH) {
    await sql`UPDATE broadcasts SET state = 'done', finished_at = ${now} WHERE id = ${id}`.execute(tx)
  }
  return userIds.length
}
