/** The value of a cell. A `Date` is an instant and shown as local time in the export's zone. */
export type Cell = string | number | boolean | Date | null

export type Row = readonly Cell[]

/** A table to be written: the names of its columns and its rows. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<Row>
}

/** Rows per batch: enough to make round trips cheap, few enough to need little memory. */
const BATCH = 1000

/**
 * Reads a long result in batches by key: `fetch` answers the next `limit` records after the last one (undefined: from
 * the start), in a total order. Each batch is a statement of its own, so that no transaction stays open while a slow
 * client reads, and the embedded database (one connection) can serve others between batches.
 */
export async function* inBatches<Record>(
  fetch: (after: Record | undefined, limit: number) => Promise<readonly Record[]>,
  size = BATCH,
): AsyncGenerator<Record> {
  let last: Record | undefined
  for (;;) {
    const batch = await fetch(last, size)
    yield* batch
    if (batch.length < size) return
    last = batch.at(-1)
  }
}

/** Turns each record into its cells. */
export async function* cellsOf<Record>(
  records: AsyncIterable<Record>,
  present: (record: Record) => Row,
): AsyncGenerator<Row> {
  for await (const record of records) yield present(record)
}

/** Items in memory as an async iterable. */
export async function* fromMemory<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items
}

/**
 * A number as text. Integers use `toFixed`: V8 caches the results of `String`, and a long export would fill its old
 * generation with millions of them.
 */
export function digits(value: number): string {
  return Number.isInteger(value) ? value.toFixed(0) : String(value)
}

/** Characters per part: small writes cost more than they carry. */
const PART = 64 * 1024

/** Joins small texts into parts of about 64 KB. */
export async function* inParts(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let part = ''
  for await (const text of texts) {
    part += text
    if (part.length < PART) continue
    yield part
    part = ''
  }
  if (part !== '') yield part
}
