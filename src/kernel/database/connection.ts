import type pg from 'pg'
import type { Db } from 'pg-boss'
import type { Logger } from 'pino'
import type { Listener } from './listener.ts'

export interface DatabaseOptions {
  /** A PostgreSQL server (`postgres://…`); without it the database is embedded. */
  readonly url?: string | undefined
  /** How long to wait for a server that can't be reached yet. Default 0. */
  readonly waitSeconds?: number | undefined
  /** A read replica of that server. */
  readonly readUrl?: string | undefined
  /** The data folder of the embedded database, which lives in `database/` in it; 'memory' keeps nothing. */
  readonly dataDir: string | 'memory'
  /** Connections to the server; the embedded database always has one. */
  readonly poolSize: number
  /** What the embedded database starts with when it is new: a `dump()` of another. */
  readonly snapshot?: Blob | undefined
  /** A file of `templateFile`, out of which a new data folder is made; where it is missing or damaged the database is created as ever. */
  readonly template?: string | undefined
  /** IANA zone in which the embedded database's quiet hours (03:00–05:00) are. Default Asia/Shanghai. */
  readonly timeZone?: string | undefined
  /** Called when the embedded database can't go on (no room for its log): only a new process can open it again, and finds all it had. */
  readonly onBroken?: ((reason: unknown) => void) | undefined
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/** What both kinds of database give; see `OpenDatabase` in database.ts for what each is. */
export interface Connection {
  readonly kind: 'embedded' | 'server'
  readonly pool: pg.Pool
  readonly readPool: pg.Pool
  readonly listener: Listener
  readonly bossDatabase: Db
  dump(): Promise<Blob>
  close(): Promise<void>
}
