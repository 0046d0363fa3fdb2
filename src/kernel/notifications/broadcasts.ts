import { sql } from 'kysely'
import { originOf } from '../audit/origin.ts'
import type { Database, Transaction } from '../database/database.ts'
import { Conflict, Invalid, NotFound } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import { repeat } from '../jobs/repeat.ts'
import type { Kernel } from '../kernel.ts'
import { notify, record } from '../outbox/outbox.ts'
import { getAudience, matchingPeople } from './people/audiences.ts'

/** One message to many people. */
export interface Broadcast {
  readonly id: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  /** Null: the channels of the type. */
  readonly channels: readonly string[] | null
  readonly audienceId: number | null
  /** The condition when the broadcast was created. */
  readonly condition: unknown
  readonly state: 'running' | 'done' | 'cancelled'
  /** Number of people that the condition found. */
  readonly total: number
  /** Number of people whose message is in the inbox or in the outbox. */
  readonly handedOn: number
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** The content of a new broadcast and its recipients. */
export interface BroadcastRequest {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly channels?: readonly string[] | undefined
  /** Either this (a saved audience) or `condition` is given. */
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

/** Reads one broadcast. @throws NotFound */
export async function getBroadcast(db: Database, id: number): Promise<Broadcast> {
  const { rows } = await sql<Broadcast>`${select} WHERE b.id = ${id}`.execute(db)
  const [broadcast] = rows
  if (!broadcast) throw new NotFound('not_found', 'There is no such broadcast.')
  return broadcast
}

/** Reads one page of the broadcasts, by id, and their total number. */
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
 * Starts a broadcast to everybody whom the condition finds now. The recipients are stored in the same transaction;
 * the dispatcher hands the broadcast on in batches.
 * @throws NotFound for an unknown audience; Invalid `bad_condition` | `unknown_type` | `bad_data` when the data lacks
 * a variable that the type's texts name.
 */
export async function createBroadcast(kernel: Kernel, caller: Caller, request: BroadcastRequest): Promise<Broadcast> {
  const type = kernel.notifications.catalogue.typeOf(request.type)
  if (!type)
    throw new Invalid('unknown_type', `There is no notification type ${JSON.stringify(request.type.slice(0, 100))}.`)
  try {
    kernel.notifications.catalogue.inboxTexts(type, request.data)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Invalid('bad_data', `The data does not fit the texts of this type: ${reason.slice(0, 200)}`)
  }
  const condition =
    request.audienceId === undefined ? request.condition : (await getAudience(kernel.db, request.audienceId)).condition
  const fits = matchingPeople(kernel, condition)
  const now = kernel.clock.now()
  const broadcast = await kernel.transaction(async (tx) => {
    // Keeps a type that administrators added from being deleted before this commits.
    await sql`SELECT 1 FROM notification_types WHERE key = ${request.type} FOR KEY SHARE`.execute(tx)
    const { rows } = await sql<{ id: number }>`
      INSERT INTO broadcasts (type, data, channels, audience_id, condition, total, state, created_by, created_at)
      VALUES (
        ${request.type},
        ${JSON.stringify(request.data)}::text::jsonb,
        ${request.channels ?? null}::text[],
        ${request.audienceId ?? null},
        ${JSON.stringify(condition)}::text::jsonb, 0, 'running', ${caller.userId}, ${now}
      )
      RETURNING id`.execute(tx)
    const id = rows[0]?.id ?? 0
    await sql`
      WITH found AS (
        INSERT INTO broadcast_recipients (broadcast_id, user_id)
        SELECT ${id}::bigint, u.id
        FROM users u
        WHERE ${fits}
        ORDER BY u.id
        RETURNING 1
      )
      UPDATE broadcasts SET total = (SELECT count(*) FROM found) WHERE id = ${id}`.execute(tx)
    await record(tx, now, { ...originOf(caller), action: 'broadcast.create', resource: 'broadcast', resourceId: id })
    return getBroadcast(tx, id)
  })
  kernel.nudge()
  return broadcast
}

/**
 * Cancels a running broadcast: recipients who have not been handed on get nothing.
 * @throws NotFound; Conflict `bad_state` when it is no longer running
 */
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

/** Hands running broadcasts on to the outbox. */
export interface Dispatcher {
  nudge(): void
  start(): void
  stop(): Promise<void>
  /** Hands on until no broadcast is running. Returns the number of recipients. */
  drain(): Promise<number>
}

/**
 * Builds the dispatcher. Each batch is one transaction, so that after a kill every recipient is either handed on or
 * still waiting. `onHandedOn` is called after each batch.
 */
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

/**
 * Hands on one batch of the oldest running broadcast that no other process has locked. A batch that is not full ends
 * the broadcast. Returns the number of recipients.
 */
async function handOn(tx: Transaction, now: Date): Promise<number> {
  const { rows } = await sql<{ id: number; type: string; data: Record<string, unknown>; channels: string[] | null }>`
    SELECT id, type, data, channels
    FROM broadcasts
    WHERE state = 'running'
    ORDER BY id
    LIMIT 1
    FOR NO KEY UPDATE SKIP LOCKED`.execute(tx)
  const [broadcast] = rows
  if (!broadcast) return 0
  const { id, type, data, channels } = broadcast
  const batch = await sql<{ user_id: number }>`
    UPDATE broadcast_recipients SET handed_on = true
    WHERE broadcast_id = ${id}
      AND user_id = ANY (ARRAY(
        SELECT user_id
        FROM broadcast_recipients
        WHERE broadcast_id = ${id} AND NOT handed_on
        ORDER BY user_id
        LIMIT ${BATCH}
      ))
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
