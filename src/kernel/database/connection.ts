import type pg from 'pg'
import type { Db } from 'pg-boss'
import type { Logger } from 'pino'
import type { Listener } from './listener.ts'

export interface DatabaseOptions {
  /** A PostgreSQL server (`postgres://…`); without it the database is embedded. */
  readonly url?: string | undefined
  /** Seconds to wait at the start for a server that can't be reached. Default 0. */
  readonly waitSeconds?: number | undefined
  /** A read replica of that server. */
  readonly readUrl?: string | undefined
  /** The data folder, which contains the embedded database in `database/`; 'memory' keeps nothing. */
  readonly dataDir: string | 'memory'
  /** Largest number of connections to the server; the embedded database always has one. */
  readonly poolSize: number
  /** The content of a new embedded database: a `dump()` of another. */
  readonly snapshot?: Blob | undefined
  /**
   * A file of `templateFile` to create a new embedded database from. If it is missing or damaged, the database is
   * created without it.
   */
  readonly template?: string | undefined
  /** IANA zone of the embedded database's quiet hours (03:00–05:00). Default Asia/Shanghai. */
  readonly timeZone?: string | undefined
  /**
   * Called when the embedded database can't go on (as without room for its log). A new process can open it, without
   * loss.
   */
  readonly onBroken?: ((reason: unknown) => void) | undefined
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** The common interface of both kinds of database; `OpenDatabase` in database.ts explains the members. */
export interface Connection {
  readonly kind: 'embedded' | 'server'
  readonly pool: pg.Pool
  readonly readPool: pg.Pool
  readonly listener: Listener
  readonly bossDatabase: Db
  dump(): Promise<Blob>
  close(): Promise<void>
}
