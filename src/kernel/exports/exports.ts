import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { Invalid } from '../errors.ts'
import { csvOf } from './csv.ts'
import type { Row, Table } from './rows.ts'
import { xlsxOf } from './xlsx.ts'

export type ExportFormat = 'csv' | 'xlsx' | 'pdf'

/** How a table is to be written. */
export const ExportFormatSchema = Type.Enum(['csv', 'xlsx', 'pdf'])

/** The most rows of a PDF: some 1,500 pages, more than anybody reads. */
export const MOST_PDF_ROWS = 20_000

/** What each format is on the wire. */
export const CONTENT_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pdf: 'application/pdf',
}

const binary = { schema: Type.String({ format: 'binary' }) }
const workbook = { [CONTENT_TYPES.xlsx]: binary }

/** The contents of an operation that hands out a table, by their type. */
export const EXPORT_CONTENTS = { 'text/csv': { schema: Type.String() }, ...workbook, [CONTENT_TYPES.pdf]: binary }

/** The answer of an operation that hands out a file in any of the formats, for its `response`. */
export const ExportAnswer = { description: 'The file, as an attachment.', content: EXPORT_CONTENTS }

/** The answer of an operation that hands out a workbook. */
export const WorkbookAnswer = { description: 'The workbook, as an attachment.', content: workbook }

interface NamedTable extends Table {
  /** Without an ending; any language. */
  readonly name: string
  /** IANA zone in which instants are shown. */
  readonly zone: string
}

/** What a PDF needs to be made. */
export interface Printable {
  /** When it is made: stands on its pages. */
  readonly at: Date
  /** How many rows there are; counting may stop at `most`. */
  count(most: number): Promise<number>
}

/** A file to be handed out. */
export type Export =
  | (NamedTable & { readonly format: 'csv' | 'xlsx' })
  | (NamedTable & Printable & { readonly format: ExportFormat })

/**
 * Answers with a table as a file, streamed: a million rows need no more memory than a thousand, a slow client slows the reading down, and when
 * the client goes away the reading ends. The first row is read before anything is sent, so that what is wrong from the start is a refusal
 * and not a file cut short.
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
    `A PDF has at most ${MOST_PDF_ROWS} rows: narrow the filter, or take csv or xlsx.`,
    {
      facts: { most_rows: MOST_PDF_ROWS, formats: ['csv', 'xlsx'] },
    },
  )
}

/** The bytes of a file. Destroying the stream ends the reading of the rows. */
export async function streamOf(wanted: Export): Promise<Readable> {
  const { zone } = wanted
  if (wanted.format === 'pdf') {
    // The library that cuts fonts is 40 MB of memory, which most processes have no use for.
    const { pdfOf } = await import('./pdf/pdf.ts')
    return Readable.from(pdfOf(wanted, { title: wanted.name, zone, at: wanted.at }), { objectMode: false })
  }
  return wanted.format === 'csv' ? Readable.from(csvOf(wanted, zone), { objectMode: false }) : xlsxOf(wanted, zone)
}

/** The same rows, of which the first is there already. */
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

/** Content-Disposition with a name in any language (RFC 6266, RFC 8187), and one in ASCII for those who know no better. */
export function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, '_')
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`
}
