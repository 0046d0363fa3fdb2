import { localDate, localTime } from '../../time.ts'
import type { Row, Table } from '../rows.ts'
import { createPdfFile, fontObjects, type PdfFile, textString } from './file.ts'
import { openFont, type PrintFont } from './font.ts'
import {
  ACROSS,
  BOTTOM,
  fitted,
  heightOf,
  type LaidRow,
  PADDING,
  PAGE,
  rule,
  shade,
  show,
  sizeFor,
  TOP,
} from './layout.ts'
import { linesOf, printed, widthOf } from './text.ts'

export interface PdfOptions {
  readonly title: string
  /** IANA zone in which instants are shown. */
  readonly zone: string
  /** Time of creation, shown on every page. */
  readonly at: Date
}

/** Number of rows that are measured to set the widths of the columns. */
const SAMPLE = 200
const TITLE_SIZE = 12
const SMALL = 8
/** Line height, as a multiple of the font size. */
const LEADING = 1.35

/**
 * A table as PDF, A4 landscape: title, column names and page numbers on every page; cells are wrapped, nothing is cut
 * off. It is written page by page while the rows arrive. In memory are the current page, one number per page, and the
 * characters used; only these are embedded.
 *
 * We write the PDF syntax ourselves, because pdfkit shapes and measures every text anew (0.6 ms for a row of seven
 * cells) and ignores back-pressure. fontkit does the difficult part: subsetting the font.
 */
export async function* pdfOf({ columns, rows }: Table, { title, zone, at }: PdfOptions): AsyncGenerator<Buffer> {
  const font = await openFont()
  const file = createPdfFile()
  const [catalogue, pages, fontNumber, total, information] = [1, 2, 3, 4, 5].map(() => file.reserve())
  const kids: number[] = []
  const made = `${localDate(at, zone)} ${localTime(at, zone)}`
  yield file.start()

  for await (const content of pagesOf(font, { columns, rows }, zone)) {
    const [page, stream] = [file.reserve(), file.reserve()]
    kids.push(page)
    yield file.object(stream, '', frame(font, content, { title, made, page: kids.length }))
    yield file.object(
      page,
      `/Type /Page /Parent ${pages} 0 R /MediaBox [0 0 ${PAGE.width} ${PAGE.height}] /Contents ${stream} 0 R ` +
        `/Resources << /Font << /F ${fontNumber} 0 R >> /XObject << /Total ${total} 0 R >> >>`,
    )
  }

  // The number of pages is known only now: every page shows this form after its own number.
  const { text } = oneLine(font, SMALL, `${kids.length} 页`)
  yield file.object(
    total ?? 0,
    `/Type /XObject /Subtype /Form /BBox [0 -4 100 12] /Resources << /Font << /F ${fontNumber} 0 R >> >>`,
    `BT /F ${SMALL} Tf ${show(text, 0, 0)}ET`,
  )
  yield* fontObjects(file, fontNumber ?? 0, font)
  yield* closing(file, { catalogue: catalogue ?? 0, pages: pages ?? 0, information: information ?? 0 }, kids, title)
}

function* closing(
  file: PdfFile,
  numbers: { readonly catalogue: number; readonly pages: number; readonly information: number },
  kids: readonly number[],
  title: string,
): Generator<Buffer> {
  const { catalogue, pages, information } = numbers
  yield file.object(pages, `/Type /Pages /Count ${kids.length} /Kids [${kids.map((kid) => `${kid} 0 R`).join(' ')}]`)
  yield file.object(information, `/Title ${textString(title)} /Producer (Yuyue)`)
  yield file.object(
    catalogue,
    `/Type /Catalog /Pages ${pages} 0 R /Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >>`,
  )
  yield file.end(catalogue, information)
}

/** A page's content: the table plus title, date and page number. */
function frame(
  font: PrintFont,
  content: string,
  { title, made, page }: { readonly title: string; readonly made: string; readonly page: number },
): string {
  const heading = PAGE.height - PAGE.margin - TITLE_SIZE
  const date = oneLine(font, SMALL, made)
  const number = oneLine(font, SMALL, `第 ${page} 页 / 共 `)
  const center = PAGE.width / 2
  return (
    `${content}BT /F ${TITLE_SIZE} Tf ${show(oneLine(font, TITLE_SIZE, title).text, PAGE.margin, heading)}` +
    `/F ${SMALL} Tf ${show(date.text, PAGE.width - PAGE.margin - date.width, heading)}` +
    `${show(number.text, center - number.width, PAGE.margin)}ET\n` +
    `q 1 0 0 1 ${center.toFixed(2)} ${PAGE.margin} cm /Total Do Q`
  )
}

function oneLine(font: PrintFont, size: number, text: string) {
  const [line] = linesOf(font, size, text, ACROSS)
  return line ?? { text: '', width: 0 }
}

/** The drawing of the table, one page at a time; at least one page. */
async function* pagesOf(font: PrintFont, { columns, rows }: Table, zone: string): AsyncGenerator<string> {
  const size = sizeFor(columns.length)
  const leading = size * LEADING
  const source = rows[Symbol.asyncIterator]()
  try {
    const sample: Row[] = []
    let next = await source.next()
    for (; !next.done && sample.length < SAMPLE; next = await source.next()) sample.push(next.value)
    const widths = widthsFor(font, size, columns, sample, zone)
    const lay = (row: Row): LaidRow => ({
      cells: widths.map((width, index) => linesOf(font, size, printed(row[index] ?? null, zone), width - 2 * PADDING)),
      right: row.map((cell) => typeof cell === 'number'),
    })
    const pen = createPen(widths, size, leading, lay(columns))
    for (const row of sample) yield* pen.draw(lay(row))
    for (; !next.done; next = await source.next()) yield* pen.draw(lay(next.value))
    yield pen.page()
  } finally {
    await source.return?.()
  }
}

function widthsFor(font: PrintFont, size: number, columns: readonly string[], sample: readonly Row[], zone: string) {
  const wanted = columns.map((name, index) => {
    const texts = [name, ...sample.map((row) => printed(row[index] ?? null, zone))]
    const widest = Math.max(...texts.map((text) => widthOf(font, size, text)))
    return widest + 2 * PADDING
  })
  return fitted(wanted, ACROSS)
}

/** Draws rows from the top of a page to its bottom, and yields the pages that are full. */
function createPen(widths: readonly number[], size: number, leading: number, header: LaidRow) {
  let texts = ''
  let lines = ''
  let y = 0

  const take = (row: LaidRow, from: number, count: number) => {
    let x = PAGE.margin
    for (const [index, width] of widths.entries()) {
      const cell = row.cells[index] ?? []
      for (let at = from; at < Math.min(from + count, cell.length); at += 1) {
        const line = cell[at]
        if (!line) continue
        const left = row.right[index] ? x + width - PADDING - line.width : x + PADDING
        texts += show(line.text, left, y - PADDING - size - (at - from) * leading)
      }
      x += width
    }
    y -= count * leading + 2 * PADDING
    lines += rule(y)
  }
  /** Number of text lines that fit below. */
  const room = () => Math.floor((y - BOTTOM - 2 * PADDING) / leading)
  const begin = () => {
    texts = ''
    lines = ''
    y = TOP
    const height = Math.min(heightOf(header), Math.floor(room() / 2))
    lines += shade(y - height * leading - 2 * PADDING, height * leading + 2 * PADDING)
    take(header, 0, height)
  }
  begin()
  const whole = room()
  const page = () => `0.4 w 0.7 G\n${lines}BT /F ${size} Tf\n${texts}ET\n`

  return {
    page,
    /** Draws a row. A row higher than a page continues on the next one. */
    *draw(row: LaidRow): Generator<string> {
      const height = heightOf(row)
      let drawn = 0
      while (drawn < height) {
        const here = room()
        if (here < 1 || (height - drawn > here && drawn === 0 && height <= whole)) {
          yield page()
          begin()
          continue
        }
        const count = Math.min(here, height - drawn)
        take(row, drawn, count)
        drawn += count
      }
    },
  }
}
