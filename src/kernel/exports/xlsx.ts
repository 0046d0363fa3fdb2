import { PassThrough, Readable } from 'node:stream'
import { late } from '../late.ts'
import { localDate, localTime } from '../time.ts'
import type { Cell, Row, Table } from './rows.ts'
import { digits, inParts } from './rows.ts'

const yazl = late<typeof import('yazl')>('yazl')

/** Most rows of a sheet, header included (ECMA-376); Excel refuses more. */
const SHEET_ROWS = 1_048_576
/** Most characters of a cell. */
const CELL_CHARACTERS = 32_767

const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006'
const SHEET_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml'
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

/** Cell formats: 1 is a date with a time, 2 the bold header. */
const STYLES =
  `${XML}<styleSheet xmlns="${MAIN}">` +
  '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>' +
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>' +
  '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill>' +
  '<fill><patternFill patternType="gray125"/></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>' +
  '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs></styleSheet>'

/**
 * A table as an Excel workbook (ECMA-376), written while its rows arrive: only the current row and the compressor's
 * window are in memory. Rows beyond 1,048,576 go into further sheets. Destroying the stream ends the reading of the
 * rows.
 *
 * The XML of the package is written here, because the streaming writer of exceljs keeps every row it has written (its
 * issues 282, 1894 and 2916). yazl, which makes the zip, respects back-pressure.
 */
export function xlsxOf(table: Table, zone: string, sheetRows = SHEET_ROWS): Readable {
  return Readable.from(packageOf(table, zone, sheetRows), { objectMode: false })
}

async function* packageOf({ columns, rows }: Table, zone: string, sheetRows: number): AsyncGenerator<Buffer> {
  const zip = new (yazl().ZipFile)()
  const zipped = new PassThrough()
  zip.outputStream.pipe(zipped)
  const source = rows[Symbol.asyncIterator]()
  const state = { ended: false, sheets: 0 }
  let current: Readable | undefined

  /** Adds one sheet after the other, then the parts that refer to them, once the number of sheets is known. */
  const addSheet = () => {
    state.sheets += 1
    const sheet = Readable.from(inParts(sheetXml({ columns, source, zone, sheetRows, state })), { objectMode: false })
    current = sheet
    sheet.on('error', (error) => zipped.destroy(error))
    sheet.on('end', () => (state.ended ? finish() : addSheet()))
    zip.addReadStream(sheet, `xl/worksheets/sheet${state.sheets}.xml`, { compressionLevel: 1 })
  }
  const finish = () => {
    for (const [path, text] of partsOf(state.sheets)) zip.addBuffer(Buffer.from(text), path)
    zip.end()
  }
  addSheet()
  try {
    for await (const part of zipped) yield part
  } finally {
    current?.destroy()
    await source.return?.()
  }
}

interface SheetSource {
  readonly columns: readonly string[]
  readonly source: AsyncIterator<Row>
  readonly zone: string
  readonly sheetRows: number
  readonly state: { ended: boolean }
}

async function* sheetXml({ columns, source, zone, sheetRows, state }: SheetSource): AsyncGenerator<string> {
  yield `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0">` +
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
  const at = columns.map((_, index) => columnName(index))
  yield `<row r="1">${columns.map((name, index) => textCell(name, `r="${at[index]}1" s="2"`)).join('')}</row>`
  for (let number = 2; number <= sheetRows; number += 1) {
    const next = await source.next()
    if (next.done) {
      state.ended = true
      break
    }
    yield rowXml(next.value, number, at, zone)
  }
  yield '</sheetData></worksheet>'
}

function rowXml(row: Row, number: number, columns: readonly string[], zone: string): string {
  const line = digits(number)
  const cells = row.map((cell, index) => cellXml(cell, `r="${columns[index]}${line}"`, zone))
  return `<row r="${line}">${cells.join('')}</row>`
}

/** 0 is A, 25 is Z, 26 is AA. */
function columnName(index: number): string {
  const letter = String.fromCharCode(65 + (index % 26))
  return index < 26 ? letter : columnName(Math.floor(index / 26) - 1) + letter
}

/**
 * One cell. Texts are inline and never formulas. Some readers need the cell's reference, although it follows from the
 * order.
 */
function cellXml(cell: Cell, place: string, zone: string): string {
  if (cell === null || cell === '') return ''
  if (typeof cell === 'string') return textCell(cell, place)
  if (typeof cell === 'boolean') return `<c ${place} t="b"><v>${cell ? 1 : 0}</v></c>`
  if (cell instanceof Date) return `<c ${place} s="1"><v>${serialOf(cell, zone).toFixed(12)}</v></c>`
  return Number.isFinite(cell) ? `<c ${place}><v>${digits(cell)}</v></c>` : ''
}

function textCell(text: string, attributes: string): string {
  return `<c ${attributes} t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`
}

/**
 * Excel's serial number of an instant: days of local time since 1899-12-30, correct from March 1900 on. Seconds are
 * kept.
 */
function serialOf(instant: Date, zone: string): number {
  const seconds = Math.floor(instant.getTime() / 1000) % 60
  const wall = Date.parse(`${localDate(instant, zone)}T${localTime(instant, zone)}:00Z`) / 1000 + ((seconds + 60) % 60)
  return wall / 86_400 + 25_569
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot represent these
const notInXml = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g
/** A text that looks like Excel's own escape must itself be escaped. */
const looksEscaped = /_(?=x[0-9A-Fa-f]{4}_)/g
const markup: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function escaped(text: string): string {
  return text
    .slice(0, CELL_CHARACTERS)
    .toWellFormed()
    .replace(looksEscaped, '_x005F_')
    .replace(notInXml, (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replace(/[&<>]/g, (character) => markup[character] ?? '')
}

/** The other parts of the package: path and text. */
function partsOf(sheets: number): [string, string][] {
  const numbers = Array.from({ length: sheets }, (_, index) => index + 1)
  const each = (write: (number: number) => string) => numbers.map(write).join('')
  const styles = sheets + 1
  return [
    ['xl/styles.xml', STYLES],
    [
      'xl/workbook.xml',
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets>` +
        `${each((n) => `<sheet name="Sheet${n}" sheetId="${n}" r:id="rId${n}"/>`)}</sheets></workbook>`,
    ],
    [
      'xl/_rels/workbook.xml.rels',
      `${XML}<Relationships xmlns="${PACKAGE}/relationships">` +
        each((n) => `<Relationship Id="rId${n}" Type="${RELATIONS}/worksheet" Target="worksheets/sheet${n}.xml"/>`) +
        `<Relationship Id="rId${styles}" Type="${RELATIONS}/styles" Target="styles.xml"/></Relationships>`,
    ],
    [
      '_rels/.rels',
      `${XML}<Relationships xmlns="${PACKAGE}/relationships">` +
        `<Relationship Id="rId1" Type="${RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    ],
    [
      '[Content_Types].xml',
      `${XML}<Types xmlns="${PACKAGE}/content-types">` +
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
        `<Override PartName="/xl/workbook.xml" ContentType="${SHEET_TYPE}.sheet.main+xml"/>` +
        each((n) => `<Override PartName="/xl/worksheets/sheet${n}.xml" ContentType="${SHEET_TYPE}.worksheet+xml"/>`) +
        `<Override PartName="/xl/styles.xml" ContentType="${SHEET_TYPE}.styles+xml"/></Types>`,
    ],
  ]
}
