import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A JSON document in memory: only compressed, which takes a twentieth of its text. */
export interface PackedDocument {
  readonly etag: string
  readonly brotli: Buffer
  readonly gzip: Buffer
}

/** Compresses a document once, off the event loop. */
export async function packDocument(document: unknown): Promise<PackedDocument> {
  const text = JSON.stringify(document)
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 9,
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  }
  const [brotli, zipped] = await Promise.all([promisify(brotliCompress)(text, { params }), promisify(gzip)(text)])
  return { etag: `W/"${createHash('sha1').update(text).digest('base64url')}"`, brotli, gzip: zipped }
}

/** Sends a packed document in the best encoding that the client accepts. */
export async function sendPacked(document: PackedDocument, request: FastifyRequest, reply: FastifyReply) {
  reply.header('etag', document.etag).header('vary', 'accept-encoding').type('application/json; charset=utf-8')
  const accepted = request.headers['accept-encoding']
  if (takes(accepted, 'br')) return reply.header('content-encoding', 'br').send(document.brotli)
  if (takes(accepted, 'gzip')) return reply.header('content-encoding', 'gzip').send(document.gzip)
  return reply.send(await promisify(brotliDecompress)(document.brotli))
}

/** Whether an Accept-Encoding list includes an encoding with a weight above 0 (RFC 9110 §12.5.3). */
function takes(accepted: string | readonly string[] | undefined, encoding: string): boolean {
  return String(accepted ?? '')
    .split(',')
    .map((one) =>
      one
        .trim()
        .toLowerCase()
        .split(/\s*;\s*q=/),
    )
    .some(([name, weight = '1']) => name === encoding && Number(weight) > 0)
}
