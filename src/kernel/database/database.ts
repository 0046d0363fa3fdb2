import { Kysely, type Transaction as KyselyTransaction, PostgresDialect } from 'kysely'
import type pg from 'pg'
import type { Db } from 'pg-boss'
import type { DatabaseOptions } from './connection.ts'
import type { ListenState } from './listener.ts'
import { openServer } from './server.ts'
import type { DB } from './tables.ts'

/** The handle for single statements outside a transaction. */
export type Database = Kysely<DB>
/** The handle inside a transaction. */
export type Transaction = KyselyTransaction<DB>

export interface OpenDatabase {
  readonly kind: 'embedded' | 'server'
  readonly db: Database
  /** The read replica when there is one, else the same as `db`. */
  readonly reads: Database
  /** The pool under `db`, for uses that Kysely does not cover. On the embedded database it has one client. */
  readonly pool: pg.Pool
  /** The `db` of pg-boss (with `backend: 'pglite'` when embedded). */
  readonly bossDatabase: Db
  /**
   * Calls `handler` with the payload of each NOTIFY on a channel. Returns a function that stops it. Do not call it
   * inside a transaction.
   */
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>
  readonly listenState: ListenState
  /** Dumps the whole embedded database to one file, for `snapshot`. @throws Error on a server */
  dump(): Promise<Blob>
  /** Ends the connections. The embedded database is checkpointed, and its folder unlocked. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens the database: a server when `url` is given, else the embedded one (created if its folder is empty). It does not
 * change the schema: see `migrate`.
 * @throws FolderInUse when another process has the folder; DatabaseUnusable when the server refuses us or can't be
 * reached
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  // Imported on demand: PGlite takes 20 MB of memory, which a process with a server does not need.
  const connection =
    options.url === undefined
      ? await (await import('./embedded.ts')).openEmbedded(options)
      : await openServer(options, options.url)
  const { kind, pool, readPool, listener, bossDatabase } = connection
  const db: Database = new Kysely<DB>({ dialect: new PostgresDialect({ pool }) })
  const reads: Database = readPool === pool ? db : new Kysely<DB>({ dialect: new PostgresDialect({ pool: readPool }) })
  let closing: Promise<void> | undefined
  return {
    kind,
    db,
    reads,
    pool,
    bossDatabase,
    listen: listener.listen,
    listenState: listener.state,
    dump: connection.dump,
    close() {
      closing ??= connection.close()
      return closing
    },
  }
}
