import { fromKysely, PgBoss } from 'pg-boss'
import { errorCode, isDatabaseAway } from '../database/constraints.ts'
import type { OpenDatabase, Transaction } from '../database/database.ts'
import type { Ground } from '../ground.ts'
import { DEAD_LETTERS, SCHEMA } from './names.ts'

export interface SendJobOptions {
  /** While a job with this key waits, another one is not added. */
  readonly singletonKey?: string
  /** Not before this instant (of the kernel's clock). */
  readonly startAfter?: Date
}

/** A piece of background work as its queue runs it. What it does must be idempotent: it can run twice. */
export interface Job {
  /** Also the queue's name. */
  readonly name: string
  /** Standard cron in the local time zone; runs once a tick over all processes. Absent: only when sent. */
  readonly cron?: string | undefined
  readonly run: (payload: unknown) => Promise<void>
}

/** The background work of a process. */
export interface Jobs {
  /** Prepares the queues; with `work`, also runs what comes and keeps the timetable. */
  start(): Promise<void>
  /** Graceful: jobs in hand get `shutdownGraceSeconds`; what isn't over by then is given back and runs again elsewhere. */
  stop(graceful?: boolean): Promise<void>
  /** Adds a job on the caller's transaction: it exists exactly when the change does. False: one with the same key waits already. */
  send(tx: Transaction, name: string, payload: object, options?: SendJobOptions): Promise<boolean>
  /** Runs a job here and now, without its queue: a tick of a timetable that the clock alone decides. */
  runNow(name: string, payload?: unknown): Promise<void>
  /** Runs what waits and is due by the kernel's clock, retries included, until nothing is left; a failing job ends as a dead letter. Answers how many ran. */
  drain(): Promise<number>
  /** Puts dead jobs back into their queues. Answers how many. */
  redrive(ids: string[]): Promise<number>
}

export interface JobsOptions {
  /** False for processes that only send. */
  readonly work: boolean
}

/** What stands in a queue: pg-boss knows the real time alone, so the planned instant travels along. */
interface Parcel {
  readonly payload?: unknown
  readonly notBefore?: string
}

const RETRY_LIMIT = 5
const KEPT_SECONDS = 30 * 24 * 3600

const queueOptions = {
  // At most one job a key waits; a job without a key gets one of its own. A timetable's job has none: ticks don't pile up.
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

/** Installs the tables of the job queues, which the start of any process would do as well. */
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
 * Builds the job queues on the same database. One queue a job; what fails 6 times becomes a dead letter.
 * @throws Error when two jobs have one name.
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
    // How often the timetable is looked at: a tick comes at most so many seconds late. pg-boss runs each minute's tick once over all processes.
    cronMonitorIntervalSeconds: 5,
    cronWorkerIntervalSeconds: 2,
    // Its bloat watch and REINDEX are for installations without anybody who looks after the database.
    reindex: false,
    monitorVacuum: false,
  })
  // Its polling goes on while the database is away, which is said once elsewhere.
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
      // pg-boss keeps what it is thrown, with all its properties: parameters of a query have no business there.
      throw new Error((err instanceof Error ? err.message : String(err)).slice(0, 500))
    }
  }

  /** Installs pg-boss or finds it. Of processes that install it at the same moment PostgreSQL refuses all but one: they look again. */
  const startBoss = async () => {
    try {
      await boss.start()
    } catch (error) {
      // unique_violation, in the system's own tables
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
      if (!existing.has(name)) await boss.createQueue(name, queueOptions)
      // `send` on a transaction reads the queue's settings by itself when it doesn't know them: on one connection that would hang.
      await boss.findJobs(name, { key: '' })
    }
  }

  const keepTimetable = async () => {
    const timetable = await boss.getSchedules()
    for (const { name } of timetable) {
      if (known.get(name)?.cron === undefined) await boss.unschedule(name)
    }
    for (const { name, cron } of known.values()) {
      const planned = timetable.find((entry) => entry.name === name)
      if (cron !== undefined && (planned?.cron !== cron || planned.timezone !== config.timeZone)) {
        await boss.schedule(name, cron, {}, { tz: config.timeZone })
      }
    }
  }

  const drainQueue = async (name: string): Promise<number> => {
    await makeDue(name)
    const [job] = await boss.fetch<Parcel>(name)
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
      await keepTimetable()
      for (const name of known.keys()) {
        const workOptions = { localConcurrency: config.workerConcurrency, batchSize: 1 }
        await boss.work<Parcel>(name, workOptions, async ([job]) => run(name, job?.data?.payload))
      }
    },
    async stop(graceful = true) {
      await boss.stop({ graceful, close: false, timeout: config.shutdownGraceSeconds * 1000 })
    },
    async send(tx, name, payload, { singletonKey, startAfter } = {}) {
      named(name)
      const parcel = { payload, ...(startAfter && { notBefore: startAfter.toISOString() }) }
      const seconds = startAfter ? Math.max(0, Math.ceil((startAfter.getTime() - clock.now().getTime()) / 1000)) : 0
      const id = await boss.send(name, parcel, {
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
