import pg from 'pg'
import { bossDatabase } from './boss.ts'
import type { Connection, DatabaseOptions } from './database.ts'
import { serverListener } from './listener.ts'
import { typeParsers } from './parsers.ts'
import { prepareHotQueries, SESSION_SETTINGS } from './prepared.ts'

/** A statement that takes longer holds up others; migrations switch this off for themselves. */
const statementTimeoutMs = 30_000
/** A transaction that waits so long for us was forgotten: it would hold its locks for ever. */
const idleInTransactionMs = 60_000
const connectionTimeoutMs = 5_000

function createPool(url: string, size: number, log: DatabaseOptions['log']): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: size,
    application_name: 'yuyue',
    connectionTimeoutMillis: connectionTimeoutMs,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionMs,
    keepAlive: true,
    types: typeParsers,
    // Every session speaks UTC, whatever the server is set to; pg-pool waits for it before it hands the client out.
    onConnect: (client) => client.query(SESSION_SETTINGS),
  })
  // An idle connection that breaks is replaced by the pool; without a handler it would end the process. It is logged below.
  pool.on('error', () => {})
  // The pool only listens to idle clients: one that breaks while it is in use would end the process. Its query fails anyway.
  pool.on('connect', (client) => {
    client.on('error', (err) => {
      if (!pool.ending) log.warn({ err }, 'a database connection was lost')
    })
  })
  prepareHotQueries(pool)
  return pool
}

/** Opens a PostgreSQL server. Throws the connection's error when it can't be reached. */
export async function openServer(options: DatabaseOptions, url: string): Promise<Connection> {
  const { log, poolSize, readUrl } = options
  const pool = createPool(url, poolSize, log)
  const readPool = readUrl === undefined ? pool : createPool(readUrl, poolSize, log)
  const listener = serverListener({
    client: { connectionString: url, application_name: 'yuyue listen', connectionTimeoutMillis: connectionTimeoutMs },
    log,
  })
  const close = async () => {
    await listener.close()
    await pool.end()
    if (readPool !== pool) await readPool.end()
  }
  try {
    for (const one of new Set([pool, readPool])) (await one.connect()).release()
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
