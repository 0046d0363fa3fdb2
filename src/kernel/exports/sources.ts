import type { Static, TObject, TProperties } from 'typebox'
import type { Reader } from '../database/reader.ts'
import type { Printable } from './exports.ts'
import type { Row } from './rows.ts'

/** A list that is open for reading. */
export interface OpenList extends Pick<Printable, 'count'> {
  readonly rows: AsyncIterable<Row>
}

/** A list that people can have as a file: at once, or made by a job. */
export interface ExportSource<Filters = unknown> {
  /** Names the list in requests for a job; unique over all products. */
  readonly what: string
  /** What the operation log calls one of its entries. */
  readonly resource: string
  /** The file's name, without an ending. */
  readonly name: string
  /** What whoever takes it must hold. */
  readonly permission: string
  readonly columns: readonly string[]
  /** Schema of the filters. */
  readonly filters: TObject
  /** Opens it for somebody who holds these permissions. Nothing is read before it is asked for. */
  open(reader: Reader, filters: Filters, permissions: ReadonlySet<string>): OpenList
}

/** A source whose `open` gets what its filters say. */
export function exportSource<Filters extends TProperties>(
  source: Omit<ExportSource<Static<TObject<Filters>>>, 'filters'> & { readonly filters: TObject<Filters> },
): ExportSource<Static<TObject<Filters>>> {
  return source
}
