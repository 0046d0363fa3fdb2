import type { Static, TObject, TProperties } from 'typebox'
import type { Reader } from '../database/reader.ts'
import type { Printable } from './exports.ts'
import type { Row } from './rows.ts'

/** A list that is open for reading. */
export interface OpenList extends Pick<Printable, 'count'> {
  readonly rows: AsyncIterable<Row>
}

/** A list that people can export as a file: at once, or by a job. */
export interface ExportSource<Filters = unknown> {
  /** Name of the list in requests for a job; unique over all products. */
  readonly what: string
  /** The `resource` of its entries in the operation log. */
  readonly resource: string
  /** File name without an extension. */
  readonly name: string
  /** Permission required to export. */
  readonly permission: string
  readonly columns: readonly string[]
  /** Schema of the filters. */
  readonly filters: TObject
  /** Opens the list for a holder of these permissions. Rows are only read when they are iterated. */
  open(reader: Reader, filters: Filters, permissions: ReadonlySet<string>): OpenList
}

/** Types a source: `open` gets the filters as its schema describes them. */
export function exportSource<Filters extends TProperties>(
  source: Omit<ExportSource<Static<TObject<Filters>>>, 'filters'> & { readonly filters: TObject<Filters> },
): ExportSource<Static<TObject<Filters>>> {
  return source
}
