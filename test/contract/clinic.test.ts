import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { ADMIN_ROLE, DESK_ROLE, DOCTOR_ROLE, PATIENT_ROLE, roles } from '../../src/clinic/permissions.ts'
import { department, doctor, patient, schedule } from '../support/clinic.ts'
import { onServer } from '../support/database.ts'
import { openWorld, type Person } from '../support/world.ts'
import type { RawAnswer } from './envelopes.ts'
import { fuzzedRequests } from './fuzzed.ts'
import { type Operation, readDocument } from './operations.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

const api = readDocument(world.app)
const operations = api.operations.filter(({ product }) => product === 'clinic')
const people: Readonly<Record<string, Person>> = Object.fromEntries(
  await Promise.all(
    [PATIENT_ROLE, DOCTOR_ROLE, DESK_ROLE, ADMIN_ROLE].map(async (role) => [role, await world.person(role)] as const),
  ),
)

/** A path with ids that exist, or hardly can. */
const pathOf = ({ path }: Operation) => path.replaceAll(/\{\w+\}/g, '999999')

const ask = async (operation: Operation, person?: Person): Promise<RawAnswer> =>
  await world.app.inject({
    method: operation.method,
    url: pathOf(operation),
    headers: person ? { authorization: `Bearer ${person.token}` } : {},
  })

const codeIn = ({ body }: RawAnswer): unknown => {
  const parsed: unknown = body.startsWith('{') ? JSON.parse(body) : undefined
  return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? parsed.code : undefined
}

describe('Every operation of the clinic', () => {
  it('is at both paths if it belongs to the administration', () => {
    const paths = new Set(operations.map(({ method, path }) => `${method} ${path}`))
    const missing = operations
      .filter(({ path }) => path.startsWith('/admin/'))
      .filter(({ method, path }) => !paths.has(`${method} ${path.slice('/admin'.length)}`))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  it('refuses people without a log-in unless it is public', async () => {
    // Open with a private link instead of a log-in; with neither it is refused too.
    const linked = 'GET /patient/appointments/calendar.ics'
    const open: string[] = []
    for (const operation of operations.filter(({ name }) => name !== linked)) {
      const answer = await ask(operation)
      const isRefused = answer.statusCode === 401 && codeIn(answer) === 105
      if (isRefused !== (operation.permission !== 'public')) open.push(`${operation.name}: ${answer.statusCode}`)
    }
    expect(open).toEqual([])
  })

  it('lets in who holds its permission, and refuses all others with 403 and the code 102', async () => {
    const wrong: string[] = []
    for (const operation of operations.filter(({ permission }) => permission.startsWith('clinic:'))) {
      for (const { name, permissions } of roles) {
        const answer = await ask(operation, people[name])
        const isRefused = answer.statusCode === 403 && codeIn(answer) === 102
        if (isRefused === permissions.includes(operation.permission)) wrong.push(`${operation.name} as ${name}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

/** Internals that must never leave the server. */
const LEAKS = /\bSELECT\b|INSERT INTO|relation "|syntax error|constraint "|node_modules|\.ts:\d+/

describe('Any request to the clinic', () => {
  const wanted = Number(process.env.FUZZ_REQUESTS ?? (onServer ? 1500 : 500))
  const seed = Number(process.env.FUZZ_SEED ?? 20260303)

  it('gets an answer that the document shows, and verify finds no difference afterwards', {
    timeout: 1_800_000,
  }, async () => {
    for (let n = 0; n < 3; n += 1) {
      const of = await department(world)
      const { doctorId } = await doctor(world, of.deptId)
      for (const day of [1, 2, 9]) await schedule(world, { of, doctorId, day, slots: 3, price: n * 5000 })
    }
    const senders = [
      undefined,
      ...Object.values(people),
      ...(await Promise.all([1, 2, 3].map(() => patient(world)))),
      people[ADMIN_ROLE],
      people[ADMIN_ROLE],
    ]
    // Who logs out, deletes users or bans can send nothing more.
    const quiet = ['/auth/logout', '/auth/users/{user_id}', '/auth/register-admin', '/admin/anti-scalper/ban']
    const asked = operations.filter(({ path, method }) => !quiet.includes(path) || method === 'GET')
    const failures = new Map<string, string>()
    const codes = new Map<unknown, number>()
    const property = fc.asyncProperty(fuzzedRequests(asked), async (request) => {
      const person = senders[request.actor % senders.length]
      const headers = { ...(person && { authorization: `Bearer ${person.token}` }), ...request.headers }
      const { method, url, payload } = request
      const answer: RawAnswer = await world.app.inject({ method, url, headers, payload } as object)
      const code = codeIn(answer)
      codes.set(code, (codes.get(code) ?? 0) + 1)
      try {
        if (answer.statusCode >= 500 || LEAKS.test(answer.body)) throw new Error(`${answer.statusCode} ${answer.body}`)
        if (request.isAtOperation && !['HEAD', 'OPTIONS'].includes(method) && answer.statusCode !== 431)
          api.expectDocumented(request.operation, answer)
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error)
        failures.set(
          `${request.operation.name} ${answer.statusCode} ${String(code)}`,
          `${method} ${url.slice(0, 300)} ${String(payload ?? '').slice(0, 300)}: ${text.slice(0, 500)}`,
        )
      }
    })
    await fc.assert(property, { numRuns: wanted, seed, endOnFailure: true })
    await world.system.jobs.runNow('clinic.orders')
    expect([...failures.values()], `replay: FUZZ_SEED=${seed} FUZZ_REQUESTS=${wanted}`).toEqual([])
    expect(await world.verify()).toEqual([])
    expect(codes.get(0) ?? 0).toBeGreaterThan(wanted / 20)
  })
})
