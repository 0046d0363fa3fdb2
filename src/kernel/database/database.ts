import { Kysely, type Transaction as KyselyTransaction, PostgresDialect } from 'kysely'
import type pg from 'pg'
import type { Db } from 'pg-boss'
import type { DatabaseOptions } from './connection.ts'
import type { ListenState } from './listener.ts'
import { openServer } from './server.ts'
import type { DB } from './tables.ts'

/** The handle for single statements. */
export type Database = Kysely<DB>
/** The handle inside a transaction. */
export type Transaction = KyselyTransaction<DB>

export interface OpenDatabase {
  readonly kind: 'embedded' | 'server'
  readonly db: Database
  /** The read replica when there is one, else the same as `db`. */
  readonly reads: Database
  /** The pool under `db`, for what Kysely can't do. On the embedded database it holds one client. */
  readonly pool: pg.Pool
  /** What pg-boss takes as its `db` (with `backend: 'pglite'` when embedded). */
  readonly bossDatabase: Db
  /** Calls `handler` with the payload of each NOTIFY on a channel; answers how to stop. Never call it inside a transaction. */
  listen(channel: string, handler: (payload: string) => void): Promise<() => Promise<void>>
  readonly listenState: ListenState
  /** The whole embedded database as one file, for `snapshot`. Throws on a server. */
  dump(): Promise<Blob>
  /** Ends the connections; the embedded database is checkpointed and its folder given free. Safe to call again. */
  close(): Promise<void>
}

/**
 * Opens the database: a server when `url` is given, else the embedded one (created when its folder is empty). The schema is not touched:
 * see `migrate`. Throws FolderInUse when another process has the folder, and DatabaseUnusable when the server refuses us or can't be reached.
 */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  // PGlite is 20 MB of memory that a process on a server has no use for.
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
