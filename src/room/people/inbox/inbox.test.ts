import { afterAll, expect, it } from 'vitest'
import { openWorld } from '../../../../test/support/world.ts'
import { notify } from '../../../kernel/outbox/outbox.ts'

const world = await openWorld()
const me = await world.person('room:user')
const other = await world.person('room:user')
for (const [index, person] of [me, me, me, other].entries()) {
  const data = { username: `u${index}`, display_name: '小明' }
  await notify(world.kernel.db, world.clock.now(), { type: 'account.welcome', userIds: [person.id], data })
}
await world.drain()
afterAll(() => world.close())

const list = async (query = '', as = me) =>
  (await world.call('GET', `/portal/facility/notice/list${query}`, { as })).body
const read = async (payload?: unknown, as = me) =>
  (await world.call('PUT', '/portal/facility/notice/read', { as, payload })).body

it('lists the messages of the person, the newest first', async () => {
  const { code, rows, total } = await list('?pageSize=2&unread=')
  expect([code, total, rows.length]).toEqual([200, 3, 2])
  expect(rows[0]).toEqual({
    id: expect.any(Number),
    type: 'account.welcome',
    title: '欢迎加入，小明',
    content: expect.stringContaining('u2'),
    urgent: false,
    createTime: '2026-03-02 08:00:00',
    readTime: null,
  })
  expect(rows[0].id).toBeGreaterThan(rows[1].id)
  const rising = await list('?orderByColumn=createTime&isAsc=asc')
  expect(rising.rows.at(-1)).toEqual(rows[0])
})

it('counts unread messages, and marks some or all of the person’s own as read', async () => {
  const [newest] = (await list()).rows
  const [others] = (await list('', other)).rows
  expect((await world.call('GET', '/portal/facility/notice/unread-count', { as: me })).body.data).toEqual({ unread: 3 })
  expect((await read({ ids: [] })).data).toEqual({ unread: 3 })
  expect((await read({ ids: [newest.id, others.id] })).data).toEqual({ unread: 2 })
  expect((await list('?unread=false')).rows).toEqual([{ ...newest, readTime: '2026-03-02 08:00:00' }])
  expect((await read({ ids: null })).data).toEqual({ unread: 0 })
  expect((await list('?unread=true', other)).total).toBe(1)
})

it('requires a log-in', async () => {
  expect((await world.call('GET', '/portal/facility/notice/list')).body.code).toBe(401)
})
