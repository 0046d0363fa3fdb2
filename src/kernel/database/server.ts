import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { bossDatabase } from './boss.ts'
import type { Connection, DatabaseOptions } from './connection.ts'
import { isDatabaseAway, mapDatabaseError } from './constraints.ts'
import { serverListener } from './listener.ts'
import { typeParsers } from './parsers.ts'
import { prepareHotQueries, SESSION_SETTINGS } from './prepared.ts'
import { createReach, type Reach } from './serverHealth.ts'

/** A statement that takes longer holds up others; migrations switch this off for themselves. */
const statementTimeoutMs = 30_000
/** A transaction that waits so long for us was forgotten: it would hold its locks for ever. */
const idleInTransactionMs = 60_000
const connectionTimeoutMs = 5_000
/** How often a read replica is asked whether it is there. */
const watchMs = 5_000

/** One that is lost between connecting and the first answer must not hang either. */
const sessionStart = { text: SESSION_SETTINGS, query_timeout: connectionTimeoutMs }

/** A server that can't be used. The message is one line for people: which server, and why. */
export class DatabaseUnusable extends Error {
  constructor(url: string, cause: unknown) {
    const { host, pathname } = new URL(url)
    const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
    const why =
      reason instanceof Error ? reason.message || ('code' in reason ? String(reason.code) : '') : String(reason)
    super(`The database ${host}${pathname} cannot be used: ${why}`, { cause })
    this.name = 'DatabaseUnusable'
  }
}

/** A pool, and whether its server can be reached. */
interface Guarded {
  readonly pool: pg.Pool
  readonly reach: Reach
  close(): Promise<void>
}

interface PoolOptions {
  readonly url: string
  /** What the server is called in the log. */
  readonly name: string
  readonly size: number
  readonly log: DatabaseOptions['log']
  /** Asked while the server can't be reached. */
  readonly instead?: pg.Pool
}

/** A pool that refuses at once (or asks another) while its server can't be reached, and lets go of what is stuck when that turns out. */
function createPool({ url, name, size, log, instead }: PoolOptions): Guarded {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: 'yuyue',
    connectionTimeoutMillis: connectionTimeoutMs,
    idleTimeoutMillis: 60_000,
    // The server's limit, and not pg's own `query_timeout`: its timer would hold every row of a long result until the next full collection.
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    types: typeParsers,
    // Every session speaks UTC, whatever the server is set to; pg-pool waits for it before it hands the client out.
    onConnect: (client) => client.query(sessionStart),
  })
  const clients = new Set<pg.PoolClient>()
  const reach = createReach({
    client: { connectionString: url, application_name: 'yuyue look' },
    name,
    meanwhile: instead ? 'the primary is asked instead' : 'requests are refused until it can',
    log,
    onAway: () => cut(clients),
    watchMs: instead && watchMs,
  })
  // An idle connection that breaks is replaced by the pool; without a handler it would end the process.
  pool.on('error', () => reach.suspect())
  pool.on('remove', (client) => clients.delete(client))
  // The pool only listens to idle clients: one that breaks while it is in use would end the process. Its query fails anyway.
  pool.on('connect', (client) => {
    clients.add(client)
    client.on('error', () => reach.suspect())
  })
  prepareHotQueries(pool)
  const connect = async (): Promise<pg.PoolClient> => {
    const refusal = reach.refusal()
    if (refusal) return another(refusal)
    try {
      return await hand()
    } catch (error) {
      const mapped = mapDatabaseError(error)
      if (!isDatabaseAway(mapped)) throw mapped
      reach.suspect()
      return another(reach.refusal() ?? mapped)
    }
  }
  const another = (refusal: unknown): Promise<pg.PoolClient> => {
    if (!instead) throw refusal
    return instead.connect()
  }
  const hand: () => Promise<pg.PoolClient> = pool.connect.bind(pool)
  // `pool.query` asks with a callback, all others with a promise.
  pool.connect = ((callback?: (error?: Error, client?: pg.PoolClient, done?: pg.PoolClient['release']) => void) => {
    if (!callback) return connect()
    connect().then((client) => callback(undefined, client, client.release), callback)
  }) as typeof pool.connect
  return {
    pool,
    reach,
    async close() {
      reach.close()
      const ended = pool.end()
      // One that doesn't answer would not say goodbye either.
      if (reach.refusal()) cut(clients)
      await ended
    },
  }
}

function cut(clients: Iterable<pg.PoolClient>): void {
  for (const client of clients) client.connection.stream.destroy()
}

/** Waits until a server lets us in. @throws DatabaseUnusable when it refuses us, or can't be reached for so long. */
async function enter(pool: pg.Pool, url: string, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    try {
      return (await pool.connect()).release()
    } catch (error) {
      if (isDatabaseAway(error) && Date.now() < deadline) await pause(250)
      else throw new DatabaseUnusable(url, error)
    }
  }
}

/** Opens a PostgreSQL server. @throws DatabaseUnusable when it refuses us, or can't be reached for `waitSeconds`. */
export async function openServer(options: DatabaseOptions, url: string): Promise<Connection> {
  const { log, poolSize, readUrl, waitSeconds = 0 } = options
  const main = createPool({ url, name: 'the database', size: poolSize, log })
  const { pool } = main
  const replica =
    readUrl === undefined
      ? undefined
      : createPool({ url: readUrl, name: 'the read replica', size: poolSize, log, instead: pool })
  const readPool = replica?.pool ?? pool
  const listener = serverListener({
    client: { connectionString: url, application_name: 'yuyue listen', connectionTimeoutMillis: connectionTimeoutMs },
    log,
  })
  const close = async () => {
    await listener.close()
    await main.close()
    await replica?.close()
  }
  // Its connection is the one that is always asked whether it is alive. Whoever hears that it is back may rely on the pool.
  listener.state.onLost(main.reach.suspect)
  listener.state.onListening(main.reach.answered)
  try {
    await enter(pool, url, waitSeconds)
    if (readUrl !== undefined) await enter(readPool, readUrl, waitSeconds)
  } catch (error) {
    await close()
    throw error
  }
  return {
    kind: 'server',
    pool,
    readPool,
    listener,
    bossDatabase: bossDatabase(pool, async (channel, onNotification, onReconnect) => {
      const forget = listener.state.onListening(onReconnect)
      try {
        const stop = await listener.listen(channel, onNotification)
        // The connection may have been there already: pg-boss counts on one call after the subscription.
        onReconnect()
        return {
          async close() {
            forget()
            await stop()
          },
        }
      } catch (error) {
        forget()
        throw error
      }
    }),
    dump: () => Promise.reject(new Error('a server is backed up as rows: only the embedded database can be dumped')),
    close,
  }
}
