/** A table whose new rows are sent to connected clients. */
export interface Feed<Row> {
  /** Names the rows in the log: `chat messages`. */
  readonly name: string
  /** The NOTIFY channel that announces new rows. */
  readonly channel: string
  /**
   * Parses a payload: the key that has new rows (absent: any), and the id up to which there are rows (absent: unknown).
   */
  news(payload: string): { readonly key?: number; readonly upTo?: number }
  /** Reads rows of some keys with `after` < id ≤ `upTo`, in order of id, at most `limit`. */
  rowsAfter(keys: readonly number[], after: number, limit: number, upTo?: number): Promise<readonly Row[]>
  /** The key of the followers of a row. */
  keyOf(row: Row): number
  /**
   * Reads the newest id of the table. Define it only if all rows become visible in order of id: then one query serves
   * all keys. Without it that order need only hold within a key, and each key is read by itself.
   */
  newest?(): Promise<number>
}

/** A client connected to this process that gets the rows of one key. */
export interface Follower<Row> {
  readonly key: number
  /** Sends one row. It is called in order of id. */
  deliver(row: Row): void
  /** Resolves when all sent rows have left this process, or the connection is closed. */
  flushed(): Promise<void>
  /** Called when the existing rows can't be read. Without it they are read again every second. */
  failed?(error: unknown): void
}
