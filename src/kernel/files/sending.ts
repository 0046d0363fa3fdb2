import type { FastifyReply, FastifyRequest } from 'fastify'
import { Invalid } from '../errors.ts'
import type { Kernel } from '../kernel.ts'
import { parseRange } from './range.ts'
import { openStored } from './service.ts'
import type { FileRow } from './store.ts'

/**
 * Sends one version of a file: bytes in memory, or a stream from the storage. Answers conditional requests and ranges
 * (RFC 9110).
 * @param version a name for this version of the file; '' for the file itself
 * @throws Invalid `range_not_satisfiable` (416); NotFound if the bytes are gone
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  file: FileRow,
  version: string,
  source: Kernel | (() => Promise<Buffer>),
): Promise<FastifyReply> {
  const tag = `"${file.sha256.slice(0, 32)}${version && `-${version}`}"`
  describeFile(reply, file, tag)
  if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).removeHeader('content-type').send()

  const bytes = typeof source === 'function' ? await source() : undefined
  const size = bytes?.length ?? file.bytes
  const ifRange = request.headers['if-range']
  const range = ifRange === undefined || ifRange === tag ? parseRange(request.headers.range, size) : undefined
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`).removeHeader('content-disposition')
    throw new Invalid('range_not_satisfiable', 'The file has no such bytes.', { status: 416 })
  }
  reply.header('content-length', range ? range.end - range.start + 1 : size)
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`)
  if (bytes) return reply.send(range ? bytes.subarray(range.start, range.end + 1) : bytes)
  if (typeof source === 'function') throw new Error('there is nothing to answer with')
  return reply.send(await openStored(source, file.name, range))
}

function describeFile(reply: FastifyReply, file: FileRow, tag: string): void {
  const isPublic = file.access === 'public'
  reply
    .type(file.content_type)
    .header('etag', tag)
    .header('accept-ranges', 'bytes')
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', isPublic ? 'public, max-age=31536000, immutable' : 'private, no-cache')
    .header(
      'content-disposition',
      `${file.content_type.startsWith('image/') ? 'inline' : 'attachment'}; filename="${file.name}"`,
    )
  // Pages of CORS_ORIGINS may show pictures.
  if (isPublic) reply.header('cross-origin-resource-policy', 'cross-origin')
}

function isKnown(header: string | string[] | undefined, tag: string): boolean {
  return String(header ?? '')
    .split(',')
    .some((one) => one.trim().replace(/^W\//, '') === tag || one.trim() === '*')
}
