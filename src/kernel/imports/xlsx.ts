import type { Entry, ZipFile } from 'yauzl'
import { DomainError, Invalid } from '../errors.ts'
import { late } from '../late.ts'

const htmlparser2 = late<typeof import('htmlparser2')>('htmlparser2')
const yauzl = late<typeof import('yauzl')>('yauzl')

/** What a cell of an uploaded sheet holds. Dates are the numbers that the workbook has for them. */
export type SheetCell = string | number | boolean | null

/** One row that has something in it. `number` is the one people see beside it, `cells` ends with the last one that has something. */
export interface SheetRow {
  readonly number: number
  readonly cells: readonly SheetCell[]
}

/** How much of a sheet is read. Rows beyond the last and texts beyond the longest are refused, columns beyond the last are overlooked. */
export interface SheetLimits {
  readonly rows: number
  readonly columns: number
  /** Of one cell. A workbook holds a text once however many cells have it: some kilobytes can be gigabytes to whoever looks at each cell. */
  readonly characters: number
}

/** Parts that a workbook may have. */
const MOST_PARTS = 2000
/** Bytes that the parts we read may have together when they are unpacked: a zip of some kilobytes can become gigabytes. */
const MOST_UNPACKED = 24 * 1024 * 1024
/** XML deeper than this is no sheet; the parser would look through all that is open at each end tag. */
const MOST_DEPTH = 64
/** An element with more attributes is no part of a sheet, and takes the parser longer with each. */
const MOST_ATTRIBUTES = 100

/**
 * The first sheet of an uploaded workbook (XLSX, ECMA-376), row by row as it was written. Whoever made it may mean us harm: what is unpacked is
 * counted, and what is read goes through a parser that holds no more than the part at hand and knows no entities of the document's own.
 * @throws Invalid `bad_workbook` when it is no workbook, `sheet_too_large` beyond the limits.
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
    // What yauzl and zlib say of damage has no code of its own.
    throw badWorkbook()
  }
}

const badWorkbook = () => new Invalid('bad_workbook', 'The file is not a workbook (.xlsx), or it is damaged.')
const tooLarge = () => new Invalid('sheet_too_large', 'The sheet is too large.', { status: 413 })

const WORKBOOK = 'xl/workbook.xml'
const RELATIONS = 'xl/_rels/workbook.xml.rels'
const STRINGS = 'xl/sharedstrings.xml'

interface Reader {
  readonly zip: ZipFile
  /** By path, in small letters: how readers of such packages compare them. */
  readonly parts: ReadonlyMap<string, Entry>
  /** Bytes that may still be unpacked. */
  left: number
}

interface Listener {
  open?(name: string, attributes: Readonly<Record<string, string>>): void
  close?(name: string): void
  text?(text: string): void
}

/** Reads one part as it is unpacked. Names come without the prefix of their namespace. */
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

/** Where the first sheet of the workbook is: the workbook names its sheets in order, its relations say where they are. */
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

/** The texts that cells name by number. */
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

/** Puts the text of an item together: of its `t` elements, formatted or not, but not of those that say how it is pronounced. */
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

/** What XML can't hold is written `_x0007_` (ECMA-376, ST_Xstring). */
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
