import { sql } from 'kysely'
import { isPermanentRefusal } from '../database/constraints.ts'
import type { Database, Transaction } from '../database/database.ts'
import type { Ground } from '../ground.ts'
import { repeat } from '../jobs/repeat.ts'

/** Hands the rows of the outbox on to their consumers, in order of id. */
export interface Relay {
  /** Wakes the relay: the outbox has new rows. */
  nudge(): void
  /** Checks the outbox every 500 ms, and whenever nudged, until `stop`. Any number of processes may do so. */
  start(): void
  /** Stops after the present batch, and hands on the rows that were gathering for the next one. */
  stop(): Promise<void>
  /** Hands on until the outbox is empty. Returns the number of rows that this process handed on. */
  drain(): Promise<number>
}

/** Processes the contents of one column of the outbox. */
export interface Consumer {
  /** Begins a batch in the transaction that takes the rows out of the outbox. */
  begin(tx: Transaction): Batch
}

/** The work of a consumer on the rows of one transaction. */
export interface Batch {
  /**
   * Checks the content of a row. Returns a function that adds it to the batch.
   * @throws the reason when the row can never be handed on
   */
  read(content: unknown, at: Date): Promise<() => void>
  /** Writes the added contents. Returns a function to call after the commit, if any. */
  write(): Promise<(() => void) | undefined>
}

export interface RelayOptions {
  /** Largest number of rows in one transaction. */
  readonly batch?: number | undefined
}

/**
 * Advisory lock of the working relay. Messages become visible in order of id, so a reader that continues after an id
 * misses none.
 */
const RELAY_LOCK = 7_306_001

const POLL_MS = 500
/**
 * Pause after a batch, in which rows gather for the next one: a batch of forty rows costs little more than one of four.
 */
const GATHER_MS = 100
const LAST_BATCHES = 5
/** Pause when another process has the lock: it may have read the outbox before our row was there. */
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

/** The result of one transaction. `busy`: try again soon, as another process had the lock or the batch was refused. */
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
  /** After the database refused a batch: the number of rows still to be handed on one by one. */
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
        // Both are read before either is added, so that a row fails as a whole.
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

  /** Moves a row that the database refused to the failures, so that it does not block the others. */
  const setAside = async (tx: Transaction, id: number, error: string): Promise<Outcome> => {
    const [row] = await takeRow(tx, id)
    if (row) await insertFailure(tx, { row, error })
    return { rows: row ? 1 : 0, busy: !row }
  }

  const insertFailure = async (tx: Transaction, { row, error }: Failure): Promise<void> => {
    kernel.log.error({ outboxId: row.id, reason: error }, 'an outbox row could not be handed on')
    await sql`
      INSERT INTO outbox_failures (message, operation, error, created_at, failed_at)
      VALUES (
        ${json(row.message)}::text::jsonb,
        ${json(row.operation)}::text::jsonb,
        ${error}, ${row.created_at}, ${kernel.clock.now()}
      )
    `.execute(tx)
  }

  return looping(kernel, size, step)
}

/**
 * The loop of the relay. While it is handing on rows it checks again soon by itself, so a nudge does not start another
 * check. A nudge during the last, empty check makes it check once more.
 */
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
      // Hands on the rows that were gathering. More than a few batches are left to the next process.
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

/** Whether the outbox has rows. The usual check finds none, and should cost one statement and no transaction. */
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

/** Deletes the oldest rows from the outbox and returns them, in order of id. Locked rows are left for later. */
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
