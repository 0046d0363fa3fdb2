import type { FastifyRequest } from 'fastify'
import type { FieldError } from './errors.ts'
import { Invalid } from './errors.ts'

const maxDepth = 20
const maxErrors = 20

/** Values under these names are secrets: what was typed is what counts, spaces included. */
const neverTrimmed = /password|secret|passphrase/i

type Part = FieldError['in']

/**
 * Looks through body, query and path parameters before the schemas do. Refuses what no schema can express and some store can't hold: NUL
 * bytes, lone surrogates, numbers that are not finite or are integers beyond 2^53, nesting deeper than 20, keys that poison prototypes,
 * broken percent encoding in the query. Trims every string on the way, except under names with `password`, `secret` or `passphrase`.
 * Throws Invalid `validation` with the fields.
 */
export async function inspectRequest(request: FastifyRequest): Promise<void> {
  refuseBrokenQuery(request)
  const errors: FieldError[] = []
  request.body = inspect(request.body, 'body', errors)
  inspect(request.query, 'query', errors)
  inspect(request.params, 'params', errors)
  if (errors.length > 0) throw new Invalid('validation', 'The request is not valid.', { errors })
}

function refuseBrokenQuery(request: FastifyRequest): void {
  const url = request.raw.url ?? ''
  const start = url.indexOf('?')
  if (start < 0 || !url.includes('%', start)) return
  try {
    decodeURIComponent(url.slice(start))
  } catch {
    throw new Invalid('bad_url', 'The query is not valid percent-encoded UTF-8.')
  }
}

function inspect(value: unknown, part: Part, errors: FieldError[]): unknown {
  return look(value, '', '', 0)

  function refuse(path: string, message: string): void {
    if (errors.length < maxErrors) errors.push({ in: part, path, message })
  }

  function look(value: unknown, name: string, path: string, depth: number): unknown {
    if (typeof value === 'string') return lookAtText(value, name, path)
    if (typeof value === 'number') {
      if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
        refuse(path, 'must be a number that can be represented exactly')
      }
      return value
    }
    if (Array.isArray(value)) {
      if (depth >= maxDepth) refuse(path, 'is nested too deeply')
      else for (const [index, item] of value.entries()) value[index] = look(item, name, `${path}/${index}`, depth + 1)
      return value
    }
    if (isRecord(value)) {
      if (depth >= maxDepth) refuse(path, 'is nested too deeply')
      else lookAtRecord(value, path, depth)
    }
    return value
  }

  function lookAtRecord(record: Record<string, unknown>, path: string, depth: number): void {
    for (const key of Object.keys(record)) {
      const below = `${path}/${pointerStep(key)}`
      if (key === '__proto__' || (key === 'constructor' && isRecord(record[key]))) refuse(below, 'is not allowed')
      else if (!isClean(key)) refuse(path, 'has a name with characters that are not allowed')
      else record[key] = look(record[key], key, below, depth + 1)
    }
  }

  function lookAtText(text: string, name: string, path: string): string {
    if (!isClean(text)) refuse(path, 'has characters that are not allowed')
    return neverTrimmed.test(name) ? text : text.trim()
  }
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Plain objects, and the ones without `Object.prototype` that the query parser and the router make; no buffers, files or instances. */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A member name as a step of a JSON pointer (RFC 6901), with what can't be shown replaced. */
export function pointerStep(name: string): string {
  return name.toWellFormed().slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
}
