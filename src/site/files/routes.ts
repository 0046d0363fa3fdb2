import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { Invalid } from '../../kernel/errors.ts'
import { EXPORT_CONTENTS } from '../../kernel/exports/exports.ts'
import { parseRange } from '../../kernel/files/range.ts'
import * as service from '../../kernel/files/service.ts'
import type { FileRow } from '../../kernel/files/store.ts'
import { problemAnswer } from '../../kernel/http/answer/problem.ts'
import type { App } from '../../kernel/http/app.ts'
import { route } from '../../kernel/http/route.ts'
import { IdParams } from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'

const binary = { schema: Type.String({ format: 'binary' }) }
/** Pictures, copies of personal data, and exports. */
const Bytes = { content: { 'image/*': binary, 'application/zip': binary, ...EXPORT_CONTENTS } }

/** Route for reading stored files. */
export function fileRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/files/{id}', '/api/files/{id}'],
    permission: 'public',
    summary: 'Read a file',
    description:
      'Everybody may read pictures of places and people. A file for one person is 404 for all others. The file of ' +
      'an id never changes. `image_width` is rounded up to 160, 320, 480, 640, 800 or 1200 pixels; images are never ' +
      'enlarged.',
    tag: 'Files',
    schema: {
      params: IdParams,
      querystring: Type.Object({
        thumbnail: Type.Optional(
          Type.Enum(['', 'true', 'false', '1', '0'], { description: 'A version at most 800 pixels wide.' }),
        ),
        image_width: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
      }),
      response: {
        200: { description: 'The file.', ...Bytes },
        206: { description: 'The part requested by `Range`.', ...Bytes },
        304: Type.Null({ description: 'Not modified since the version in `If-None-Match`.' }),
        416: problemAnswer('The range lies beyond the end.'),
      },
    },
    handler: async (request, reply) => {
      const file = await service.getFile(kernel, request.params.id, request.actor?.userId)
      const { thumbnail, image_width: requested } = request.query
      const wantsThumbnail = thumbnail !== undefined && !['false', '0'].includes(thumbnail)
      const width = requested === undefined ? undefined : service.widthFor(file, requested)
      if (width !== undefined) {
        return await answer(request, reply, file, String(width), () => service.imageInWidth(kernel, file, width))
      }
      if (requested === undefined && wantsThumbnail && file.thumbnail_name !== null) {
        const name = file.thumbnail_name
        return await answer(request, reply, file, 'thumbnail', () => service.readAll(kernel, name))
      }
      return await answer(request, reply, file, '', kernel)
    },
  })
}

/** Sends one version of a file: bytes in memory, or a stream from the storage. */
async function answer(
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
  return reply.send(await service.openStored(source, file.name, range))
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
