import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, protocol } from '@electric-sql/pglite'
import { btree_gist } from '@electric-sql/pglite/contrib/btree_gist'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import pg from 'pg'
import { bossDatabase } from './boss.ts'
import type { Connection, DatabaseOptions } from './connection.ts'
import { channelName, type Listener, subscriptions } from './listener.ts'
import { lockFolder } from './lock.ts'
import { typeParsers } from './parsers.ts'
import { prepareHotQueries, SESSION_SETTINGS } from './prepared.ts'
import { unpackTemplate } from './template.ts'
import { keepTidy } from './upkeep.ts'

/**
 * Longest wait for the one connection. A query on the pool inside an open transaction would wait for ever: this turns
 * the hang into an error.
 */
const connectionTimeoutMs = 15_000

/**
 * Wraps PGlite for the `pg` adapter, which sends the parts of a query (parse, bind, describe, execute, sync) as five
 * calls into WASM and waits for each. This collects them until the sync and makes one call (measured: 20–33 % more
 * statements a second).
 */
function collectingMessages(pglite: PGlite, onBroken: (reason: unknown) => void): PGlite {
  const endsBatch = new Set(['S', 'Q', 'H'].map((letter) => letter.charCodeAt(0)))
  let parts: Uint8Array[] = []
  const collecting: Pick<PGlite, 'waitReady' | 'execProtocolStream'> = {
    waitReady: pglite.waitReady,
    async execProtocolStream(message, options) {
      parts.push(message)
      if (!endsBatch.has(message[0] ?? 0)) return []
      const batch = parts.length === 1 ? message : Buffer.concat(parts)
      parts = []
      const answers = await pglite.execProtocolStream(batch, options).catch((error: unknown) => {
        if (error instanceof Error && error.name === 'RuntimeError') onBroken(error)
        throw error
      })
      // After a PANIC PGlite answers nothing any more, so queries would wait for ever.
      const last = answers.at(-1)
      if (last instanceof protocol.messages.DatabaseError && last.severity === 'PANIC') onBroken(last)
      return answers
    },
  }
  // The adapter only uses these two members.
  return collecting as PGlite
}

// Only this pool may use PGlite. Its adapter sends the parts of a query (parse, bind, execute) one by one, and any
// other query in between would replace the unnamed statement, or become part of an open transaction.
function createPool(pglite: PGlite, { log, onBroken }: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    ...createPgConfig(collectingMessages(pglite, onBroken ?? (() => {}))),
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: connectionTimeoutMs,
    types: typeParsers,
    // A discarded client may have left a transaction open, and all clients share one session.
    onConnect: (client) => client.query(`ROLLBACK; ${SESSION_SETTINGS}`),
  })
  pool.on('error', (err) => log.error({ err }, 'the embedded database failed'))
  prepareHotQueries(pool)
  return pool
}

/** LISTEN on the embedded database. The session of the pool gets the notifications; there is no connection to lose. */
function embeddedListener(pglite: PGlite, pool: pg.Pool, log: DatabaseOptions['log']): Listener {
  const heard = subscriptions(log)
  const stopHearing = pglite.onNotification((channel, payload) => heard.deliver(channel, payload))
  return {
    state: heard.state,
    async listen(channel, handler) {
      const entry = (payload: string) => handler(payload)
      heard.add(channel, entry)
      try {
        await pool.query(`listen ${channelName(channel)}`)
      } catch (error) {
        heard.remove(channel, entry)
        throw error
      }
      heard.turn(true)
      return async () => {
        if (heard.remove(channel, entry) && !pool.ending) await pool.query(`unlisten ${channelName(channel)}`)
      }
    },
    async close() {
      stopHearing()
    },
  }
}

async function openFolder(dataDir: string) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  return lockFolder(dataDir)
}

/** Creates the database from a template. A template only saves time, so errors are logged and the start goes on. */
async function startFrom(template: string, folder: string, log: DatabaseOptions['log']): Promise<void> {
  try {
    if (await unpackTemplate(template, folder)) log.info('the database was made out of the template')
  } catch (err) {
    log.warn({ err }, 'the template of the database is not used: the database is created without it')
  }
}

/** Opens or creates the embedded database. @throws FolderInUse when another process has its folder */
export async function openEmbedded(options: DatabaseOptions): Promise<Connection> {
  const { dataDir, log, snapshot, template, timeZone = 'Asia/Shanghai' } = options
  const inMemory = dataDir === 'memory'
  const lock = inMemory ? undefined : await openFolder(dataDir)
  const folder = inMemory ? 'memory://' : join(dataDir, 'database')
  try {
    if (!inMemory && template && !existsSync(folder)) await startFrom(template, folder, log)
    const pglite = await PGlite.create({
      dataDir: folder,
      extensions: { btree_gist, pg_trgm },
      ...(snapshot ? { loadDataDir: snapshot } : {}),
    })
    const pool = createPool(pglite, options)
    const listener = embeddedListener(pglite, pool, log)
    const upkeep = inMemory ? undefined : keepTidy(pool, timeZone, log)
    return {
      kind: 'embedded',
      pool,
      readPool: pool,
      listener,
      bossDatabase: bossDatabase(pool, async (channel, onNotification, onReconnect) => {
        const stop = await listener.listen(channel, onNotification)
        onReconnect()
        return { close: stop }
      }),
      async dump() {
        // Holds the only client, so that nothing is written while the files are read.
        const client = await pool.connect()
        try {
          await client.query('checkpoint')
          return await pglite.dumpDataDir('none')
        } finally {
          client.release()
        }
      },
      async close() {
        upkeep?.stop()
        await listener.close()
        if (!inMemory)
          await pool.query('checkpoint').catch((err: unknown) => log.error({ err }, 'the last checkpoint failed'))
        await pool.end()
        await pglite.close()
        await lock?.release()
      },
    }
  } catch (error) {
    await lock?.release()
    throw error
  }
}
