import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { MONDAY, openWorld, type Person } from '../../../test/support/world.ts'
import { mayReopen, staffMayMove, TICKET_STATUSES } from './rules.ts'

const world = await openWorld()
const staff = await world.person('venue:support')
const anna = await world.person()
afterAll(() => world.close())
beforeEach(() => world.clock.set(MONDAY))

const post = (path: string, as: Person, payload?: unknown) =>
  world.call('POST', `/api/v1/support/tickets${path}`, { as, ...(payload !== undefined && { payload }) })
const open = async (as = anna, payload: object = {}): Promise<number> => {
  const { status, body } = await post('', as, { subject: '无法登录', description: '一直转圈', ...payload })
  expect(status, JSON.stringify(body)).toBe(201)
  return body.id
}
const change = (id: number, payload: unknown, as = staff) =>
  world.call('PUT', `/api/admin/support/tickets/${id}`, { as, payload })
const read = (id: number, as: Person) => world.call('GET', `/api/v1/support/tickets/${id}`, { as })
const told = async (person: Person) => (await world.inbox(person)).map(({ type }) => type)

describe('the table of transitions', () => {
  it('allows support every transition except from one final state to another', () => {
    const table = Object.fromEntries(
      TICKET_STATUSES.map((from) => [from, TICKET_STATUSES.filter((to) => staffMayMove(from, to))]),
    )
    expect(table).toEqual({
      open: ['in_progress', 'waiting', 'resolved', 'closed'],
      in_progress: ['open', 'waiting', 'resolved', 'closed'],
      waiting: ['open', 'in_progress', 'resolved', 'closed'],
      resolved: ['open', 'in_progress', 'closed'],
      closed: ['open', 'in_progress'],
    })
  })

  it('gives the owner 14 days to reopen a ticket', () => {
    const ticket = { status: 'resolved', endedAt: MONDAY } as const
    const endPlus = (ms: number) => new Date(MONDAY.getTime() + 14 * 86_400_000 + ms)
    expect(mayReopen(ticket, endPlus(0))).toBe('yes')
    expect(mayReopen(ticket, endPlus(1))).toBe('too_late')
    expect(mayReopen({ status: 'open', endedAt: null }, MONDAY)).toBe('not_ended')
  })
})

describe('a ticket', () => {
  it('passes between owner and support, and each side is notified of the other’s actions', async () => {
    const [owner, agent] = [await world.person(), await world.person('venue:support')]
    const id = await open(owner, { priority: 'high', category: '账号' })
    expect((await read(id, owner)).body).toMatchObject({
      status: 'open',
      priority: 'high',
      category: '账号',
      assignee: null,
    })
    const assigned = await change(id, { assignee: agent.id, status: 'in_progress' })
    expect(assigned.body).toMatchObject({
      status: 'in_progress',
      assignee: agent.id,
      assignee_name: expect.any(String),
    })
    expect((await post(`/${id}/messages`, agent, { content: '请截图' })).status).toBe(201)
    expect((await change(id, { status: 'waiting' }, agent)).body.status).toBe('waiting')
    const answer = await post(`/${id}/messages`, owner, { content: '截图在此' })
    expect(answer.body).toMatchObject({
      status: 'in_progress',
      messages: [{ from_staff: true }, { from_staff: false }],
    })
    expect((await change(id, { status: 'resolved' }, agent)).body.ended_at).toBe('2026-03-02T08:00:00+08:00')
    expect(await told(owner)).toEqual(['ticket.updated', 'ticket.replied', 'ticket.updated', 'ticket.updated'])
    expect(await told(agent)).toEqual(['ticket.opened', 'ticket.assigned', 'ticket.changed_by_owner'])
  })

  it('returns to all of support when its assignee may no longer answer tickets', async () => {
    const root = await world.person('admin')
    const endings = [
      (id: number) =>
        world.call('PUT', `/api/v1/users/${id}/roles`, { as: root, payload: { roles: ['venue:employee'] } }),
      (id: number) => world.call('PUT', `/api/v1/users/${id}`, { as: root, payload: { status: 'disabled' } }),
    ]
    for (const ending of endings) {
      const [owner, agent, colleague] = [
        await world.person(),
        await world.person('venue:support'),
        await world.person('venue:support'),
      ]
      const [id, done] = [await open(owner), await open(owner)]
      for (const one of [id, done]) await change(one, { assignee: agent.id })
      await change(done, { status: 'resolved' })
      expect((await ending(agent.id)).status).toBe(200)
      expect((await read(id, owner)).body.assignee).toBeNull()
      expect((await read(done, owner)).body.assignee).toBe(agent.id)
      const before = (await told(agent)).length
      await post(`/${id}/messages`, owner, { content: '还在吗' })
      await post(`/${done}/reopen`, owner)
      expect((await told(colleague)).slice(-2)).toEqual(['ticket.changed_by_owner', 'ticket.changed_by_owner'])
      expect(await told(agent)).toHaveLength(before)
    }
  })

  it('stays with an assignee who may still answer tickets after a role change', async () => {
    const [root, agent] = [await world.person('admin'), await world.person('venue:support')]
    const id = await open()
    await change(id, { assignee: agent.id })
    const payload = { roles: ['venue:admin'] }
    expect((await world.call('PUT', `/api/v1/users/${agent.id}/roles`, { as: root, payload })).status).toBe(200)
    expect((await read(id, anna)).body.assignee).toBe(agent.id)
  })

  it('is in progress after the first message of support', async () => {
    const id = await open()
    expect((await post(`/${id}/messages`, staff, { content: '收到' })).body.status).toBe('in_progress')
  })

  it('refuses transitions outside the table, and messages when it is closed', async () => {
    const id = await open()
    await change(id, { status: 'closed' })
    const refused = await change(id, { status: 'waiting' })
    expect([refused.status, refused.body.code, refused.body.state]).toEqual([409, 'bad_state', 'closed'])
    for (const person of [anna, staff]) {
      expect((await post(`/${id}/messages`, person, { content: 'x' })).body.code).toBe('bad_state')
    }
  })

  it('notifies nobody when a change has no effect', async () => {
    const owner = await world.person()
    const id = await open(owner)
    expect((await change(id, { status: 'open', priority: 'normal' })).status).toBe(200)
    expect(await told(owner)).toEqual([])
  })

  it('can be assigned only to support', async () => {
    const id = await open()
    expect((await change(id, { assignee: anna.id })).body.code).toBe('assignee_not_staff')
    expect((await change(id, { assignee: 999_999 })).body.code).toBe('assignee_not_staff')
    expect((await change(id, { assignee: staff.id })).body.assignee).toBe(staff.id)
    expect((await change(id, { assignee: null })).body.assignee).toBeNull()
    expect((await change(id, {})).status).toBe(400)
    expect((await change(999_999, { status: 'closed' })).status).toBe(404)
  })

  it('can be closed and, within 14 days, reopened by its owner', async () => {
    const id = await open()
    expect((await post(`/${id}/reopen`, anna)).body.code).toBe('bad_state')
    expect((await post(`/${id}/close`, anna)).body.status).toBe('closed')
    expect((await post(`/${id}/close`, anna)).body.code).toBe('bad_state')
    expect((await post(`/${id}/reopen`, staff)).status).toBe(404)
    world.clock.advance(14 * 24 * 60)
    expect((await post(`/${id}/reopen`, anna)).body).toMatchObject({ status: 'open', ended_at: null })
    await change(id, { status: 'resolved' })
    world.clock.advance(10 * 24 * 60)
    expect((await change(id, { status: 'closed' })).status).toBe(200)
    world.clock.advance(4 * 24 * 60 + 1)
    const late = await post(`/${id}/reopen`, anna)
    expect([late.status, late.body.code]).toEqual([409, 'too_late_to_reopen'])
  })

  it('ends in one state when many transitions are requested at once', async () => {
    const id = await open()
    await change(id, { status: 'resolved' })
    const answers = await Promise.all([1, 2, 3, 4].map(() => post(`/${id}/reopen`, anna)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
  })
})

describe('reading tickets', () => {
  it('is allowed to the owner and support; others get 404', async () => {
    const id = await open()
    expect((await read(id, staff)).status).toBe(200)
    for (const role of ['venue:employee', 'venue:leader', 'venue:visitor']) {
      const other = await world.person(role)
      const answers = [
        await read(id, other),
        await post(`/${id}/messages`, other, { content: 'x' }),
        await post(`/${id}/close`, other),
        await change(id, { status: 'closed' }, other),
      ]
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 403])
    }
  })

  it('lists the caller’s own, and for support everybody’s, with filters', async () => {
    const owner = await world.person()
    const low = await open(owner, { priority: 'low', subject: '灯坏了' })
    const urgent = await open(owner, { priority: 'urgent', category: '设施' })
    const ids = async (path: string, as: Person) =>
      (await world.call('GET', path, { as })).body.items.map((one: { id: number }) => one.id)
    expect(await ids('/api/support/tickets', owner)).toEqual([urgent, low])
    expect(await ids('/api/v1/support/tickets', await world.person())).toEqual([])
    const all = `/api/admin/support/tickets?user_id=${owner.id}`
    expect(await ids(`${all}&sort=-priority`, staff)).toEqual([urgent, low])
    expect(await ids(`${all}&sort=priority`, staff)).toEqual([low, urgent])
    expect(await ids(`${all}&q=${encodeURIComponent('灯坏')}`, staff)).toEqual([low])
    expect(await ids(`${all}&category=${encodeURIComponent('设施')}`, staff)).toEqual([urgent])
    await change(low, { assignee: staff.id, status: 'waiting' })
    expect(await ids(`${all}&status=waiting&assignee=${staff.id}&priority=low`, staff)).toEqual([low])
    expect((await world.call('GET', '/api/admin/support/tickets', { as: owner })).status).toBe(403)
  })
})
