import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { member } from '../../../../test/support/crm.ts'
import { openPms, type PmsWorld } from '../../../../test/support/crmPms.ts'
import { onServer } from '../../../../test/support/database.ts'

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
    expect(await world.syncStatus(task)).toMatchObject({ status: 'completed', synced_count: 6, failed_count: 0 })
    expect(await ordersOf(id)).toHaveLength(6)
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
    world.clock.advance(58)
    expect(await minute()).toEqual([])
    world.clock.advance(1)
    expect(await minute()).toEqual(['members'])
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

it('keeps a member who is in the CRM only as they are', async () => {
  const { id } = await member(world)
  const before = await world.memberRow(id)
  await world.sync('members', true)
  expect(await world.memberRow(id)).toEqual(before)
})
