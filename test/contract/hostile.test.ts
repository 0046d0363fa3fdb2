import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Person } from '../support/world.ts'
import { type FilledWorld, fingerprint, openFilledWorld } from './filledWorld.ts'
import { type Attempt, examplesOf, isUnclean, mutationsOf, queriesOf, wrongBodies, wrongIds } from './mutations.ts'
import { type ApiDocument, expectDecent, type Operation, type RawAnswer, readDocument } from './operations.ts'

let world: FilledWorld
let api: ApiDocument

beforeAll(async () => {
  world = await openFilledWorld()
  api = readDocument(world.app)
}, 60_000)
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

/** Sends it, and fails unless the answer is as decent as every answer must be, and the refusal that is expected. */
async function probe(operation: Operation, sent: Sent, expected: Attempt['expected'], what: string): Promise<void> {
  // Whoever logs out is gone: each time somebody else.
  const as = sent.as && operation.path.endsWith('/logout') ? await world.person() : sent.as
  const answer = await send(operation, { ...sent, as })
  const subject = `${operation.name}, ${what}`
  expectDecent(answer, subject)
  const { statusCode: status } = answer
  const met = expected === 'decent' || (expected === 'refused' ? status >= 400 : status === expected)
  if (!met) throw new Error(`${subject}: ${expected} expected, not ${status} ${answer.body.slice(0, 300)}`)
}

/** Everything to be tried on the body of an operation. */
function bodyAttempts(operation: Operation): Attempt[] {
  const { body } = operation
  if (!body) return []
  const examples = examplesOf(body)
  const mutated = examples.flatMap(mutationsOf).map(({ what, value }): Attempt => {
    const isWrong = isUnclean(value) || !api.takesBody(operation, value)
    return {
      what,
      payload: JSON.stringify(value),
      headers: { 'content-type': 'application/json' },
      expected: isWrong ? 400 : 'decent',
    }
  })
  const all = [...mutated, ...wrongBodies(examples[0])]
  // The same handler behind the same schema: some are enough to show that it is.
  return operation.isAlias ? all.filter((_, index) => index % 6 === 0) : all
}

/** Who tries everything on an operation: the administrator, and on the canonical path everybody else who may call it. */
function intruders(operation: Operation): (Person | undefined)[] {
  const { permission, isAlias } = operation
  if (isAlias) return [world.administrator]
  if (permission === 'public') return [world.administrator, world.employee, undefined]
  const forEmployees = permission === 'signed-in' || permission === 'venue:reservations.book'
  return forEmployees ? [world.administrator, world.employee] : [world.administrator]
}

const isWrite = ({ method }: Operation) => method !== 'GET'
/** Moving the clock is no part of the product, and moves it under the feet of the tests. */
const isProduct = ({ path }: Operation) => path !== '/dev/clock'

/** Does something for every operation; every failure is told. */
async function forEach(work: (operation: Operation) => Promise<void>): Promise<void> {
  const failures: string[] = []
  for (const operation of api.operations.filter(isProduct)) {
    await work(operation).catch((error: unknown) => failures.push(String(error)))
  }
  expect(failures).toEqual([])
}

describe('Bad input on every route', () => {
  it('is refused in a body, and nothing is written', { timeout: 120_000 }, async () => {
    await forEach(async (operation) => {
      const attempts = bodyAttempts(operation).filter(({ expected }) => expected !== 'decent')
      if (attempts.length === 0) return
      const before = await fingerprint(world)
      for (const as of intruders(operation)) {
        for (const { what, expected, ...sent } of attempts) await probe(operation, { ...sent, as }, expected, what)
      }
      if ((await fingerprint(world)) !== before) throw new Error(`${operation.name} was refused and wrote something`)
    })
  })

  it('is refused in a path, and nothing is written', { timeout: 60_000 }, async () => {
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
      for (const { name, schema } of operation.parameters.filter((one) => one.in === 'query')) {
        for (const { query, values } of queriesOf(name)) {
          if (operation.isAlias && query.length % 3 > 0) continue
          const text = values.map(decoded)
          const isWrong =
            text.some((one) => one === undefined || isUnclean(one)) ||
            (values.length > 0 && !api.takesText(schema, text.length === 1 ? String(text[0]).trim() : text.map(String)))
          // What may be fine is tried on what only reads.
          if (!isWrong && !reading(operation)) continue
          const url = `${pathOf(operation)}?${query}`
          await probe(operation, { as: world.administrator, url }, isWrong ? 400 : 'decent', `with ?${query}`)
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

  it('does no harm where it might be good input', { timeout: 60_000 }, async () => {
    const last = (operation: Operation) => (operation.method === 'DELETE' ? 1 : 0)
    for (const operation of api.operations.filter(isProduct).toSorted((a, b) => last(a) - last(b))) {
      for (const as of intruders(operation)) {
        const attempts = bodyAttempts(operation).filter(({ expected }) => expected === 'decent')
        for (const { what, expected, ...sent } of attempts) await probe(operation, { ...sent, as }, expected, what)
        await probe(operation, { as }, 'decent', 'without anything')
      }
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
