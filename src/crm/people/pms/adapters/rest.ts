import { objectOf } from '../../../../kernel/notifications/providers/http.ts'
import type { SyncType } from '../types.ts'
import { type PmsAdapter, PmsFault, type PmsPage } from './port.ts'

/** Rows of one call. */
const LIMIT = 200
/** More rows than that in one answer are no page. */
const MOST_ITEMS = 5000
const MOST_BYTES = 20 * 1024 * 1024
const CALL_MS = 15_000
const LONGEST_CURSOR = 1000

const PATHS: Readonly<Record<SyncType, string>> = {
  members: '/members',
  consumption_records: '/consumption-records',
}

/** A PMS with an API: `GET {url}/members?cursor=…&limit=…` answers `{items, next_cursor, has_more}`. */
export function restAdapter({ url, key }: { readonly url: string; readonly key: string }): PmsAdapter {
  return {
    name: 'rest',
    async read(type, cursor, number) {
      const address = new URL(`${url.replace(/\/+$/, '')}${PATHS[type]}`)
      if (cursor !== null) address.searchParams.set('cursor', cursor)
      address.searchParams.set('limit', String(LIMIT))
      return pageIn(await ask(address.href, key), cursor, number)
    },
  }
}

async function ask(address: string, key: string): Promise<string> {
  let answer: Response
  try {
    answer = await fetch(address, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/json' },
      redirect: 'manual',
      signal: AbortSignal.timeout(CALL_MS),
    })
    if (answer.status === 200) return await textOf(answer)
    await answer.body?.cancel()
  } catch (error) {
    if (error instanceof PmsFault) throw error
    throw new PmsFault('The PMS gave no answer.', 'temporary')
  }
  throw faultOf(answer)
}

function faultOf({ status, headers }: Response): PmsFault {
  if (status === 429 || status >= 500) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const wait = Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
    return new PmsFault(`The PMS answered ${status}.`, 'temporary', wait)
  }
  if (status === 401 || status === 403)
    return new PmsFault(`The PMS refuses the key (${status}): see PMS_API_KEY.`, 'final')
  if (status === 400 || status === 410)
    return new PmsFault(`The PMS refuses the request (${status}). If it has forgotten the cursor, use force.`, 'final')
  return new PmsFault(`The PMS answered ${status}: see PMS_API_URL.`, 'final')
}

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new PmsFault('The answer of the PMS is larger than 20 MB.', 'final')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** @throws PmsFault if the answer has another shape, naming the field */
function pageIn(text: string, before: string | null, number: number): PmsPage {
  const wrong = (what: string) => new PmsFault(`The answer of the PMS can’t be read: ${what}.`, 'final')
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // A proxy's page, or an answer that broke off.
    throw new PmsFault('The answer of the PMS is no JSON.', 'temporary')
  }
  const { items, next_cursor: next, has_more: hasMore } = objectOf(body)
  if (!Array.isArray(items)) throw wrong('items must be a list')
  if (items.length > MOST_ITEMS) throw wrong(`items must have at most ${MOST_ITEMS} rows`)
  if (typeof hasMore !== 'boolean') throw wrong('has_more must be true or false')
  const cursor = next === null || next === undefined ? null : typeof next === 'number' ? String(next) : next
  if (cursor !== null && (typeof cursor !== 'string' || cursor.length > LONGEST_CURSOR || !isPlain(cursor)))
    throw wrong('next_cursor must be a text')
  if (hasMore && (cursor === null || cursor === before)) throw wrong('has_more is true, but next_cursor leads nowhere')
  return {
    rows: items.map((value: unknown, index) => ({ place: `page ${number}, row ${index + 1}`, value })),
    // Without a cursor at the end, the next run reads the last page again.
    cursor: cursor ?? before,
    hasMore,
    lines: [],
  }
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
