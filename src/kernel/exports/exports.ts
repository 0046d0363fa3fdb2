import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { csvOf } from './csv.ts'
import type { Row, Table } from './rows.ts'
import { xlsxOf } from './xlsx.ts'

export type ExportFormat = 'csv' | 'xlsx'

/** How a table is to be written. */
export const ExportFormatSchema = Type.Enum(['csv', 'xlsx'])

const CSV = 'text/csv; charset=utf-8'
const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** The answer of an operation that hands out a file, for its `response`. */
export const ExportAnswer = {
  description: 'The file, as an attachment.',
  content: {
    'text/csv': { schema: Type.String() },
    [XLSX]: { schema: Type.String({ format: 'binary' }) },
  },
}

/** A file to be handed out. */
export interface Export extends Table {
  /** Without an ending; any language. */
  readonly name: string
  readonly format: ExportFormat
  /** IANA zone in which instants are shown. */
  readonly zone: string
}

/**
 * Answers with a table as a file, streamed: a million rows need no more memory than a thousand, a slow client slows the reading down, and when
 * the client goes away the reading ends. The first row is read before anything is sent, so that what is wrong from the start is a refusal
 * and not a file cut short.
 */
export async function sendExport(reply: FastifyReply, { name, format, zone, columns, rows }: Export): Promise<unknown> {
  const table = { columns, rows: await begun(rows) }
  reply.type(format === 'csv' ? CSV : XLSX)
  reply.header('content-disposition', attachment(`${name}.${format}`))
  reply.header('cache-control', 'no-store')
  return reply.send(format === 'csv' ? Readable.from(csvOf(table, zone), { objectMode: false }) : xlsxOf(table, zone))
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
