import { once } from 'node:events'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { addVenue } from '../../../test/support/venue.ts'
import { MONDAY, openWorld, type Person } from '../../../test/support/world.ts'
import { afterEvent, FEEDBACK_STATUSES } from './rules.ts'

const world = await openWorld()
const staff = await world.person('venue:support')
afterAll(() => world.close())
beforeEach(() => world.clock.set(MONDAY))

const post = (path: string, as: Person, payload: unknown) => world.call('POST', path, { as, payload })
const give = (as: Person, payload: object = {}) => post('/api/v1/feedback', as, { content: '灯光太暗', ...payload })
const reply = (id: number, content = '已安排更换') => post(`/api/admin/feedback/${id}/reply`, staff, { content })
const settle = (id: number, status: string, as = staff) =>
  world.call('PUT', `/api/admin/feedback/${id}`, { as, payload: { status } })
const read = (id: number, as: Person) => world.call('GET', `/api/v1/feedback/${id}`, { as })

describe('the states of feedback', () => {
  it('allow replies and additions until it is closed, and then only reopening', () => {
    const table = FEEDBACK_STATUSES.map((status) =>
      (['reply', 'addition', 'close', 'reopen'] as const).map((event) => afterEvent(status, event)),
    )
    expect(table).toEqual([
      ['replied', 'open', 'closed', undefined],
      ['replied', 'open', 'closed', undefined],
      [undefined, undefined, undefined, 'open'],
    ])
  })
})

describe('giving feedback', () => {
  it('is open to every signed-in user; its default type is suggestion', async () => {
    const visitor = await world.person('venue:visitor')
    const answer = await give(visitor)
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    expect(answer.body).toMatchObject({ type: 'suggestion', status: 'open', title: null, contact: null, messages: [] })
    expect((await world.call('POST', '/api/v1/feedback', { payload: { content: 'x' } })).status).toBe(401)
  })

  it('may name an existing venue, a score and contact data, which only the author and support see', async () => {
    const anna = await world.person()
    const venue = await addVenue(world)
    const wish = { type: 'complaint', title: '灯光', contact: '13800001111', venue_id: venue, rating: 2 }
    const { body } = await give(anna, wish)
    expect(body).toMatchObject({ ...wish, venue_name: expect.stringContaining('venue') })
    expect((await read(body.id, staff)).body.contact).toBe('13800001111')
    const [stored] = await world.rows<{ row: string }>(`SELECT f::text AS row FROM feedback f WHERE id = ${body.id}`)
    expect(stored?.row).not.toContain('13800001111')
    const list = await world.call('GET', '/api/admin/feedback', { as: staff })
    expect(JSON.stringify(list.body)).not.toContain('13800001111')
    expect((await give(anna, { venue_id: 999_999 })).status).toBe(404)
  })

  it.each([{ content: ' ' }, { content: 'x'.repeat(5001) }, { rating: 6 }, { type: 'praises' }, { venue_id: 0 }])(
    'refuses %j',
    async (wish) => {
      expect((await give(await world.person(), wish)).status).toBe(400)
    },
  )

  it('is stored once per Idempotency-Key', async () => {
    const anna = await world.person()
    const send = () =>
      world.call('POST', '/api/feedback', {
        as: anna,
        payload: { content: '一次' },
        headers: { 'idempotency-key': 'once' },
      })
    const [first, second] = [await send(), await send()]
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id])
  })
})

describe('a reply', () => {
  it('reaches the author in the inbox and live, and there can be several', async () => {
    const anna = await world.person()
    const { id } = (await give(anna)).body
    await world.drain()
    const address = await world.app.listen({ port: 0, host: '127.0.0.1' })
    const socket = new WebSocket(`${address.replace('http', 'ws')}/ws/notifications`)
    const frames: { type: string; notification?: { type: string; body: string } }[] = []
    socket.on('message', (text) => frames.push(JSON.parse(String(text))))
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'auth', token: anna.token }))
    await expect.poll(() => frames.map((frame) => frame.type)).toEqual(['ready'])

    const first = await reply(id)
    expect([first.status, first.body.status]).toEqual([201, 'replied'])
    expect((await reply(id, '换好了')).body.messages.map((one: { content: string }) => one.content)).toEqual([
      ...['已安排更换', '换好了'],
    ])
    await world.drain()
    await expect.poll(() => frames.length).toBe(3)
    expect(frames[1]?.notification).toMatchObject({
      type: 'feedback.replied',
      body: expect.stringContaining('已安排更换'),
    })
    socket.terminate()
    expect((await world.inbox(anna)).map(({ type }) => type)).toEqual(['feedback.replied', 'feedback.replied'])
    expect((await read(id, anna)).body).toMatchObject({ status: 'replied', replies: 2 })
  })

  it('can be answered by the owner, which reopens the feedback and notifies support', async () => {
    const anna = await world.person()
    const { id } = (await give(anna)).body
    await reply(id)
    const answer = await post(`/api/v1/feedback/${id}/messages`, anna, { content: '还是暗' })
    expect(answer.status).toBe(201)
    expect(answer.body).toMatchObject({ status: 'open', messages: [{ from_staff: true }, { from_staff: false }] })
    expect((await world.inbox(staff)).at(-1)).toMatchObject({ type: 'feedback.added' })
    expect((await post(`/api/v1/feedback/${id}/messages`, staff, { content: 'x' })).status).toBe(404)
  })

  it('is refused while the feedback is closed, until it is reopened', async () => {
    const anna = await world.person()
    const { id } = (await give(anna)).body
    expect((await settle(id, 'open')).body).toMatchObject({ code: 'bad_state', state: 'open' })
    expect((await settle(id, 'closed')).body.status).toBe('closed')
    expect((await world.inbox(anna)).at(-1)?.type).toBe('feedback.closed')
    const refused = await reply(id)
    expect([refused.status, refused.body.code, refused.body.state]).toEqual([409, 'bad_state', 'closed'])
    expect((await post(`/api/v1/feedback/${id}/messages`, anna, { content: 'x' })).status).toBe(409)
    expect((await settle(id, 'open')).body.status).toBe('open')
    expect((await reply(id)).status).toBe(201)
  })

  it('is recorded in the operation log', async () => {
    const { id } = (await give(await world.person())).body
    await reply(id)
    await world.drain()
    const log = await world.rows<{ action: string }>(
      `SELECT action FROM operation_log WHERE resource = 'feedback' AND resource_id = '${id}' ORDER BY id`,
    )
    expect(log.map(({ action }) => action)).toEqual(['feedback.create', 'feedback.reply'])
  })
})

describe('reading feedback', () => {
  it('is allowed to its owner and support; others get 404', async () => {
    const anna = await world.person()
    const { id } = (await give(anna)).body
    expect((await read(id, anna)).status).toBe(200)
    expect((await read(id, staff)).status).toBe(200)
    expect((await read(id, await world.person('venue:leader'))).status).toBe(404)
    expect((await read(999_999, staff)).status).toBe(404)
  })

  it('lists the caller’s own, and for support everybody’s, with filters', async () => {
    const [anna, ben] = [await world.person(), await world.person()]
    const praise = (await give(anna, { type: 'praise', rating: 5, title: '游泳馆很好' })).body.id
    const problem = (await give(anna, { type: 'problem' })).body.id
    await give(ben)
    const ids = async (path: string, as: Person) =>
      (await world.call('GET', path, { as })).body.items.map((one: { id: number }) => one.id)
    expect(await ids('/api/v1/feedback', anna)).toEqual([problem, praise])
    expect(await ids('/api/feedback?type=praise', anna)).toEqual([praise])
    const all = `/api/admin/feedback?user_id=${anna.id}`
    expect(await ids(`${all}&rating=5`, staff)).toEqual([praise])
    expect(await ids(`${all}&q=${encodeURIComponent('泳馆')}`, staff)).toEqual([praise])
    expect(await ids(`${all}&status=open&page_size=1&sort=id`, staff)).toEqual([praise])
    expect((await world.call('GET', '/api/admin/feedback', { as: anna })).status).toBe(403)
  })

  it('shows no contact data of a user who has left', async () => {
    const anna = await world.person()
    const { id } = (await give(anna, { contact: 'anna@example.com' })).body
    const admin = await world.person('admin')
    expect((await world.call('DELETE', `/api/v1/users/${anna.id}`, { as: admin })).status).toBeLessThan(300)
    expect((await read(id, staff)).body.contact).toBeNull()
  })
})
