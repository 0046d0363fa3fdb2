/** What a cell can hold. A `Date` is an instant: it is shown as the wall clock of the export's zone. */
export type Cell = string | number | boolean | Date | null

export type Row = readonly Cell[]

/** A table to be written out: the names of its columns, and its rows one after the other. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: AsyncIterable<Row>
}

/** Rows fetched at once: enough that the round trip hardly counts, few enough that they hardly need memory. */
const BATCH = 1000

/**
 * Reads a long result in batches by key: `fetch` answers the next `limit` records after the last one it gave (undefined: from the start), in
 * an order that is total. Each batch is a statement of its own, so that no transaction stays open while a slow client reads, and the embedded
 * database (one connection) goes on serving between batches.
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

/** The same rows, with each record turned into its cells. */
export async function* cellsOf<Record>(
  records: AsyncIterable<Record>,
  present: (record: Record) => Row,
): AsyncGenerator<Row> {
  for await (const record of records) yield present(record)
}

/** What is in memory already, as rows to be written out. */
export async function* fromMemory<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items
}

/**
 * A number as text. Of whole ones by `toFixed`: what `String` makes of a number V8 keeps in a cache, from where it gets among the old objects,
 * and a long export makes millions of them.
 */
export function digits(value: number): string {
  return Number.isInteger(value) ? value.toFixed(0) : String(value)
}

/** Characters of a part that is handed on: small writes cost more than they carry. */
const PART = 64 * 1024

/** Joins small texts into parts of some 64 KB. */
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
