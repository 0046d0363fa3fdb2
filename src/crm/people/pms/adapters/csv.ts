/** A record of a CSV file: its cells, and the line on which it begins. */
export interface CsvRecord {
  readonly cells: readonly string[]
  readonly line: number
}

/** The file is no CSV. The message names the line. */
export class NotCsv extends Error {}

/** Most bytes of one record. */
const LONGEST_RECORD = 64 * 1024

/**
 * Reads the whole records (RFC 4180; lines end in LF or CRLF) at the start of some bytes of a file.
 * @param line the line of the first byte, from 1
 * @param isEnd the bytes are the rest of the file, whose last record may lack a line end
 * @returns at most `most` records, the number of bytes they take, and the line after them. Empty lines are no records.
 * @throws NotCsv for a quote that is not closed, text after a closing quote, a record that is too long, or bytes that
 * are no UTF-8
 */
export function readCsv(
  bytes: Buffer,
  { line, isEnd, most }: { readonly line: number; readonly isEnd: boolean; readonly most: number },
): { readonly records: readonly CsvRecord[]; readonly bytes: number; readonly line: number } {
  const records: CsvRecord[] = []
  let at = 0
  let number = line
  while (at < bytes.length && records.length < most) {
    const found = recordAt(bytes, at, number, isEnd)
    if (!found) break
    if (found.cells.some((cell) => cell !== '')) records.push({ cells: found.cells, line: number })
    at = found.end
    number += found.lines
  }
  return { records, bytes: at, line: number }
}

const [QUOTE, COMMA, LF, CR] = [0x22, 0x2c, 0x0a, 0x0d] as const

interface FoundRecord {
  readonly cells: readonly string[]
  /** The byte after its line end. */
  readonly end: number
  readonly lines: number
}

/** The record at a byte; undefined if it is not complete. Delimiters are never part of a longer UTF-8 character. */
function recordAt(bytes: Buffer, start: number, line: number, isEnd: boolean): FoundRecord | undefined {
  const cells: string[] = []
  let lines = 0
  let at = start
  for (;;) {
    if (at - start > LONGEST_RECORD) throw new NotCsv(`line ${line}: the row is too long`)
    const isQuoted = bytes[at] === QUOTE
    const cell = isQuoted ? quotedEnd(bytes, at, start, line) : plainEnd(bytes, at)
    if (isQuoted && cell < 0) {
      if (isEnd) throw new NotCsv(`line ${line}: a quote is not closed`)
      return undefined
    }
    const text = isQuoted ? bytes.subarray(at + 1, cell) : bytes.subarray(at, cell)
    lines += count(text, LF)
    at = isQuoted ? cell + 1 : cell
    if (at >= bytes.length && !isEnd) return undefined
    cells.push(isQuoted ? decoded(text, line).replaceAll('""', '"') : decoded(text, line))
    if (bytes[at] === COMMA) {
      at += 1
      continue
    }
    if (bytes[at] === CR && bytes[at + 1] === undefined && !isEnd) return undefined
    if (bytes[at] === CR && bytes[at + 1] === LF) at += 1
    if (at < bytes.length && bytes[at] !== LF) throw new NotCsv(`line ${line}: text follows a closing quote`)
    return { cells, end: Math.min(at + 1, bytes.length), lines: lines + 1 }
  }
}

/** The end of a cell without quotes: its comma or line end. */
function plainEnd(bytes: Buffer, start: number): number {
  let at = start
  while (at < bytes.length && bytes[at] !== COMMA && bytes[at] !== LF) at += 1
  return bytes[at - 1] === CR && at > start && bytes[at] === LF ? at - 1 : at
}

/** The closing quote of a cell; -1 if it is not there. */
function quotedEnd(bytes: Buffer, start: number, record: number, line: number): number {
  let at = start + 1
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at)
    if ((quote < 0 ? bytes.length : quote) - record > LONGEST_RECORD)
      throw new NotCsv(`line ${line}: the row is too long, or a quote is not closed`)
    if (quote < 0 || bytes[quote + 1] !== QUOTE) return quote
    at = quote + 2
  }
}

function count(bytes: Buffer, wanted: number): number {
  let found = 0
  for (const byte of bytes) if (byte === wanted) found += 1
  return found
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decoded(bytes: Buffer, line: number): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new NotCsv(`line ${line}: the text is no UTF-8`)
  }
}
