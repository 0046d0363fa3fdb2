/** A table whose new rows are sent to whoever is connected. */
export interface Feed<Row> {
  /** Names the rows in the log: `chat messages`. */
  readonly name: string
  /** The NOTIFY channel that announces new rows. */
  readonly channel: string
  /** Reads a payload: the key that has new rows (absent: any), and up to which id (absent: unknown). */
  news(payload: string): { readonly key?: number; readonly upTo?: number }
  /** Reads rows of some keys with `after` < id ≤ `upTo`, in the order of their ids, at most `limit`. */
  rowsAfter(keys: readonly number[], after: number, limit: number, upTo?: number): Promise<readonly Row[]>
  /** The key of those who get a row. */
  keyOf(row: Row): number
  /**
   * The newest id of the table. Given when all rows become visible in the order of their ids: then one query serves all keys. Without it
   * that order holds within a key only, and each key is read by itself.
   */
  newest?(): Promise<number>
}

/** Somebody on this process who gets the rows of one key. */
export interface Follower<Row> {
  readonly key: number
  /** Sends one row; ids only rise. */
  deliver(row: Row): void
  /** Resolves when what was sent has left this process, or the connection is gone. */
  flushed(): Promise<void>
  /** Called when the rows that are there can't be read; without it they are tried again every second. */
  failed?(error: unknown): void
}
