import type { Entry, ZipFile } from 'yauzl'
import { DomainError, Invalid } from '../errors.ts'
import { late } from '../late.ts'

const htmlparser2 = late<typeof import('htmlparser2')>('htmlparser2')
const yauzl = late<typeof import('yauzl')>('yauzl')

/** The value of a cell of an uploaded sheet. Dates are Excel's serial numbers. */
export type SheetCell = string | number | boolean | null

/** A row that is not empty. `number` is the one shown beside it; `cells` ends with the last one that is not empty. */
export interface SheetRow {
  readonly number: number
  readonly cells: readonly SheetCell[]
}

/** Limits for reading a sheet. More rows and longer texts are refused; more columns are ignored. */
export interface SheetLimits {
  readonly rows: number
  readonly columns: number
  /**
   * Most characters of one cell. A workbook stores a shared text once: a few kilobytes can become gigabytes when every
   * cell is read.
   */
  readonly characters: number
}

/** Most parts of a workbook. */
const MOST_PARTS = 2000
/** Most bytes of all parts we read, unpacked: a zip of a few kilobytes can become gigabytes. */
const MOST_UNPACKED = 24 * 1024 * 1024
/** Deeper XML is not a sheet, and the parser would search all open elements at each end tag. */
const MOST_DEPTH = 64
/** An element with more attributes is not part of a sheet, and each attribute costs the parser time. */
const MOST_ATTRIBUTES = 100

/**
 * Reads the first sheet of an uploaded workbook (XLSX, ECMA-376), row by row. The file may be malicious: the unpacked
 * bytes are counted, and a streaming parser reads them that keeps only the current part and does not expand entities of
 * the document.
 * @throws Invalid `bad_workbook` if it is not a workbook, `sheet_too_large` beyond the limits.
 */
export async function readSheet(workbook: Buffer, limits: SheetLimits): Promise<readonly SheetRow[]> {
  try {
    const zip = await yauzl().fromBufferPromise(workbook)
    if (zip.entryCount > MOST_PARTS) throw tooLarge()
    const parts = new Map<string, Entry>()
    for await (const entry of zip.eachEntry()) parts.set(entry.fileName.toLowerCase(), entry)
    const reader = { zip, parts, left: MOST_UNPACKED }
    const path = await firstSheet(reader)
    const strings = parts.has(STRINGS) ? await readStrings(reader) : []
    return await readRows(reader, path, strings, limits)
  } catch (error) {
    if (error instanceof DomainError) throw error
    // yauzl's and zlib's errors about damaged files have no codes.
    throw badWorkbook()
  }
}

const badWorkbook = () => new Invalid('bad_workbook', 'The file is damaged or not a workbook (.xlsx).')
const tooLarge = () => new Invalid('sheet_too_large', 'The sheet is too large.', { status: 413 })

const WORKBOOK = 'xl/workbook.xml'
const RELATIONS = 'xl/_rels/workbook.xml.rels'
const STRINGS = 'xl/sharedstrings.xml'

interface Reader {
  readonly zip: ZipFile
  /** By path in lower case, because readers of such packages compare paths like that. */
  readonly parts: ReadonlyMap<string, Entry>
  /** Bytes that may still be unpacked. */
  left: number
}

interface Listener {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  close?(name: string): void
  text?(text: string): void
}

/** Parses one part while it is unpacked. Names are passed without their namespace prefix. */
async function parsePart(reader: Reader, path: string, { open, close, text }: Listener): Promise<void> {
  const entry = reader.parts.get(path.toLowerCase())
  if (!entry) throw badWorkbook()
  let depth = 0
  let count = 0
  const parser = new (htmlparser2().Parser)(
    {
      onattribute: () => {
        count += 1
        if (count > MOST_ATTRIBUTES) throw badWorkbook()
      },
      onopentag: (name, attributes) => {
        count = 0
        depth += 1
        if (depth > MOST_DEPTH) throw badWorkbook()
        open?.(localName(name), attributes)
      },
      onclosetag: (name) => {
        depth -= 1
        close?.(localName(name))
      },
      ontext: (data) => text?.(data),
    },
    { xmlMode: true },
  )
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of await reader.zip.openReadStreamPromise(entry)) {
    if (!(chunk instanceof Uint8Array)) throw badWorkbook()
    reader.left -= chunk.length
    if (reader.left < 0) throw tooLarge()
    parser.write(decoder.decode(chunk, { stream: true }))
  }
  parser.end(decoder.decode())
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Path of the first sheet: the workbook lists its sheets in order, its relations give their paths. */
async function firstSheet(reader: Reader): Promise<string> {
  let relation: string | undefined
  await parsePart(reader, WORKBOOK, {
    open: (name, attributes) => {
      if (name === 'sheet') relation ??= Object.entries(attributes).find(([key]) => key.endsWith(':id'))?.[1]
    },
  })
  let target: string | undefined
  await parsePart(reader, RELATIONS, {
    open: (name, { Id, Target }) => {
      if (name === 'Relationship' && Id === relation) target ??= Target
    },
  })
  if (relation === undefined || target === undefined) throw badWorkbook()
  return target.startsWith('/') ? target.slice(1) : `xl/${target}`
}

/** The shared texts, which cells refer to by number. */
async function readStrings(reader: Reader): Promise<readonly string[]> {
  const strings: string[] = []
  const text = textReader()
  await parsePart(reader, STRINGS, {
    open: (name) => {
      if (name === 'si') text.start()
      text.open(name)
    },
    close: (name) => {
      text.close(name)
      if (name === 'si') strings.push(text.take())
    },
    text: text.add,
  })
  return strings
}

/** Collects the text of an item from its `t` elements, formatted or not, except those of the pronunciation (`rPh`). */
function textReader() {
  let text = ''
  let inText = false
  let aside = false
  return {
    start: () => {
      text = ''
    },
    open: (name: string) => {
      if (name === 'rPh') aside = true
      else if (name === 't') inText = !aside
    },
    close: (name: string) => {
      if (name === 'rPh') aside = false
      else if (name === 't') inText = false
    },
    add: (data: string) => {
      if (inText) text += data
    },
    take: () => unescaped(text),
  }
}

/** Decodes characters that XML cannot contain, written `_x0007_` (ECMA-376, ST_Xstring). */
function unescaped(text: string): string {
  return text
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .toWellFormed()
}

async function readRows(
  reader: Reader,
  path: string,
  strings: readonly string[],
  limits: SheetLimits,
): Promise<readonly SheetRow[]> {
  const rows: SheetRow[] = []
  const text = textReader()
  let number = 0
  let column = -1
  let type = ''
  let value = ''
  let inValue = false
  let cells: SheetCell[] = []

  const endCell = () => {
    const cell = type === 'inlineStr' ? text.take() : cellOf(type, value, strings)
    if (cell === null || cell === '' || column >= limits.columns) return
    if (typeof cell === 'string' && cell.length > limits.characters) throw tooLarge()
    while (cells.length < column) cells.push(null)
    cells[column] = cell
  }
  const endRow = () => {
    if (cells.length === 0) return
    if (rows.length >= limits.rows) throw tooLarge()
    rows.push({ number, cells })
    cells = []
  }
  await parsePart(reader, path, {
    open: (name, attributes) => {
      text.open(name)
      if (name === 'row') {
        number = Number(attributes.r) || number + 1
        column = -1
      } else if (name === 'c') {
        column = attributes.r === undefined ? column + 1 : columnOf(attributes.r)
        type = attributes.t ?? 'n'
        value = ''
        text.start()
      } else if (name === 'v') inValue = true
    },
    close: (name) => {
      text.close(name)
      if (name === 'v') inValue = false
      else if (name === 'c') endCell()
      else if (name === 'row') endRow()
    },
    text: (data) => {
      text.add(data)
      if (inValue) value += data
    },
  })
  return rows
}

/** A is 0, Z is 25, AA is 26. */
function columnOf(place: string): number {
  const letters = /^([A-Z]{1,3})\d+$/.exec(place)?.[1]
  if (letters === undefined) throw badWorkbook()
  return [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1
}

function cellOf(type: string, value: string, strings: readonly string[]): SheetCell {
  if (value === '') return null
  switch (type) {
    case 's':
      return strings[Number(value)] ?? null
    case 'n':
      return Number.isFinite(Number(value)) ? Number(value) : null
    case 'b':
      return value === '1'
    default:
      return unescaped(value)
  }
}
