import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { Invalid } from '../errors.ts'
import { csvOf } from './csv.ts'
import type { Row, Table } from './rows.ts'
import { xlsxOf } from './xlsx.ts'

export type ExportFormat = 'csv' | 'xlsx' | 'pdf'

/** Schema of the export formats. */
export const ExportFormatSchema = Type.Enum(['csv', 'xlsx', 'pdf'])

/** Most rows of a PDF: about 1,500 pages. */
export const MOST_PDF_ROWS = 20_000

/** Content types of the formats. */
export const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pdf: 'application/pdf',
}

const binary = { schema: Type.String({ format: 'binary' }) }
const workbook = { [CONTENT_TYPES.xlsx]: binary }

/** The contents of an operation that answers a table, by content type. */
export const EXPORT_CONTENTS = { 'text/csv': { schema: Type.String() }, ...workbook, [CONTENT_TYPES.pdf]: binary }

/** The answer of an operation with a file in any of the formats, for its `response`. */
export const ExportAnswer = { description: 'The file, as an attachment.', content: EXPORT_CONTENTS }

/** The answer of an operation with a workbook. */
export const WorkbookAnswer = { description: 'The workbook, as an attachment.', content: workbook }

interface NamedTable extends Table {
  /** File name without an extension, in any language. */
  readonly name: string
  /** IANA zone in which instants are shown. */
  readonly zone: string
}

/** Data that a PDF needs besides the table. */
export interface Printable {
  /** Time of creation, shown on its pages. */
  readonly at: Date
  /** Number of rows; counting may stop at `most`. */
  count(most: number): Promise<number>
}

/** A file to be sent. */
export type Export =
  | (NamedTable & { readonly format: 'csv' | 'xlsx' })
  | (NamedTable & Printable & { readonly format: ExportFormat })

/**
 * Streams a table as a file: memory does not grow with the number of rows, a slow client slows down the reading, and
 * the reading ends when the client disconnects. The first row is read before anything is sent, so that early errors
 * become a proper error answer instead of a truncated file.
 * @throws Invalid `too_many_rows` for a PDF that would be too long
 */
export async function sendExport(reply: FastifyReply, wanted: Export): Promise<unknown> {
  if (wanted.format === 'pdf') await refuseLongPdf(wanted)
  const stream = await streamOf({ ...wanted, rows: await begun(wanted.rows) })
  reply.type(CONTENT_TYPES[wanted.format])
  reply.header('content-disposition', attachment(`${wanted.name}.${wanted.format}`))
  reply.header('cache-control', 'no-store')
  return reply.send(stream)
}

/** @throws Invalid `too_many_rows` */
export async function refuseLongPdf({ count }: Printable): Promise<void> {
  if ((await count(MOST_PDF_ROWS + 1)) <= MOST_PDF_ROWS) return
  throw new Invalid(
    'too_many_rows',
    `A PDF has at most ${MOST_PDF_ROWS} rows: narrow the filter, or use csv or xlsx.`,
    {
      facts: { most_rows: MOST_PDF_ROWS, formats: ['csv', 'xlsx'] },
    },
  )
}

/** The bytes of a file. Destroying the stream ends the reading of the rows. */
export async function streamOf(wanted: Export): Promise<Readable> {
  const { zone } = wanted
  if (wanted.format === 'pdf') {
    // Loaded on demand: the library that subsets fonts takes 40 MB of memory, which most processes do not need.
    const { pdfOf } = await import('./pdf/pdf.ts')
    return Readable.from(pdfOf(wanted, { title: wanted.name, zone, at: wanted.at }), { objectMode: false })
  }
  return wanted.format === 'csv' ? Readable.from(csvOf(wanted, zone), { objectMode: false }) : xlsxOf(wanted, zone)
}

/** Reads the first row at once, and iterates over it and the others later. */
async function begun(rows: AsyncIterable<Row>): Promise<AsyncIterable<Row>> {
  const source = rows[Symbol.asyncIterator]()
  const first = await source.next()
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (let next = first; !next.done; next = await source.next()) yield next.value
      } finally {
        await source.return?.()
      }
    },
  }
}

/** Content-Disposition with a name in any language (RFC 6266, RFC 8187), and an ASCII fallback for old clients. */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, '_')
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
