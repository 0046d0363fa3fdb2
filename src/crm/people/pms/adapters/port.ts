import type { SyncType } from '../types.ts'

// The port to a property management system.

/** A row as the PMS gave it, with its place for the log: `page 3, row 12`. */
export interface RawRow {
  readonly place: string
  readonly value: unknown
  /** Why it is no row at all. */
  readonly fault?: string
}

/** A part of what the PMS has, after a cursor. */
export interface PmsPage {
  readonly rows: readonly RawRow[]
  /** Where the next page starts; null: nothing was read yet. */
  readonly cursor: string | null
  readonly hasMore: boolean
  /** What to write into the log besides the rows. */
  readonly lines: readonly { readonly level: 'info' | 'warning' | 'error'; readonly text: string }[]
  /** Done once the page is committed. It may be called again after a kill. */
  readonly afterCommit?: () => Promise<void>
}

/** A property management system from which members and consumption records are read. */
export interface PmsAdapter {
  /** Marks its cursors: those of another adapter are not used. */
  readonly name: 'rest' | 'files'
  /**
   * Reads the rows after a cursor; null: from the start. The same cursor gives the same rows, and maybe newer ones.
   * @param number of the page, for the places of its rows
   * @throws PmsFault
   */
  read(type: SyncType, cursor: string | null, number: number): Promise<PmsPage>
}

/** The PMS did not give a page. `temporary`: a later try may work. The message has no data of guests. */
export class PmsFault extends Error {
  readonly kind: 'temporary' | 'final'
  /** Seconds that the PMS asked us to wait. */
  readonly retryAfter: number | undefined

  constructor(message: string, kind: PmsFault['kind'], retryAfter?: number) {
    super(message)
    this.name = 'PmsFault'
    this.kind = kind
    this.retryAfter = retryAfter
  }
}
