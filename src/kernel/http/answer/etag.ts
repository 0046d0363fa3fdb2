import { createHash } from 'node:crypto'
import type { App } from '../app.ts'

/**
 * Sets a weak ETag on successful answers to GET and HEAD (weak because the bytes differ by compression), and answers
 * 304 if If-None-Match contains it (RFC 9110 §13.1.2: a list, compared weakly). Streams get no ETag, and an existing
 * ETag is kept.
 */
export function tagAnswers(app: App): void {
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200 || (request.method !== 'GET' && request.method !== 'HEAD')) return payload
    const tag = reply.getHeader('etag') ?? tagOf(payload)
    if (typeof tag !== 'string') return payload
    reply.header('etag', tag)
    if (!matches(request.headers['if-none-match'], tag)) return payload
    reply.code(304).removeHeader('content-length').removeHeader('content-type').removeHeader('content-encoding')
    return ''
  })
}

/**
 * Marks answers to signed-in users and of non-public routes as private and to be revalidated, unless the route sets
 * Cache-Control itself. So neither a shared browser nor a cache on the way keeps them for others (RFC 9111 §5.2.2).
 */
export function keepPrivate(app: App): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const isPrivate = request.actor !== null || request.routeOptions.config?.permission !== 'public'
    if (isPrivate && !reply.hasHeader('cache-control')) reply.header('cache-control', 'private, no-cache')
    return payload
  })
}

function tagOf(payload: unknown): string | undefined {
  if (typeof payload !== 'string' && !Buffer.isBuffer(payload)) return undefined
  return `W/"${createHash('sha1').update(payload).digest('base64url')}"`
}

function matches(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const opaque = tag.replace(/^W\//, '')
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === opaque)
}
