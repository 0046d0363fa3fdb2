import { sql } from 'kysely'
import { insertOperations, type OperationRow } from '../../audit/store.ts'
import { isAboutData } from '../../database/constraints.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { repeat } from '../../jobs/repeat.ts'
import type { Kernel } from '../../kernel.ts'
import { type Provider, providerFor } from '../providers/provider.ts'
import type { Catalogue } from '../texts/catalogue.ts'
import { insertMessages, type Outlet } from './messageStore.ts'
import { nextAllowed } from './policy.ts'
import { type Prepared, readMessage, readOperation, UnknownType } from './rows.ts'

/** Hands outbox rows on: to the inboxes, the deliveries and the operation log. */
export interface Relay {
  /** There is something in the outbox: look now. */
  nudge(): void
  /** Looks every 500 ms, and whenever nudged, until `stop`. Any number of processes may. */
  start(): void
  /** Waits for the batch in hand, and hands on what was gathering. */
  stop(): Promise<void>
  /** Hands on until nothing is left. Answers how many rows it handed on itself. */
  drain(): Promise<number>
}

export interface RelayOptions {
  readonly catalogue: Catalogue
  /** A delivery by a channel without a provider is recorded as skipped. */
  readonly providers: readonly Pick<Provider, 'lane' | 'channel' | 'rings'>[]
  /** Called after a commit that left deliveries to make. */
  readonly onDeliveries?: () => void
  /** Rows of one transaction. */
  readonly batch?: number
}

/** Holds the relay of one process at a time: messages become visible in the order of their ids, so nobody who reads on from an id misses one. */
const RELAY_LOCK = 7_306_001

const POLL_MS = 500
/** After a batch so much may gather for the next: a batch of forty rows costs little more than one of four. */
const GATHER_MS = 100
const LAST_BATCHES = 5
/** Another process has the lock: it may have looked before our row was there. */
const BUSY_MS = 20

interface OutboxRow {
  readonly id: number
  readonly message: unknown
  readonly operation: unknown
  readonly created_at: Date
}

interface Failure {
  readonly row: OutboxRow
  readonly error: string
}

/** What one transaction did. `busy`: another process was at it. */
interface Outcome {
  readonly rows: number
  readonly deliveries: number
  readonly busy: boolean
}

/** Builds the relay; it does nothing until `start` or `drain`. */
export function createRelay(
  kernel: Pick<Kernel, 'clock' | 'config' | 'db' | 'log' | 'transaction'>,
  options: RelayOptions,
): Relay {
  const size = options.batch ?? 500
  /** While a batch holds a row that the database refuses, so many rows go one by one. */
  let single = 0
  let inHand: readonly OutboxRow[] = []

  const step = async (): Promise<Outcome> => {
    const limit = single > 0 ? 1 : size
    try {
      const outcome = await kernel.transaction((tx) => handOn(tx, limit))
      if (single > 0) single -= outcome.rows === 0 ? single : 1
      if (outcome.deliveries > 0) options.onDeliveries?.()
      return outcome
    } catch (error) {
      if (!isAboutData(error)) throw error
      if (limit > 1) {
        single = size
        return { rows: 0, deliveries: 0, busy: true }
      }
      const [refused] = inHand
      if (!refused) throw error
      return await kernel.transaction((tx) => setAside(tx, refused.id, errorText(error)))
    }
  }

  const handOn = async (tx: Transaction, limit: number): Promise<Outcome> => {
    if (!(await tryLock(tx))) return { rows: 0, deliveries: 0, busy: true }
    const rows = await takeRows(tx, limit)
    inHand = rows
    if (rows.length === 0) return { rows: 0, deliveries: 0, busy: false }
    const failures: Failure[] = []
    let refreshed = false
    /** Another process may have added the type a moment ago. */
    const read = async (row: OutboxRow): Promise<Prepared> => {
      try {
        return readMessage(options.catalogue, row.message, row.created_at)
      } catch (error) {
        if (!(error instanceof UnknownType) || refreshed) throw error
        refreshed = true
        await options.catalogue.reload(tx)
        return readMessage(options.catalogue, row.message, row.created_at)
      }
    }
    const prepared: Prepared[] = []
    const operations: OperationRow[] = []
    for (const row of rows) {
      try {
        // Both are read before either counts: a row goes as a whole.
        const message = row.message === null ? undefined : await read(row)
        const operation = row.operation === null ? undefined : readOperation(row.operation, row.created_at)
        if (message) prepared.push(message)
        if (operation) operations.push(operation)
      } catch (error) {
        failures.push({ row, error: errorText(error) })
      }
    }
    const deliveries = await insertMessages(tx, options.catalogue.channels, prepared, outlets())
    if (operations.length > 0) await insertOperations(tx, operations)
    for (const failure of failures) await insertFailure(tx, failure)
    return { rows: rows.length, deliveries, busy: false }
  }

  /** The channels as they are now: configured or not, and from when on they may ring. */
  const outlets = (): readonly Outlet[] => {
    const now = kernel.clock.now()
    const allowed = nextAllowed(options.catalogue.policy(), now, kernel.config.timeZone)
    return options.catalogue.channels.delivered.map((channel) => {
      const provider = providerFor(channel, options.providers)
      const waits = provider?.rings && channel.quietHours && allowed > now
      return { channel: channel.key, lane: channel.lane, configured: provider !== undefined, ...(waits && { allowed }) }
    })
  }

  /** Moves a row that the database refused out of the way of the others. */
  const setAside = async (tx: Transaction, id: number, error: string): Promise<Outcome> => {
    const [row] = await takeRow(tx, id)
    if (row) await insertFailure(tx, { row, error })
    return { rows: row ? 1 : 0, deliveries: 0, busy: !row }
  }

  const insertFailure = async (tx: Transaction, { row, error }: Failure): Promise<void> => {
    kernel.log.error({ outboxId: row.id, reason: error }, 'an outbox row could not be handed on')
    await sql`
      INSERT INTO outbox_failures (message, operation, error, created_at, failed_at)
      VALUES (${json(row.message)}::text::jsonb, ${json(row.operation)}::text::jsonb, ${error}, ${row.created_at}, ${kernel.clock.now()})
    `.execute(tx)
  }

  /** From the first row of a batch until nothing is left: the next look is near, and who nudges only asks that it comes. */
  let gathering = false
  let nudgedMeanwhile = false
  let started = false
  const lastStep = async (): Promise<number> => {
    try {
      return (await step()).rows
    } catch (err) {
      kernel.log.warn({ err }, 'the outbox could not be handed on while stopping; the next start does it')
      return 0
    }
  }

  const loop = repeat({
    name: 'outbox relay',
    log: kernel.log,
    everyMs: POLL_MS,
    async run() {
      gathering = true
      nudgedMeanwhile = false
      if (!(await isWaiting(kernel.db))) {
        gathering = false
        return nudgedMeanwhile ? 0 : POLL_MS
      }
      const outcome = await step()
      if (outcome.busy) return BUSY_MS
      return outcome.rows >= size ? 0 : GATHER_MS
    },
  })

  return {
    nudge() {
      if (gathering) nudgedMeanwhile = true
      else loop.nudge()
    },
    start() {
      started = true
      loop.start()
    },
    async stop() {
      await loop.stop()
      if (!started) return
      // What was gathering goes on its way; more than a few batches waits in the outbox for the next process.
      for (let batch = 0; batch < LAST_BATCHES && (await lastStep()) >= size; batch += 1);
    },
    async drain() {
      let total = 0
      for (;;) {
        const outcome = await step()
        total += outcome.rows
        if (outcome.rows === 0 && !outcome.busy) return total
        if (outcome.busy) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

/** Twice a second nothing is there: that should cost one statement, not a transaction. */
async function isWaiting(db: Database): Promise<boolean> {
  const answer = await sql<{ waiting: boolean }>`SELECT EXISTS (SELECT 1 FROM outbox) AS waiting`.execute(db)
  return answer.rows[0]?.waiting === true
}

async function tryLock(tx: Transaction): Promise<boolean> {
  const answer = await sql<{ locked: boolean }>`SELECT pg_try_advisory_xact_lock(${RELAY_LOCK}::int) AS locked`.execute(
    tx,
  )
  return answer.rows[0]?.locked === true
}

/** Takes the oldest rows out of the outbox. A row that somebody else has locked is left for later. */
async function takeRows(tx: Transaction, limit: number): Promise<OutboxRow[]> {
  const taken = await sql<OutboxRow>`
    DELETE FROM outbox
    WHERE id = ANY (ARRAY(SELECT id FROM outbox ORDER BY id LIMIT ${limit} FOR UPDATE SKIP LOCKED))
    RETURNING id, message, operation, created_at`.execute(tx)
  return taken.rows.toSorted((a, b) => a.id - b.id)
}

async function takeRow(tx: Transaction, id: number): Promise<OutboxRow[]> {
  const taken = await sql<OutboxRow>`
    DELETE FROM outbox WHERE id = ${id} RETURNING id, message, operation, created_at`.execute(tx)
  return taken.rows
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function errorText(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}
