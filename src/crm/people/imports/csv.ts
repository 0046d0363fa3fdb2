/** A row of a file: the number of its first line, from 1, and its cells. */
export interface TextRow {
  readonly number: number
  readonly cells: readonly string[]
}

/** Why a text is no CSV. */
export class NotCsv extends Error {}

/**
 * Reads CSV (RFC 4180; lines end in LF, CRLF or CR). Rows without anything visible are left out, but counted.
 * @param most most rows; more are a fault
 * @throws NotCsv that names the line
 */
export function readCsv(text: string, { most }: { readonly most: number }): readonly TextRow[] {
  const separator = separatorOf(text)
  const rows: TextRow[] = []
  let at = 0
  let line = 1
  while (at < text.length) {
    const row = rowAt(text, at, line, separator)
    if (row.cells.some((cell) => cell.trim() !== '')) {
      if (rows.length >= most) throw new NotCsv(`has more than ${most - 1} rows`)
      rows.push({ number: line, cells: row.cells })
    }
    at = row.end
    line += row.lines
  }
  return rows
}

/** The separator that is most frequent in the first line: a comma, a semicolon or a tab. */
function separatorOf(text: string): string {
  const [first = ''] = text.trimStart().split(/[\r\n]/, 1)
  const count = (one: string) => first.split(one).length
  return [',', '\t', ';'].reduce((best, one) => (count(one) > count(best) ? one : best))
}

function rowAt(text: string, start: number, line: number, separator: string) {
  const cells: string[] = []
  let lines = 0
  let at = start
  for (;;) {
    const isQuoted = text[at] === '"'
    const end = isQuoted ? closingQuote(text, at, line) : plainEnd(text, at, separator)
    const raw = isQuoted ? text.slice(at + 1, end) : text.slice(at, end)
    lines += isQuoted ? raw.split(/\r\n|\r|\n/).length - 1 : 0
    cells.push(isQuoted ? raw.replaceAll('""', '"') : raw)
    at = isQuoted ? end + 1 : end
    if (text[at] === separator) {
      at += 1
      continue
    }
    if (at < text.length && text[at] !== '\r' && text[at] !== '\n')
      throw new NotCsv(`line ${line + lines}: text follows a closing quote`)
    at += text.startsWith('\r\n', at) ? 2 : 1
    return { cells, end: at, lines: lines + 1 }
  }
}

function plainEnd(text: string, start: number, separator: string): number {
  let at = start
  while (at < text.length && text[at] !== separator && text[at] !== '\n' && text[at] !== '\r') at += 1
  return at
}

function closingQuote(text: string, start: number, line: number): number {
  let at = start + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) throw new NotCsv(`line ${line}: a quote is not closed`)
    if (text[quote + 1] !== '"') return quote
    at = quote + 2
  }
}
