import { fromKysely, PgBoss } from 'pg-boss'
import { errorCode, isDatabaseAway } from '../database/constraints.ts'
import type { OpenDatabase, Transaction } from '../database/database.ts'
import type { Ground } from '../ground.ts'
import { cutText } from '../text.ts'
import { DEAD_LETTERS, SCHEMA } from './names.ts'

export interface SendJobOptions {
  /** While a job with this key waits, no other is added. */
  readonly singletonKey?: string
  /** The earliest instant, by the kernel's clock. */
  readonly startAfter?: Date
}

/** A job with its kernel bound. It must be idempotent, as it can run twice. */
export interface Job {
  /** Name of the job and its queue. */
  readonly name: string
  /**
   * Standard cron expression in the local time zone; each tick runs once over all processes. Absent: only when sent.
   */
  readonly cron?: string | undefined
  readonly run: (payload: unknown) => Promise<void>
}

/** The background work of a process. */
export interface Jobs {
  /** Creates missing queues. With `JobsOptions.work` it also runs jobs and keeps the schedules. */
  start(): Promise<void>
  /** Stops. With `graceful`, running jobs get `shutdownGraceSeconds`; unfinished ones run again in another process. */
  stop(graceful?: boolean): Promise<void>
  /**
   * Adds a job in the caller's transaction, so that it exists exactly if the change does. Returns false when one with
   * the same key is already waiting.
   */
  send(tx: Transaction, name: string, payload: object, options?: SendJobOptions): Promise<boolean>
  /** Runs a job at once, without its queue. For tests, and after the clock was set by hand. */
  runNow(name: string, payload?: unknown): Promise<void>
  /**
   * Runs all jobs that are due by the kernel's clock, and retries, until none is left; a job that keeps failing becomes
   * a dead letter. Returns the number of runs.
   */
  drain(): Promise<number>
  /** Puts dead letters back into their queues. Returns their number. */
  redrive(ids: string[]): Promise<number>
}

export interface JobsOptions {
  /** False for processes that only send. */
  readonly work: boolean
}

/**
 * The data of a job in its queue. pg-boss only knows the real time, so the planned instant of the kernel's clock is
 * kept here.
 */
interface QueuedJob {
  readonly payload?: unknown
  readonly notBefore?: string
}

const RETRY_LIMIT = 5
const KEPT_SECONDS = 30 * 24 * 3600

const queueOptions = {
  // At most one job per key waits. `send` gives a job without a key a random one. Scheduled jobs have none, so ticks
  // don't pile up.
  policy: 'short',
  retryLimit: RETRY_LIMIT,
  retryDelay: 10,
  retryBackoff: true,
  retryDelayMax: 3600,
  expireInSeconds: 15 * 60,
  retentionSeconds: KEPT_SECONDS,
  deleteAfterSeconds: 24 * 3600,
  deadLetter: DEAD_LETTERS,
  notify: true,
} as const

/** Creates the tables of the job queues, as the start of any process would do. */
export async function installQueues({
  bossDatabase,
  kind,
}: Pick<OpenDatabase, 'bossDatabase' | 'kind'>): Promise<void> {
  const boss = new PgBoss({ ...bossOptions({ bossDatabase, kind }), supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  await boss.stop({ graceful: false, close: false })
}

function bossOptions({ bossDatabase, kind }: Pick<OpenDatabase, 'bossDatabase' | 'kind'>) {
  return { db: bossDatabase, schema: SCHEMA, backend: kind === 'embedded' ? 'pglite' : 'postgres' } as const
}

/**
 * Builds the job queues, one per job, in the same database. A job that fails 6 times becomes a dead letter.
 * @throws Error when two jobs have the same name
 */
export function createJobs(
  { config, clock, log }: Pick<Ground, 'clock' | 'config' | 'log'>,
  database: Pick<OpenDatabase, 'bossDatabase' | 'kind'>,
  all: readonly Job[],
  options: JobsOptions,
): Jobs {
  const known = new Map(all.map((job) => [job.name, job]))
  if (known.size !== all.length) throw new Error('two jobs have the same name')

  const boss = new PgBoss({
    ...bossOptions(database),
    useListenNotify: options.work,
    supervise: options.work,
    schedule: options.work,
    // Intervals at which schedules are checked, so a tick comes at most that many seconds late. pg-boss runs the tick
    // of each minute once over all processes.
    cronMonitorIntervalSeconds: 5,
    cronWorkerIntervalSeconds: 2,
    // Watching bloat and REINDEX are left to the administrator of the database.
    reindex: false,
    monitorVacuum: false,
  })
  // pg-boss keeps polling while the database is away, which is logged once elsewhere.
  boss.on('error', (err) => {
    if (!isDatabaseAway(err)) log.error({ err }, 'job queue')
  })
  boss.on('warning', ({ message }) => log.warn({ reason: message }, 'job queue'))

  const named = (name: string): Job => {
    const found = known.get(name)
    if (!found) throw new Error(`no job is called ${name}`)
    return found
  }

  const run = async (name: string, payload: unknown): Promise<void> => {
    const started = performance.now()
    try {
      await named(name).run(payload)
      log.debug({ job: name, ms: Math.round(performance.now() - started) }, 'job done')
    } catch (err) {
      if (!isDatabaseAway(err)) log.error({ err, job: name }, 'job failed')
      // pg-boss stores a thrown error with all its properties, which may include the parameters of a query.
      throw new Error(cutText(err instanceof Error ? err.message : String(err), 500))
    }
  }

  /**
   * Starts pg-boss and creates its tables. If several processes create them at once, all but one fail and try again.
   */
  const startBoss = async () => {
    try {
      await boss.start()
    } catch (error) {
      // unique_violation in the system tables
      if (errorCode(error) !== '23505') throw error
      await boss.start()
    }
  }

  const createQueues = async () => {
    const existing = new Set((await boss.getQueues()).map((queue) => queue.name))
    if (!existing.has(DEAD_LETTERS)) {
      await boss.createQueue(DEAD_LETTERS, { retentionSeconds: KEPT_SECONDS })
    }
    for (const name of known.keys()) {
      if (existing.has(name)) continue
      await boss.createQueue(name, queueOptions)
      // Loads the settings of the queue, as the start does for existing ones. Otherwise `send` would load them inside a
      // transaction and hang on one connection.
      await boss.findJobs(name, { key: '' })
    }
  }

  const updateSchedules = async () => {
    const schedules = await boss.getSchedules()
    for (const { name } of schedules) {
      if (known.get(name)?.cron === undefined) await boss.unschedule(name)
    }
    for (const { name, cron } of known.values()) {
      const planned = schedules.find((entry) => entry.name === name)
      if (cron !== undefined && (planned?.cron !== cron || planned.timezone !== config.timeZone)) {
        await boss.schedule(name, cron, {}, { tz: config.timeZone })
      }
    }
  }

  const drainQueue = async (name: string): Promise<number> => {
    await makeDue(name)
    const [job] = await boss.fetch<QueuedJob>(name)
    if (!job) return 0
    try {
      await run(name, job.data?.payload)
      await boss.complete(name, job.id)
    } catch (error) {
      await boss.fail(name, job.id, { message: String(error) })
    }
    return 1 + (await drainQueue(name))
  }

  const makeDue = async (name: string) => {
    await database.bossDatabase.executeSql(
      `UPDATE ${SCHEMA}.job SET start_after = created_on
       WHERE name = $1 AND (state = 'retry' OR state = 'created' AND (data->>'notBefore')::timestamptz <= $2)`,
      [name, clock.now()],
    )
  }

  return {
    async start() {
      await startBoss()
      await createQueues()
      if (!options.work) return
      await updateSchedules()
      for (const name of known.keys()) {
        const workOptions = { localConcurrency: config.workerConcurrency, batchSize: 1 }
        await boss.work<QueuedJob>(name, workOptions, async ([job]) => run(name, job?.data?.payload))
      }
    },
    async stop(graceful = true) {
      await boss.stop({ graceful, close: false, timeout: config.shutdownGraceSeconds * 1000 })
    },
    async send(tx, name, payload, { singletonKey, startAfter } = {}) {
      named(name)
      const data: QueuedJob = { payload, ...(startAfter && { notBefore: startAfter.toISOString() }) }
      const seconds = startAfter ? Math.max(0, Math.ceil((startAfter.getTime() - clock.now().getTime()) / 1000)) : 0
      const id = await boss.send(name, data, {
        db: fromKysely(tx),
        singletonKey: singletonKey ?? crypto.randomUUID(),
        ...(seconds > 0 && { startAfter: seconds }),
      })
      return id !== null
    },
    redrive: (ids) => boss.redrive(DEAD_LETTERS, { ids }),
    runNow: (name, payload) => named(name).run(payload),
    async drain() {
      let total = 0
      for (;;) {
        let ran = 0
        for (const name of known.keys()) ran += await drainQueue(name)
        if (ran === 0) return total
        total += ran
      }
    },
  }
}
