import { localTimestamp } from '../time.ts'
import type { Cell, Row, Table } from './rows.ts'
import { digits, inParts } from './rows.ts'

/**
 * Texts that a spreadsheet takes for a formula and runs (OWASP, CSV injection); the full-width forms apply to East
 * Asian editions. Numbers need no such care.
 */
const formula = /^[=+\-@\t\r\n＝＋－＠]/

const needsQuotes = /[",\r\n]/

/** Without it, Excel reads the file in the encoding of the machine. */
const BYTE_ORDER_MARK = '\uFEFF'

/**
 * One cell in the form of RFC 4180. Instants carry the offset of the zone; texts that look like formulas get an
 * apostrophe in front.
 */
export function csvCell(cell: Cell, zone: string): string {
  if (cell === null) return ''
  if (cell instanceof Date) return localTimestamp(cell, zone)
  if (typeof cell === 'number') return digits(cell)
  if (typeof cell !== 'string') return String(cell)
  const text = formula.test(cell) ? `'${cell}` : cell
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const csvLine = (row: Row, zone: string) => `${row.map((cell) => csvCell(cell, zone)).join(',')}\r\n`

/** A table as CSV (RFC 4180, UTF-8 with a byte order mark), in parts. */
export function csvOf(table: Table, zone: string): AsyncGenerator<string> {
  return inParts(lines())

  async function* lines(): AsyncGenerator<string> {
    yield BYTE_ORDER_MARK + csvLine(table.columns, zone)
    for await (const row of table.rows) yield csvLine(row, zone)
  }
}
