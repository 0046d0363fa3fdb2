import { Invalid } from '../../../kernel/errors.ts'
import { readSheet } from '../../../kernel/imports/xlsx.ts'
import { fieldError } from '../../refusals.ts'
import type { Cell } from './cells.ts'
import { NotCsv, readCsv } from './csv.ts'

/** Most rows of a file, without the headings. */
export const MOST_ROWS = 20_000
const MOST_COLUMNS = 100
const MOST_CHARACTERS = 20_000

/** A row of a file: the number of its line, and its cells. */
export interface SheetLine {
  readonly number: number
  readonly cells: readonly Cell[]
}

/**
 * Reads the rows of a CSV file (UTF-8 with or without a byte order mark, UTF-16, Big5) or of the first sheet of a
 * workbook. Rows without anything visible are left out.
 * @throws Invalid `unreadable_file` (422), `bad_workbook`, `sheet_too_large`
 */
export async function readLines(file: Buffer): Promise<readonly SheetLine[]> {
  if (file.subarray(0, 4).equals(Buffer.from([0xd0, 0xcf, 0x11, 0xe0])))
    throw unreadable('is a workbook of an old version: save it as .xlsx or CSV')
  const isWorkbook = file.subarray(0, 2).toString('latin1') === 'PK'
  const rows = isWorkbook ? await workbookLines(file) : csvLines(file)
  if (rows.length > MOST_ROWS + 1) throw unreadable(`has more than ${MOST_ROWS} rows`)
  return rows
}

async function workbookLines(file: Buffer): Promise<readonly SheetLine[]> {
  const limits = { rows: MOST_ROWS + 1, columns: MOST_COLUMNS, characters: MOST_CHARACTERS }
  const rows = await readSheet(file, limits)
  return rows.filter(({ cells }) => cells.some((cell) => cell !== null && String(cell).trim() !== ''))
}

function csvLines(file: Buffer): readonly SheetLine[] {
  try {
    const rows = readCsv(decoded(file), { most: MOST_ROWS + 1 })
    if (rows.some(({ cells }) => cells.some((cell) => cell.length > MOST_CHARACTERS)))
      throw unreadable(`has a cell of more than ${MOST_CHARACTERS} characters`)
    return rows.map(({ number, cells }) => ({ number, cells: cells.slice(0, MOST_COLUMNS) }))
  } catch (error) {
    if (error instanceof NotCsv) throw unreadable(error.message)
    throw error
  }
}

/** The text of a file in one of the encodings that spreadsheets write here. */
function decoded(file: Buffer): string {
  if (file[0] === 0xff && file[1] === 0xfe) return new TextDecoder('utf-16le').decode(file)
  for (const encoding of ['utf-8', 'big5']) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(file)
      if (text.includes('\0')) break
      return text
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
  }
  throw unreadable('is no CSV (UTF-8 or Big5) and no workbook (.xlsx)')
}

/** The refusal of a file. */
export function unreadable(reason: string): Invalid {
  return new Invalid('unreadable_file', `The file ${reason}.`, { status: 422, errors: [fieldError('/file', reason)] })
}
