import { afterAll, describe, expect, it } from 'vitest'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { envelopeOf } from './envelopes.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { examplesOf } from './mutations.ts'
import { expectDecent, type Operation, readDocument, statusOf } from './operations.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

/** Values that exist nowhere in the world: if one is found afterwards, the server accepted it. */
const NUMBER = 770_077_007_700
const DAY = '2077-07-17'
const WORD = 'smuggled-in'

/** Fields that only the server decides, under their names in columns and in the API. */
const owned: Readonly<Record<string, unknown>> = {
  id: NUMBER,
  user_id: NUMBER,
  userId: NUMBER,
  owner_id: NUMBER,
  actor_id: NUMBER,
  applicant_id: NUMBER,
  applicantId: NUMBER,
  created_by: NUMBER,
  createBy: WORD,
  updated_by: NUMBER,
  points: NUMBER,
  points_paid: NUMBER,
  balance: NUMBER,
  credit: NUMBER,
  taken: NUMBER,
  held: NUMBER,
  revision: NUMBER,
  version: NUMBER,
  status: WORD,
  state: WORD,
  role: 'admin',
  roles: ['admin'],
  permissions: ['*:*:*'],
  is_admin: true,
  isAdmin: true,
  scope: 'full',
  password_hash: WORD,
  email_verified: true,
  by_leader: true,
  is_read: true,
  auditBy: WORD,
  auditor_id: NUMBER,
  series_id: '77007700-0000-4000-8000-000000000000',
  seriesId: '77007700-0000-4000-8000-000000000000',
  created_at: `${DAY}T00:00:00Z`,
  createTime: `${DAY} 00:00:00`,
  updated_at: `${DAY}T00:00:00Z`,
  updateTime: `${DAY} 00:00:00`,
  deleted_at: `${DAY}T00:00:00Z`,
  expires_at: `${DAY}T00:00:00Z`,
}

/** All stored rows, as text. */
async function stored(): Promise<string> {
  const tables = await world.rows<{ name: string }>(
    "SELECT quote_ident(relname) AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
  )
  const parts = tables.map(({ name }) => `SELECT string_agg(t::text, ' ') AS text FROM ${name} t`)
  const rows = await world.rows<{ text: string | null }>(parts.join(' UNION ALL '))
  return rows.map(({ text }) => text ?? '').join('\n')
}

const rightsOf = () => world.rows('SELECT user_id, role FROM user_roles ORDER BY 1, 2')

/** Valid bodies of an operation, plus every field of `owned` that they do not have. */
function withOwned(operation: Operation): object[] {
  return examplesOf(operation.body ?? {}).flatMap((example) => {
    if (!isSchema(example)) return []
    const known = new Set(Object.keys(example))
    const more = Object.entries(owned).filter(([name]) => !known.has(name))
    return [{ ...example, ...Object.fromEntries(more) }]
  })
}

const bodies = () => api.operations.filter(({ body, isAlias }) => body !== undefined && !isAlias)

function send(operation: Operation, payload: object, token: string) {
  return world.app.inject({
    method: operation.method,
    url: operation.path.replaceAll(/\{\w+\}/g, '1'),
    headers: { authorization: `Bearer ${token}` },
    payload,
  })
}

describe('Fields that only the server decides', () => {
  it('are refused in every body of a product that refuses unknown members, all at once and each field by itself', {
    timeout: 60_000,
  }, async () => {
    const before = await fingerprint(world)
    const taken: string[] = []
    for (const operation of bodies().filter((one) => !envelopeOf(one).overlooksUnknown)) {
      for (const [index, body] of withOwned(operation).entries()) {
        const answer = await send(operation, body, world.administrator.token)
        expectDecent(answer, operation.name, operation)
        if (answer.statusCode !== 400) taken.push(`${operation.name} ${index}: ${answer.statusCode}`)
        // Together, one refusal might hide the others.
        const example = examplesOf(operation.body ?? {})[index]
        const names = Object.keys(owned).filter((name) => !(isSchema(example) && name in example))
        for (const name of names.filter((_, at) => at % 12 === operation.name.length % 12)) {
          const alone = { ...(isSchema(example) && example), [name]: owned[name] }
          const { statusCode } = await send(operation, alone, world.administrator.token)
          if (statusCode !== 400) taken.push(`${operation.name} with ${name}: ${statusCode}`)
        }
      }
    }
    expect(taken).toEqual([])
    expect(await fingerprint(world)).toBe(before)
  })

  it('are ignored in every body of the products that overlook unknown members, and stored nowhere', {
    timeout: 60_000,
  }, async () => {
    const rights = await rightsOf()
    const open = bodies().filter((one) => envelopeOf(one).overlooksUnknown && !/\/(?:register|login)/.test(one.path))
    let done = 0
    for (const operation of open) {
      // The purpose of this operation is to set the roles of staff.
      if (operation.path.includes('/staff/')) continue
      const isClinic = operation.product === 'clinic'
      const senders = isClinic
        ? [world.clinicAdministrator, world.people[0]]
        : [world.roomAdministrator, world.portalUser]
      for (const person of senders.filter((one) => one !== undefined)) {
        for (const body of withOwned(operation)) {
          const answer = await send(operation, body, person.token)
          expectDecent(answer, operation.name, operation)
          if (statusOf(operation, answer) === 200) done += 1
        }
      }
    }
    expect(done).toBeGreaterThan(5)
    await world.drain()
    const found = await stored()
    for (const trace of [String(NUMBER), DAY, WORD, '77007700']) expect(found).not.toContain(trace)
    expect(await rightsOf()).toEqual(rights)
    expect(await world.verify()).toEqual([])
  })

  it('would be found if they were accepted', async () => {
    await send(api.operation('POST /api/v1/feedback'), { content: WORD }, world.employee.token)
    expect(await stored()).toContain(WORD)
  })
})
