import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { member } from '../../../../test/support/crm.ts'
import { openPms, type PmsWorld } from '../../../../test/support/crmPms.ts'
import { onServer, waitForLocks } from '../../../../test/support/database.ts'
import { insertMember } from '../../core/membersStore.ts'
import { lockMatching } from './guestStore.ts'

let world: PmsWorld

beforeAll(async () => {
  world = await openPms()
})
afterEach(() => {
  world.pms.fault = () => undefined
  world.pms.most = 1000
})
afterAll(() => world.close())

const post = async (path: string, payload: unknown, as = world.admin) => await world.call('POST', path, { as, payload })
const get = async (path: string, as = world.admin) => await world.call('GET', path, { as })

const ordersOf = (id: number) => world.rows(`SELECT 1 FROM consumption_records WHERE member_id = ${id}`)

describe('A PMS that fails', () => {
  it('is asked again later, from the page that is committed', async () => {
    world.pms.most = 2
    const id = await world.newMember({ phone: '0933000001' })
    world.pms.records.push(
      ...Array.from({ length: 6 }, (_, n) => ({ phone: '0933000001', order_number: `F-${n}`, amount: n })),
    )
    const first = world.pms.records.length - 6
    world.pms.records.push('junk')
    const failing = new Set([String(first + 2)])
    world.pms.fault = ({ cursor }) => (cursor !== null && failing.delete(cursor) ? 503 : undefined)
    const { task, ...during } = await world.sync('consumption_records')
    expect(during).toMatchObject({ status: 'running', synced_count: 2 })
    expect(await world.syncLines(task)).toContain('warning: The PMS answered 503. Next try in 10 seconds.')
    world.clock.set(new Date(world.clock.now().getTime() + 9_999))
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'running', synced_count: 2 })
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 6, failed_count: 1 })
    expect(await world.syncLines(task)).toContain('warning: page 4, row 1 was refused: it must be an object.')
    expect(await ordersOf(id)).toHaveLength(6)
  })

  it('counts failed calls anew after each page', async () => {
    world.pms.most = 1
    await world.newMember({ phone: '0933000009' })
    world.pms.members.push(...Array.from({ length: 3 }, () => ({ phone: '0933000009' })))
    let failures = 0
    world.pms.fault = () => {
      failures += 1
      return failures % 4 === 0 ? undefined : 500
    }
    const { task } = await world.sync('members')
    for (let n = 0; n < 12; n += 1) {
      world.clock.advance(5)
      await world.drain()
    }
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 3 })
  })

  it('gives no cursor at the end: the next call has the last one again', async () => {
    world.pms.fault = ({ cursor }) =>
      cursor === 'last'
        ? { items: [], has_more: false, next_cursor: null }
        : { items: [], has_more: true, next_cursor: 'last' }
    await world.sync('members', true)
    world.pms.calls.length = 0
    await world.sync('members')
    expect(world.pms.calls.map(({ cursor }) => cursor)).toEqual(['last'])
    world.pms.fault = () => undefined
    await world.sync('members', true)
  })

  it('gives pages without end: the task fails after 20,000', async () => {
    let cursor = 0
    world.pms.fault = () => {
      cursor += 1
      return cursor === 2 ? 503 : { items: ['x'], has_more: true, next_cursor: cursor }
    }
    const { task } = await world.sync('members', true)
    await world.rows(`UPDATE crm_syncs SET pages = 19999 WHERE id = '${task}'`)
    world.clock.advance(1)
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({
      status: 'failed',
      failed_count: 2,
      error: 'The PMS gave more than 20000 pages.',
    })
    expect(await world.syncLines(task)).toContain('warning: page 20000, row 1 was refused: it must be an object.')
  })

  it.each([
    ['is busy', 429],
    ['breaks off', 'cut'],
    ['answers something else', 'junk'],
  ] as const)('and %s, makes the task fail after five calls; the next one reads on', async (_, fault) => {
    world.pms.fault = () => fault
    const { task } = await world.sync('members')
    const before = world.pms.calls.length
    for (let n = 0; n < 10; n += 1) {
      world.clock.advance(5)
      await world.drain()
    }
    expect(world.pms.calls.length - before).toBe(4)
    expect(await world.syncStatus(task)).toMatchObject({ status: 'failed', error: expect.any(String) })
    expect((await world.syncLines(task)).at(-1)).toMatch(/^error: The/)
    world.pms.fault = () => undefined
    expect(await world.sync('members')).toMatchObject({ status: 'completed' })
  })

  it.each([
    ['401', 401, 'PMS_API_KEY'],
    ['404', 404, 'PMS_API_URL'],
    ['410', 410, 'force'],
    ['no list', { items: {}, has_more: false }, 'items must be a list'],
    ['no has_more', { items: [] }, 'has_more must be true or false'],
    ['an endless list', { items: [], has_more: true }, 'next_cursor leads nowhere'],
    ['a strange cursor', { items: [], has_more: true, next_cursor: {} }, 'next_cursor must be a text'],
    ['a long cursor', { items: [], has_more: true, next_cursor: 'x'.repeat(1001) }, 'next_cursor must be a text'],
    ['a broken cursor', { items: [], has_more: false, next_cursor: '\u0000' }, 'next_cursor must be a text'],
    ['too many rows', { items: Array(5001).fill(null), has_more: false }, 'at most 5000 rows'],
    ['a list', [], 'items must be a list'],
  ] as const)('with %s makes the task fail at once, and says why', async (_, fault, reason) => {
    world.pms.fault = () => fault
    expect(await world.sync('members')).toMatchObject({ status: 'failed', error: expect.stringContaining(reason) })
  })

  it('with the same cursor for ever makes the task fail', async () => {
    world.pms.fault = () => ({ items: [], has_more: true, next_cursor: 'a' })
    expect(await world.sync('members', true)).toMatchObject({
      status: 'failed',
      error: expect.stringContaining('nowhere'),
    })
  })
})

describe('A process that is killed', () => {
  it('loses nothing: another run takes the task over after ten minutes, from the last page; the late run is ignored', async () => {
    world.pms.most = 2
    const id = await world.newMember({ phone: '0933000002' })
    world.pms.records.push(
      ...Array.from({ length: 6 }, (_, n) => ({ phone: '0933000002', order_number: `K-${n}`, amount: n })),
    )
    const first = world.pms.records.length - 6
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let holds = true
    world.pms.fault = async ({ cursor }) => {
      if (!holds || cursor !== String(first + 2)) return undefined
      holds = false
      await held
      return undefined
    }
    const task = await world.startSync('consumption_records')
    const late = world.kernel.jobs.runNow('crm.pms-sync', { id: task })
    while (holds) await new Promise((resolve) => setImmediate(resolve))
    // Just before ten minutes of silence nothing happens.
    world.clock.set(new Date(world.clock.now().getTime() + 600_000 - 1))
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'running', synced_count: 2 })
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 6 })
    release()
    await late
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 6, failed_count: 0 })
    expect(await ordersOf(id)).toHaveLength(6)
  })

  it('and comes back while another run has its task, writes nothing and stops', async () => {
    world.pms.most = 2
    await world.newMember({ phone: '0933000003' })
    world.pms.records.push(
      ...Array.from({ length: 6 }, (_, n) => ({ phone: '0933000003', order_number: `L-${n}`, amount: n })),
    )
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let calls = 0
    world.pms.fault = async () => {
      calls += 1
      const number = calls
      if (number === 1) await held
      return number === 2 ? 503 : undefined
    }
    const task = await world.startSync('consumption_records')
    const late = world.kernel.jobs.runNow('crm.pms-sync', { id: task })
    while (calls === 0) await new Promise((resolve) => setImmediate(resolve))
    world.clock.advance(10)
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect([calls, (await world.syncStatus(task)).status]).toEqual([2, 'running'])
    release()
    await late
    expect([calls, await world.syncStatus(task)]).toMatchObject([2, { status: 'running', synced_count: 0 }])
    world.clock.advance(1)
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 6 })
  })

  it('before it began is replaced, too', async () => {
    const task = await world.startSync('members')
    await world.rows(`DELETE FROM pgboss.job WHERE name = 'crm.pms-sync'`)
    world.clock.advance(10)
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed' })
  })
})

describe('The schedule', () => {
  it('synchronises members, then records, every PMS_SYNC_INTERVAL', async () => {
    const minute = async () => {
      await world.kernel.jobs.runNow('crm.pms')
      const { body } = await get('/api/v1/pms/syncs')
      return body.data.items
        .filter((one: { status: string }) => one.status === 'pending')
        .map((one: { sync_type: string }) => one.sync_type)
    }
    world.clock.advance(24 * 60)
    expect(await minute()).toEqual(['members'])
    expect(await minute()).toEqual(['members'])
    await world.drain()
    world.clock.advance(1)
    expect(await minute()).toEqual(['consumption_records'])
    await world.drain()
    expect(await minute()).toEqual([])
    // An hour after the start of the members, less the half minute by which a tick may come early.
    world.clock.set(new Date(world.clock.now().getTime() + 58.5 * 60_000 - 1))
    expect(await minute()).toEqual([])
    world.clock.set(new Date(world.clock.now().getTime() + 1))
    world.pms.fault = () => 503
    expect(await minute()).toEqual(['members'])
    await world.drain()
    world.clock.advance(5)
    // The members are still running, so the records wait.
    expect(await minute()).toEqual([])
    world.pms.fault = () => undefined
    await world.drain()
    expect(await minute()).toEqual(['consumption_records'])
    await world.drain()
  })

  it('forgets tasks after 90 days', async () => {
    world.clock.advance(91 * 24 * 60)
    await world.kernel.jobs.runNow('crm.pms')
    await world.drain()
    expect((await get('/api/v1/pms/syncs')).body.data.total).toBe(1)
  })
})

describe('Requests', () => {
  it('are for administrators of the CRM', async () => {
    for (const as of [world.marketing, world.service]) {
      expect((await post('/api/v1/pms/sync', { sync_type: 'members' }, as)).status).toBe(403)
      expect((await get('/api/v1/pms/syncs', as)).status).toBe(403)
      expect((await get('/api/v1/pms/reviews', as)).status).toBe(403)
      expect((await post('/api/v1/pms/reviews/1/decide', { action: 'ignore' }, as)).status).toBe(403)
    }
  })

  it('with unknown tasks and wrong fields are refused', async () => {
    expect((await get('/api/v1/pms/sync-status/__proto__')).status).toBe(404)
    expect((await get('/api/v1/pms/syncs/none/log')).status).toBe(404)
    expect((await post('/api/v1/pms/sync', { sync_type: 'constructor' })).body).toMatchObject({
      code: 422,
      errors: [{ field: 'sync_type' }],
    })
    expect((await post('/api/v1/pms/sync', {})).status).toBe(422)
    expect((await get('/api/v1/pms/reviews?state=toString')).status).toBe(422)
  })
})

it.runIf(onServer)('two starts at once make one task', async () => {
  const answers = await Promise.all([1, 2, 3].map(() => post('/api/v1/pms/sync', { sync_type: 'members' })))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
  await world.drain()
})

it.runIf(onServer)('sees a number that somebody gave another member at the same moment', async () => {
  const id = await world.newMember({ id_number: 'J100000001' })
  world.pms.members.push({ id: 7777, id_number: 'J100000001', phone: '0933000077' })
  const task = await world.startSync('members')
  let running: Promise<void> = Promise.resolve()
  await world.kernel.transaction(async (tx) => {
    const fields = { phone: '0933000077', phone_e164: '+886933000077', source: 'crm' } as const
    await insertMember(tx, fields, world.clock.now())
    running = world.drain()
    await waitForLocks(world.database.db, 1)
  })
  await running
  expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 0, failed_count: 1 })
  expect(await world.memberRow(id)).toMatchObject({ phone: null })
  expect((await world.reviews('&reason=ambiguous')).total).toBe(1)
})

it.runIf(onServer)('waits for a decision that is being written, and a decision for it', async () => {
  world.pms.members.push({ id: 7778, last_name: '待' })
  await world.sync('members')
  const { id } = (await world.reviews('&reason=unmatched')).items.at(-1)
  world.pms.members.push({ id: 7778, last_name: '待' })
  await world.startSync('members')
  let both: Promise<unknown> = Promise.resolve()
  await world.kernel.transaction(async (tx) => {
    await lockMatching(tx)
    both = Promise.all([world.drain(), post(`/api/v1/pms/reviews/${id}/decide`, { action: 'ignore' })])
    await waitForLocks(world.database.db, 2)
  })
  await both
  expect((await world.call('GET', '/api/v1/pms/reviews?state=ignored', { as: world.admin })).body.data.total).toBe(1)
})

it('keeps a member who is in the CRM only as they are', async () => {
  const { id } = await member(world)
  const before = await world.memberRow(id)
  await world.sync('members', true)
  expect(await world.memberRow(id)).toEqual(before)
})
