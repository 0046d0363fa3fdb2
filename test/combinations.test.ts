import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSchema } from '../src/kernel/http/request/strictSchema.ts'
import { type Operation, readDocument } from './contract/operations.ts'
import { type Method, openWorld, type Person, type World } from './support/world.ts'

// Site and support give the same answers with any combination of products.

type Cast = Readonly<Record<string, Person | undefined>>

/** A world with one combination of parts, and people with the roles that every combination has. */
interface Combination {
  readonly world: World
  readonly cast: Cast
}

async function open(env: Readonly<Record<string, string>>): Promise<Combination> {
  const world = await openWorld(env)
  const admin = await world.person('admin', { email: 'admin@example.com' })
  const keeper = await world.person('site:admin', { email: 'keeper@example.com' })
  const agent = await world.person('support:agent')
  const stranger = await world.person('no:role')
  return { world, cast: { admin, keeper, agent, stranger, nobody: undefined } }
}

const COMBINATIONS = {
  whole: {},
  roomAlone: { PRODUCTS: 'room' },
  venueAlone: { PRODUCTS: 'venue' },
  clinicAlone: { PRODUCTS: 'clinic' },
  withoutSupport: { PRODUCTS: 'room', SUPPORT: 'off' },
} as const
type Combinations = Readonly<Record<keyof typeof COMBINATIONS, Combination>>

/** Opens every combination for the tests of a block. */
function useCombinations(): () => Combinations {
  let opened: Combinations
  beforeAll(async () => {
    const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = COMBINATIONS
    opened = {
      whole: await open(whole),
      roomAlone: await open(roomAlone),
      venueAlone: await open(venueAlone),
      clinicAlone: await open(clinicAlone),
      withoutSupport: await open(withoutSupport),
    }
  }, 120_000)
  afterAll(async () => {
    for (const { world } of Object.values(opened)) await world.close()
  })
  return () => opened
}

/** Operations whose answers depend on the parts: they list roles, notification types, conditions or export sources. */
const LISTS_OF_PARTS = [
  'GET /roles',
  'GET /notification-types',
  'GET /users/me/notification-preferences',
  'GET /audiences/kinds',
  'POST /exports',
]

const shortName = (name: string) => name.replace(/ \/api\/(?:v1\/)?/, ' /')

const operationsOf = ({ world }: Combination, parts: readonly string[]): readonly Operation[] =>
  readDocument(world.app).operations.filter(({ product }) => product !== undefined && parts.includes(product))

/** Members that are random, or depend on the product: each product chooses the role of new users. */
const VARYING = ['access_token', 'download_url', 'roles']

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value === 'string') return value.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '…')
  if (!isSchema(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, VARYING.includes(key) ? '…' : comparable(one)]),
  )
}

/** Calls every operation as every role, with unknown ids and without a body; returns the answers. */
async function answersOf({ world, cast }: Combination, operations: readonly Operation[]): Promise<string[]> {
  const answers: string[] = []
  for (const { name, method, path } of operations) {
    for (const [role, as] of Object.entries(cast)) {
      // These calls would end the access of a person.
      if (as && /\/logout$|^DELETE .*\/users\/me$/.test(name)) continue
      const url = path.replaceAll(/\{\w+\}/g, '999999')
      const { status, body } = await world.call(method, url, as && { as })
      const shown = LISTS_OF_PARTS.includes(shortName(name)) ? '' : JSON.stringify(comparable(body))
      answers.push(`${name} to ${role}: ${status} ${shown}`)
    }
  }
  return answers
}

const combinations = useCombinations()

describe('Every operation of site and support', () => {
  it('exists in every combination, but none of support where support is switched off', () => {
    const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = combinations()
    const all = operationsOf(whole, ['site', 'support']).map(({ name }) => name)
    expect(all.length).toBeGreaterThan(200)
    expect(operationsOf(roomAlone, ['site', 'support']).map(({ name }) => name)).toEqual(all)
    expect(operationsOf(venueAlone, ['site', 'support']).map(({ name }) => name)).toEqual(all)
    expect(operationsOf(clinicAlone, ['site', 'support']).map(({ name }) => name)).toEqual(all)
    expect(operationsOf(withoutSupport, ['site', 'support'])).toEqual(operationsOf(withoutSupport, ['site']))
    expect(operationsOf(withoutSupport, ['site']).length).toBe(operationsOf(whole, ['site']).length)
  })

  it('gives every role the same answer in every combination', { timeout: 120_000 }, async () => {
    const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = combinations()
    const [all, ofSite] = [operationsOf(whole, ['site', 'support']), operationsOf(whole, ['site'])]
    const expected = await answersOf(whole, all)
    expect(await answersOf(roomAlone, all)).toEqual(expected)
    expect(await answersOf(venueAlone, all)).toEqual(expected)
    expect(await answersOf(clinicAlone, all)).toEqual(expected)
    const names = new Set(ofSite.map(({ name }) => name))
    const expectedOfSite = expected.filter((line) => names.has(line.replace(/ to \w+: .*/s, '')))
    expect(await answersOf(withoutSupport, ofSite)).toEqual(expectedOfSite)
    const gone = operationsOf(whole, ['support'])
    for (const line of await answersOf(withoutSupport, gone)) expect(line).toMatch(/: 404 .*"code":"not_found"/)
  })
})

type Step = readonly [as: string, method: Method, path: string, payload?: object]

const lin = { username: 'lin', password: 'violet-harbour-42', email: 'lin@example.com' }
const notice = { subject: '停电通知', body: '今晚停电。' }
const faq = { question: '怎么取消？', answer: '在我的预约里取消。' }

/** Calls that go through the use cases of site. */
const SITE_STORY: readonly Step[] = [
  ['keeper', 'POST', '/api/v1/legal/privacy', { title: '隐私政策', body: '我们保护您的数据。' }],
  ['nobody', 'GET', '/api/v1/legal/privacy'],
  ['nobody', 'POST', '/api/v1/users/register', { ...lin, accepted_privacy: 1 }],
  ['nobody', 'POST', '/api/v1/users/login', { username: lin.username, password: lin.password }],
  ['nobody', 'POST', '/api/v1/users/password/reset-code', { email: 'lin@example.com' }],
  ['stranger', 'PUT', '/api/v1/users/me', { display_name: '李雷' }],
  ['stranger', 'POST', '/api/v1/users/me/consents', { kind: 'privacy', version: 1 }],
  ['stranger', 'GET', '/api/v1/users/me/consents'],
  ['stranger', 'POST', '/api/v1/users/me/data-export'],
  ['keeper', 'GET', '/api/admin/users'],
  ['keeper', 'GET', '/api/v1/users/4'],
  ['keeper', 'PUT', '/api/v1/users/4/tags', { tags: ['vip'] }],
  ['keeper', 'PUT', '/api/v1/users/4/roles', { roles: ['site:admin'] }],
  ['admin', 'PUT', '/api/v1/users/4/roles', { roles: [] }],
  ['keeper', 'POST', '/api/v1/audiences', { name: '贵宾', condition: { kind: 'tag', in: ['vip'] } }],
  ['keeper', 'POST', '/api/v1/audiences/preview', { condition: { kind: 'everyone' } }],
  ['keeper', 'POST', '/api/v1/broadcasts', { audience_id: 1, type: 'notice.direct', data: notice }],
  ['keeper', 'POST', '/api/v1/notifications/email', { to: { addresses: ['a@example.com'] }, ...notice }],
  ['keeper', 'PUT', '/api/admin/notifications/holidays/2026-10-01', { name: '国庆节' }],
  ['keeper', 'POST', '/api/v1/exports', { what: 'logs', format: 'csv' }],
  ['keeper', 'POST', '/api/v1/exports', { what: 'login_logs', format: 'xlsx' }],
  ['keeper', 'POST', '/api/v1/exports', { what: 'notifications', format: 'csv' }],
]

/** Calls that go through the use cases of support. */
const SUPPORT_STORY: readonly Step[] = [
  ['agent', 'POST', '/api/admin/support/faqs', { ...faq, published: true }],
  ['nobody', 'GET', '/api/v1/support/faqs?q=取消'],
  ['stranger', 'POST', '/api/v1/feedback', { content: '很好', type: 'praise' }],
  ['agent', 'POST', '/api/admin/feedback/1/reply', { content: '谢谢' }],
  ['stranger', 'POST', '/api/v1/feedback/1/messages', { content: '不客气' }],
  ['agent', 'PUT', '/api/admin/feedback/1', { status: 'closed' }],
  ['stranger', 'POST', '/api/v1/support/tickets', { subject: '无法登录', description: '一直转圈' }],
  ['agent', 'PUT', '/api/admin/support/tickets/1', { status: 'in_progress', assignee: 3 }],
  ['agent', 'POST', '/api/v1/support/tickets/1/messages', { content: '请再试一次' }],
  ['stranger', 'POST', '/api/v1/support/tickets/1/close'],
  ['stranger', 'POST', '/api/v1/support/chat'],
  ['stranger', 'POST', '/api/v1/support/chat/sessions/1/messages', { content: '怎么取消？' }],
  ['stranger', 'POST', '/api/v1/support/chat/sessions/1/handover'],
  ['agent', 'GET', '/api/admin/support/chat/queue'],
  ['agent', 'POST', '/api/admin/support/chat/1/accept'],
  ['admin', 'DELETE', '/api/v1/users/3'],
]

/** Reads of the result, after the background work. */
const OUTCOME: readonly Step[] = [
  ['stranger', 'GET', '/api/v1/notifications'],
  ['stranger', 'GET', '/api/v1/users/me/data-export'],
  ['keeper', 'GET', '/api/v1/exports'],
  ['keeper', 'GET', '/api/v1/logs'],
  ['keeper', 'GET', '/api/v1/login-logs'],
  ['keeper', 'GET', '/api/v1/logs/export'],
  ['keeper', 'GET', '/api/admin/notifications'],
  ['keeper', 'GET', '/api/v1/broadcasts'],
  ['keeper', 'GET', '/api/admin/jobs/dead-letters'],
]

interface Line {
  readonly call: string
  readonly status: number
  readonly body: unknown
}

async function play({ world, cast }: Combination, steps: readonly Step[]): Promise<Line[]> {
  const lines: Line[] = []
  for (const [who, method, path, payload] of steps) {
    world.clock.advance(1)
    const as = cast[who]
    const { status, body } = await world.call(method, path, { ...(as && { as }), ...(payload && { payload }) })
    lines.push({ call: `${method} ${path}`, status, body: comparable(body) })
    await world.drain()
  }
  return lines
}

describe('The use cases of site and support', () => {
  const combinations = useCombinations()

  it('give the same answers in every combination', { timeout: 120_000 }, async () => {
    const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = combinations()
    const story = [...SITE_STORY, ...SUPPORT_STORY, ...OUTCOME]
    const expected = await play(whole, story)
    expect(expected.filter(({ status }) => status >= 400)).toEqual([])
    expect(await play(roomAlone, story)).toEqual(expected)
    expect(await play(venueAlone, story)).toEqual(expected)
    expect(await play(clinicAlone, story)).toEqual(expected)
    for (const { world } of [whole, roomAlone, venueAlone, clinicAlone]) expect(await world.verify()).toEqual([])
    const ofSite = await play(withoutSupport, SITE_STORY)
    expect(ofSite).toEqual(expected.slice(0, SITE_STORY.length))
  })
})

describe('An unknown path', () => {
  const refusals = async ({ world }: Combination, path: string) => {
    const { status, body } = await world.call('GET', path)
    return [status, body.code]
  }

  it.each(['/manage/nothing', '/portal/nothing', '/login/nothing', '/prod-api/nothing', '/prod-api/manage/nothing'])(
    '%s is refused in the envelope of the room product if that is switched on, and otherwise by a problem document',
    async (path) => {
      const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = combinations()
      for (const one of [whole, roomAlone, withoutSupport]) expect(await refusals(one, path)).toEqual([200, 404])
      for (const one of [venueAlone, clinicAlone]) expect(await refusals(one, path)).toEqual([404, 'not_found'])
    },
  )

  it.each(['/admin/nothing', '/patient/nothing', '/doctor/nothing', '/statistics/nothing', '/static/image/nothing/x'])(
    '%s is refused in the envelope of the clinic if that is switched on, and otherwise by a problem document',
    async (path) => {
      const { whole, roomAlone, venueAlone, clinicAlone, withoutSupport } = combinations()
      for (const one of [whole, clinicAlone]) expect(await refusals(one, path)).toEqual([404, 98])
      for (const one of [roomAlone, venueAlone, withoutSupport])
        expect(await refusals(one, path)).toEqual([404, 'not_found'])
    },
  )

  it.each([
    '/',
    '/nothing',
    '/api/v1/nothing',
    '/api/admin/support/nothing',
    '/api/v1/support/tickets/1/nothing',
    '/u',
  ])('%s is refused by a problem document in every combination', async (path) => {
    for (const one of Object.values(combinations())) expect(await refusals(one, path)).toEqual([404, 'not_found'])
  })
})
