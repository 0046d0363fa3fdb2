import { sql } from 'kysely'
import { isPermanentRefusal } from '../database/constraints.ts'
import type { Database, Transaction } from '../database/database.ts'
import type { Ground } from '../ground.ts'
import { repeat } from '../jobs/repeat.ts'

/** Hands the rows of the outbox on to their consumers, in the order of their ids. */
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

/** Takes the contents of one column of the outbox. */
export interface Consumer {
  /** Begins a batch in the transaction that takes the rows out of the outbox. */
  begin(tx: Transaction): Batch
}

/** What a consumer gets of one transaction's rows. */
export interface Batch {
  /**
   * Checks the content of a row; answers a function that adds it to the batch.
   * @throws the reason why the row can't be handed on, however often it is tried.
   */
  read(content: unknown, at: Date): Promise<() => void>
  /** Writes what was added. Answers what to do after the commit, if anything. */
  write(): Promise<(() => void) | undefined>
}

export interface RelayOptions {
  /** Rows of one transaction. */
  readonly batch?: number | undefined
}

/** Held by one process at a time: messages become visible in the order of their ids, so nobody who reads on from an id misses one. */
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
  readonly busy: boolean
  readonly afterCommit?: readonly (() => void)[]
}

/** Builds the relay; it does nothing until `start` or `drain`. */
export function createRelay(
  kernel: Pick<Ground, 'clock' | 'db' | 'log' | 'transaction'>,
  consumers: Readonly<Record<'message' | 'operation', Consumer>>,
  { batch: size = 500 }: RelayOptions = {},
): Relay {
  /** While a batch holds a row that the database refuses, so many rows go one by one. */
  let single = 0
  let inHand: readonly OutboxRow[] = []

  const step = async (): Promise<Outcome> => {
    const limit = single > 0 ? 1 : size
    try {
      const outcome = await kernel.transaction((tx) => handOn(tx, limit))
      if (single > 0) single -= outcome.rows === 0 ? single : 1
      for (const then of outcome.afterCommit ?? []) then()
      return outcome
    } catch (error) {
      if (!isPermanentRefusal(error)) throw error
      if (limit > 1) {
        single = size
        return { rows: 0, busy: true }
      }
      const [refused] = inHand
      if (!refused) throw error
      return await kernel.transaction((tx) => setAside(tx, refused.id, errorText(error)))
    }
  }

  const handOn = async (tx: Transaction, limit: number): Promise<Outcome> => {
    if (!(await tryLock(tx))) return { rows: 0, busy: true }
    const rows = await takeRows(tx, limit)
    inHand = rows
    if (rows.length === 0) return { rows: 0, busy: false }
    const messages = consumers.message.begin(tx)
    const operations = consumers.operation.begin(tx)
    const failures: Failure[] = []
    for (const row of rows) {
      try {
        // Both are read before either is added: a row goes as a whole.
        const addMessage = row.message === null ? undefined : await messages.read(row.message, row.created_at)
        const addOperation = row.operation === null ? undefined : await operations.read(row.operation, row.created_at)
        addMessage?.()
        addOperation?.()
      } catch (error) {
        failures.push({ row, error: errorText(error) })
      }
    }
    const afterCommit = [await messages.write(), await operations.write()]
    for (const failure of failures) await insertFailure(tx, failure)
    return { rows: rows.length, busy: false, afterCommit: afterCommit.filter((then) => then !== undefined) }
  }

  /** Moves a row that the database refused out of the way of the others. */
  const setAside = async (tx: Transaction, id: number, error: string): Promise<Outcome> => {
    const [row] = await takeRow(tx, id)
    if (row) await insertFailure(tx, { row, error })
    return { rows: row ? 1 : 0, busy: !row }
  }

  const insertFailure = async (tx: Transaction, { row, error }: Failure): Promise<void> => {
    kernel.log.error({ outboxId: row.id, reason: error }, 'an outbox row could not be handed on')
    await sql`
      INSERT INTO outbox_failures (message, operation, error, created_at, failed_at)
      VALUES (${json(row.message)}::text::jsonb, ${json(row.operation)}::text::jsonb, ${error}, ${row.created_at}, ${kernel.clock.now()})
    `.execute(tx)
  }

  return looping(kernel, size, step)
}

/** The relay's own rhythm: from the first row of a batch until nothing is left the next look is near, and a nudge only asks that it comes. */
function looping(kernel: Pick<Ground, 'db' | 'log'>, size: number, step: () => Promise<Outcome>): Relay {
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
