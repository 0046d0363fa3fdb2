import type { FastifyRequest } from 'fastify'
import type { FieldError } from '../../errors.ts'
import { Invalid } from '../../errors.ts'
import { withoutControls, withoutInvisible } from '../../text.ts'

const maxDepth = 20
const maxErrors = 20

/** Names of secrets, whose values must stay exactly as typed, spaces included. */
const neverTrimmed = /password|secret|passphrase/i

/** Names of ids and of lists of them: `id`, `roomId`, `userIdList`. */
const namesIds = /(?:^i|I)d(?:s|List)?$/
/** One id or several separated by commas, as in a path. */
const digits = /^\d+(?:,\d+)*$/

/** Names of what identifies a person: `email`, `username`, `phonenumber`, `identifier`. */
const namesContacts = /^(?:user_?name|identifier|e?mail|phone(?:_?number)?|mobile)$/i

type Part = FieldError['in']

/**
 * Inspects body, query and path parameters before the schemas do. Refuses what no schema can express and a store may
 * not hold: NUL bytes, lone surrogates, numbers that are not finite or are integers beyond 2^53, nesting deeper than
 * 20, keys that pollute prototypes, and broken percent encoding in the query. Trims every string, turns its control
 * characters (except line breaks and tabs) into spaces, and drops invisible characters from names and addresses of
 * people; all of this except under names with `password`, `secret` or `passphrase`. If the contract says so (`largestIdsAreUnknown`), ids beyond 2^53 in a
 * path or body become 2^53 - 1, an id that nothing has.
 * @throws Invalid `validation` with the fields.
 */
export async function inspectRequest(request: FastifyRequest): Promise<void> {
  refuseBrokenQuery(request)
  const errors: FieldError[] = []
  const capsIds = request.routeOptions.config.contract?.largestIdsAreUnknown ?? false
  request.body = inspect(request.body, 'body', errors, capsIds)
  inspect(request.query, 'query', errors, false)
  inspect(request.params, 'params', errors, capsIds)
  if (errors.length > 0) throw new Invalid('validation', 'The request is not valid.', { errors })
}

/** Removes empty query parameters, because forms send them for fields left open. */
export async function absentWhenEmpty(request: FastifyRequest): Promise<void> {
  const { query } = request
  if (!isRecord(query)) return
  for (const [name, value] of Object.entries(query)) if (value === '') delete query[name]
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

function inspect(value: unknown, part: Part, errors: FieldError[], capsIds: boolean): unknown {
  return look(value, '', '', 0)

  function refuse(path: string, message: string): void {
    if (errors.length < maxErrors) errors.push({ in: part, path, message })
  }

  function look(value: unknown, name: string, path: string, depth: number): unknown {
    if (typeof value === 'string') return lookAtText(value, name, path)
    if (typeof value === 'number') {
      if (capsIds && namesIds.test(name) && Number.isInteger(value)) return Math.min(value, Number.MAX_SAFE_INTEGER)
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
    if (capsIds && part === 'params' && namesIds.test(name) && digits.test(text.trim()))
      return withCappedIds(text.trim())
    if (neverTrimmed.test(name)) return text
    const plain = withoutControls(namesContacts.test(name) ? withoutInvisible(text) : text)
    return plain.trim()
  }
}

function withCappedIds(ids: string): string {
  return ids
    .split(',')
    .map((id) => (Number(id) > Number.MAX_SAFE_INTEGER ? String(Number.MAX_SAFE_INTEGER) : id))
    .join(',')
}

function isClean(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/**
 * Plain objects, and those without `Object.prototype` from the query parser and the router; no buffers, files or
 * instances.
 */
function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** A member name as a step of a JSON pointer (RFC 6901), cut at 100 characters, with lone surrogates replaced. */
export function pointerStep(name: string): string {
  return name.toWellFormed().slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')
}
