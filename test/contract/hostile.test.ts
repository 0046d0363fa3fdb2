import { afterAll, describe, expect, it } from 'vitest'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'
import type { Person } from '../support/world.ts'
import { envelopeOf, type RawAnswer } from './envelopes.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { type Attempt, examplesOf, isUnclean, mutationsOf, queriesOf, wrongBodies, wrongIds } from './mutations.ts'
import { expectDecent, leftOpen, type Operation, readDocument, shareOf, statusOf } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

interface Sent {
  readonly as?: Person | undefined
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload?: string | Buffer
}

const pathOf = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, '1')

async function send(operation: Operation, { as, url, headers, payload }: Sent): Promise<RawAnswer> {
  return world.app.inject({
    method: operation.method,
    url: url ?? pathOf(operation),
    headers: { ...(as && { authorization: `Bearer ${as.token}` }), ...headers },
    ...(payload !== undefined && { payload }),
  })
}

/** Sends a request; fails unless the answer passes the general checks and is the expected refusal. */
async function probe(operation: Operation, sent: Sent, expected: Attempt['expected'], what: string): Promise<void> {
  // A log-out ends the session, so each one gets a new user.
  const as = sent.as && operation.path.endsWith('/logout') ? await world.person() : sent.as
  const answer = await send(operation, { ...sent, as })
  const subject = `${operation.name}, ${what}`
  expectDecent(answer, subject, operation)
  const status = statusOf(operation, answer)
  const wanted = envelopeOf(operation).hasOneRefusal && typeof expected === 'number' ? 400 : expected
  const met = wanted === 'decent' || (wanted === 'refused' ? status >= 400 : status === wanted)
  if (!met) throw new Error(`${subject}: ${expected} expected, not ${status} ${answer.body.slice(0, 300)}`)
}

/** The total of a list. */
const totalOf = ({ body }: RawAnswer) => /"total":(\d+)/.exec(body)?.[1]

/** Caps the ids in a body: the room product accepts ids of any size, and does not find those that are too large. */
function withLargestIds(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (name, one: unknown) => {
    const ids: readonly unknown[] = Array.isArray(one) ? one : [one]
    if (!/(^i|I)d(s|List)?$/.test(name)) return one
    const capped = ids.map((id) => (Number.isInteger(id) ? Math.min(Number(id), Number.MAX_SAFE_INTEGER) : id))
    return Array.isArray(one) ? capped : capped[0]
  })
}

/** Removes the empty texts that the room product reads as fields of a form that were left open. */
function withoutLeftOpen(value: unknown, operation: Operation): unknown {
  if (!isSchema(value)) return value
  const open = leftOpen(operation)
  const isLeftOpen = ([name, one]: [string, unknown]) =>
    open.includes(name) && typeof one === 'string' && one.trim() === ''
  return Object.fromEntries(Object.entries(value).filter((member) => !isLeftOpen(member)))
}

/** All bodies to try on an operation. */
function bodyAttempts(operation: Operation): Attempt[] {
  const { body, method, isAlias } = operation
  if (!body) {
    // An operation without a body may ignore one.
    const takesAny = (method === 'POST' || method === 'PUT') && !isAlias
    return takesAny ? wrongBodies({}).map((one) => ({ ...one, expected: 'decent' })) : []
  }
  const examples = examplesOf(body)
  const mutated = examples.flatMap(mutationsOf).map(({ what, value }): Attempt => {
    const capped = envelopeOf(operation).largestIdsAreUnknown ? withLargestIds(value) : value
    const seen = withoutLeftOpen(capped, operation)
    const isWrong = isUnclean(seen) || !api.takesBody(operation, seen)
    return {
      what,
      payload: JSON.stringify(value),
      headers: { 'content-type': 'application/json' },
      expected: isWrong ? 400 : 'decent',
    }
  })
  const all = [
    ...mutated,
    ...wrongBodies(examples[0], {
      overlooksUnknown: envelopeOf(operation).overlooksUnknown,
      takesForms: operation.takesFile,
    }),
  ]
  // Aliases have the same handler and schema: a few attempts show it.
  return isAlias ? all.filter((_, index) => index % 12 === 0) : all
}

/**
 * The users who try an operation, in turns: the administrator, and on the canonical path other kinds of users who may
 * call it.
 */
function intruders(operation: Operation): (Person | undefined)[] {
  const { permission, isAlias, product } = operation
  if (isAlias) return [world.administrator]
  if (permission === 'public') return [world.administrator, world.employee, undefined]
  if (product === 'room')
    return permission === 'signed-in' ? [world.administrator, world.portalUser] : [world.administrator]
  if (product === 'clinic') {
    const { clinicAdministrator: administrator, clinicDesk, clinicDoctors, people } = world
    if (permission === 'clinic:treat') return [administrator, clinicDoctors[0]]
    if (permission === 'clinic:desk') return [administrator, clinicDesk]
    return permission === 'signed-in' ? [administrator, people[0], clinicDoctors[0]] : [administrator]
  }
  const forEmployees = permission === 'signed-in' || permission === 'venue:reservations.book'
  return forEmployees ? [world.administrator, world.employee] : [world.administrator]
}

/** Each attempt is sent by one of the users: validation of a body is the same for all senders. */
async function tryInTurns(operation: Operation, attempts: readonly Attempt[]): Promise<void> {
  const people = intruders(operation)
  for (const [index, { what, expected, ...sent }] of shareOf(attempts, operation.name.length).entries()) {
    await probe(operation, { ...sent, as: people[index % people.length] }, expected, what)
  }
}

const isWrite = ({ method }: Operation) => method !== 'GET'
/** Moving the clock is not part of the product, and would disturb the tests. */
const isProduct = ({ path }: Operation) => path !== '/dev/clock'

/** Runs a function for every operation, and reports all failures. */
async function forEach(work: (operation: Operation) => Promise<void>): Promise<void> {
  const failures: string[] = []
  for (const operation of api.operations.filter(isProduct)) {
    await work(operation).catch((error: unknown) => failures.push(String(error)))
  }
  expect(failures).toEqual([])
}

describe('Bad input on every route', () => {
  it('is refused in a body, and writes nothing', { timeout: 240_000 }, async () => {
    let before = await fingerprint(world)
    let tried: string[] = []
    await forEach(async (operation) => {
      const attempts = bodyAttempts(operation).filter(({ expected }) => expected !== 'decent')
      if (attempts.length === 0) return
      await tryInTurns(operation, attempts)
      // Comparing all tables takes as long as a hundred refusals.
      if (tried.push(operation.name) < 20) return
      const [suspects, after] = [tried, await fingerprint(world)]
      const changed = after !== before
      before = after
      tried = []
      if (changed) throw new Error(`one of these was refused and wrote something: ${suspects.join(', ')}`)
    })
    expect(await fingerprint(world)).toBe(before)
  })

  it('is refused in a path, and writes nothing', { timeout: 60_000 }, async () => {
    const before = await fingerprint(world)
    await forEach(async (operation) => {
      const [example] = operation.body ? examplesOf(operation.body) : []
      const payload = example === undefined ? {} : { payload: JSON.stringify(example) }
      const headers: Record<string, string> = example === undefined ? {} : { 'content-type': 'application/json' }
      for (const [placeholder] of operation.path.matchAll(/\{\w+\}/g)) {
        for (const wrong of wrongIds) {
          const url = operation.path.replace(placeholder, wrong).replaceAll(/\{\w+\}/g, '1')
          await probe(operation, { as: world.administrator, url, headers, ...payload }, 'refused', `at ${url}`)
        }
      }
    })
    expect(await fingerprint(world)).toBe(before)
  })

  it('is refused in a query', { timeout: 60_000 }, async () => {
    const reading = (operation: Operation) => !isWrite(operation)
    await forEach(async (operation) => {
      for (const { name, schema, required } of operation.parameters.filter((one) => one.in === 'query')) {
        for (const { query, values } of shareOf(queriesOf(name), name.length)) {
          // Aliases have the same handler and schema.
          if (operation.isAlias && query.length % 9 > 0) continue
          const text = values.map(decoded)
          const isAbsent = envelopeOf(operation).emptyIsAbsent && text.length === 1 && text[0]?.trim() === ''
          const isWrong = isAbsent
            ? required
            : text.some((one) => one === undefined || isUnclean(one)) ||
              (values.length > 0 &&
                !api.takesText(schema, text.length === 1 ? String(text[0]).trim() : text.map(String)))
          // Input that may be accepted is tried only on reads.
          if (!isWrong && !reading(operation)) continue
          const url = `${pathOf(operation)}?${query}`
          await probe(operation, { as: world.administrator, url }, isWrong ? 400 : 'decent', `with ?${query}`)
        }
      }
    })
  })

  it('is ignored in parameters that only other operations have', { timeout: 120_000 }, async () => {
    const inQuery = ({ parameters }: Operation) => parameters.filter((one) => one.in === 'query')
    // Names of fields as well: internal filters often have the same names.
    const fields = [
      'userId',
      'applicantId',
      'roomId',
      'bookingId',
      'joinedBy',
      'waitsFor',
      'floorNo',
      'limit',
      'offset',
    ]
    const everywhere = [...new Set([...api.operations.flatMap(inQuery).map(({ name }) => name), ...fields])]
    await forEach(async (operation) => {
      if (isWrite(operation)) return
      const own = inQuery(operation)
      const needed = own
        .filter(({ required }) => required)
        .map(({ name, schema }) => `${name}=${encodeURIComponent(String(examplesOf(schema)[0]))}`)
      const foreign = everywhere.filter((name) => !own.some((one) => one.name === name))
      const asked = `${pathOf(operation)}?${needed.join('&')}`
      for (const as of intruders(operation)) {
        const plain = await send(operation, { as, url: asked })
        for (const wrong of ['abc', 'false&x=1']) {
          const url = `${asked}&${foreign.map((name) => `${name}=${wrong}&${name}=2`).join('&')}`
          const answer = await send(operation, { as, url })
          expectDecent(answer, operation.name, operation)
          const [before, after] = [plain, answer].map((one) => [statusOf(operation, one), totalOf(one)].join())
          if (before !== after) throw new Error(`${operation.name}: ${after} instead of ${before} with ${url}`)
        }
      }
    })
  })

  it('is refused in an Idempotency-Key', async () => {
    const keys = ['', ' ', 'a b', 'x'.repeat(256), 'caf\u00e9', '\u0001']
    const before = await fingerprint(world)
    for (const operation of api.operations.filter((one) => one.takesIdempotencyKey)) {
      const [example] = operation.body ? examplesOf(operation.body) : []
      for (const key of keys) {
        const headers = { 'idempotency-key': key, ...(operation.body && { 'content-type': 'application/json' }) }
        const payload = operation.body ? { payload: JSON.stringify(example) } : {}
        await probe(operation, { as: world.administrator, headers, ...payload }, 400, `with the key '${key}'`)
      }
    }
    expect(await fingerprint(world)).toBe(before)
  })

  it('causes no fault and no inconsistency where it may be valid', { timeout: 120_000 }, async () => {
    const last = (operation: Operation) => (operation.method === 'DELETE' ? 1 : 0)
    for (const operation of api.operations.filter(isProduct).toSorted((a, b) => last(a) - last(b))) {
      await tryInTurns(
        operation,
        bodyAttempts(operation).filter(({ expected }) => expected === 'decent'),
      )
      for (const as of intruders(operation)) await probe(operation, { as }, 'decent', 'without anything')
    }
    expect(await world.verify()).toEqual([])
  })
})

function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
