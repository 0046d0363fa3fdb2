import { describe, expect, it } from 'vitest'
import {
  admin,
  agent,
  callerLike,
  historyOf,
  openChat,
  openChats,
  post,
  say,
  sessionOf,
  waiting,
  world,
} from '../../../test/support/chats.ts'
import { countLockWaits, onServer } from '../../../test/support/database.ts'
import { closeServed, transfer } from './agents.ts'

openChats()

describe('the queue', () => {
  it('keeps the order of requests, and tells waiting users their position', async () => {
    await world.rows(`DELETE FROM chat_messages`)
    await world.rows(`DELETE FROM chat_sessions`)
    const people = [await waiting(), await waiting(), await waiting()]
    const queue = await world.call('GET', '/api/admin/support/chat/queue', { as: agent })
    expect(queue.body.items.map((one: { id: number }) => one.id)).toEqual(people.map(({ id }) => id))
    const [first, second, third] = people
    if (!first || !second || !third) throw new Error('three wait')
    expect((await sessionOf(third.id, third.person)).queue_position).toBe(3)
    await admin(first.id, 'accept', agent)
    expect((await sessionOf(third.id, third.person)).queue_position).toBe(2)
    // After it is handed back, it is first again.
    expect((await admin(first.id, 'transfer', agent, {})).body).toMatchObject({
      status: 'queued',
      queue_position: 1,
      agent_id: null,
    })
    expect((await world.call('GET', '/api/admin/support/chat/queue', { as: first.person })).status).toBe(403)
  })

  it('gives a session to only one of two agents', async () => {
    const agents = [agent, await world.person('venue:admin'), await world.person('venue:support')]
    for (let round = 0; round < (onServer ? 20 : 3); round += 1) {
      const { id, person } = await waiting()
      const answers = await Promise.all(agents.map((one) => admin(id, 'accept', one)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409])
      const winner = answers.find(({ status }) => status === 200)?.body.agent_id
      expect((await sessionOf(id, person)).agent_id).toBe(winner)
      const losers = answers.filter(({ status }) => status === 409)
      expect(losers.map(({ body }) => body.code)).toEqual(['already_accepted', 'already_accepted'])
      const accepted = (await historyOf(id, person)).filter(({ event }) => event === 'accepted')
      expect(accepted).toHaveLength(1)
    }
  })

  it('refuses steps that do not fit the state', async () => {
    const { id } = await waiting()
    await admin(id, 'accept', agent)
    expect((await admin(id, 'accept', agent)).status).toBe(200)
    expect((await admin(999_999, 'accept', agent)).status).toBe(404)
    const own = await openChat(agent)
    await post(`/api/v1/support/chat/sessions/${own}/handover`, agent)
    expect((await admin(own, 'accept', agent)).body.code).toBe('own_session')
    const withBot = await openChat(await world.person())
    expect((await admin(withBot, 'accept', agent)).body).toMatchObject({ code: 'bad_state', state: 'bot' })
    expect((await admin(withBot, 'transfer', await world.person('admin'), {})).body.code).toBe('bad_state')
    expect((await say(withBot, agent, 'x')).body.code).toBe('not_your_session')
  })

  it('allows only the agent of a session or a support manager to transfer or end it', async () => {
    const [colleague, manager] = [await world.person('venue:support'), await world.person('venue:admin')]
    const { id, person } = await waiting()
    await admin(id, 'accept', agent)
    expect((await admin(id, 'transfer', agent, { agent_id: person.id })).body.code).toBe('not_an_agent')
    expect((await admin(id, 'transfer', agent, { agent_id: agent.id })).body.code).toBe('already_accepted')
    expect((await admin(id, 'transfer', agent, { agent_id: colleague.id })).body.agent_id).toBe(colleague.id)
    expect((await world.inbox(colleague)).at(-1)?.type).toBe('support_chat.transferred')
    expect((await say(id, agent, '我还在')).body.code).toBe('not_your_session')
    expect((await say(id, colleague, '您好')).status).toBe(201)
    expect((await admin(id, 'close', manager)).body.status).toBe('closed')
    expect((await admin(id, 'close', manager)).body.code).toBe('bad_state')
    const events = (await historyOf(id, person)).flatMap(({ event }) => event ?? [])
    expect(events).toEqual(['opened', 'handover', 'accepted', 'transferred', 'closed'])
  })

  it('refuses an agent who neither serves a session nor manages support', async () => {
    const { id } = await waiting()
    await admin(id, 'accept', agent)
    const bare = { ...callerLike(await world.person('venue:support')), permissions: new Set(['support:agent']) }
    for (const attempt of [transfer, closeServed]) {
      await expect(attempt(world.kernel, bare, id)).rejects.toMatchObject({ status: 403, code: 'not_your_session' })
    }
  })

  it('gets back the sessions of an agent who leaves, and drops those of users who leave', async () => {
    const [gone, root] = [await world.person('venue:support'), await world.person('admin')]
    const { id, person } = await waiting()
    await admin(id, 'accept', gone)
    await world.call('DELETE', `/api/v1/users/${gone.id}`, { as: root })
    expect(await sessionOf(id, person)).toMatchObject({ status: 'queued', agent_id: null })
    await world.call('DELETE', `/api/v1/users/${person.id}`, { as: root })
    expect(await sessionOf(id, agent)).toMatchObject({ status: 'closed' })
  })

  it.each([
    ['loses the role', 'PUT', (id: number) => `/api/v1/users/${id}/roles`, { roles: ['venue:employee'] }],
    ['is disabled', 'PUT', (id: number) => `/api/v1/users/${id}`, { status: 'disabled' }],
  ] as const)(
    'gets the sessions back of an agent who %s, and the others hear of it',
    async (_, method, path, payload) => {
      const [gone, root, colleague] = [
        await world.person('venue:support'),
        await world.person('admin'),
        await world.person('venue:support'),
      ]
      const { id, person } = await waiting()
      await admin(id, 'accept', gone)
      const own = await openChat(gone)
      const before = (await world.inbox(colleague)).length
      expect((await world.call(method, path(gone.id), { as: root, payload })).status).toBe(200)
      expect(await sessionOf(id, person)).toMatchObject({ status: 'queued', agent_id: null })
      expect(await sessionOf(own, agent)).toMatchObject({ status: 'bot' })
      expect((await world.inbox(colleague)).slice(before)).toMatchObject([{ type: 'support_chat.waiting' }])
      expect((await admin(id, 'accept', colleague)).body.agent_id).toBe(colleague.id)
    },
  )

  it.runIf(onServer)('gives no session to an agent who loses the role at the same moment', async () => {
    const [gone, manager] = [await world.person('venue:support'), await world.person('venue:admin')]
    const [queued, served] = [await waiting(), await waiting()]
    await admin(served.id, 'accept', agent)
    const ticket = await post('/api/v1/support/tickets', served.person, { subject: '登录', description: '一直转圈' })
    const answers = await world.kernel.transaction(async (tx) => {
      await tx.updateTable('users').set({ department: 'elsewhere' }).where('id', '=', gone.id).execute()
      await tx.deleteFrom('user_roles').where('user_id', '=', gone.id).execute()
      const asked = [
        admin(queued.id, 'accept', gone),
        admin(served.id, 'transfer', manager, { agent_id: gone.id }),
        world.call('PUT', `/api/admin/support/tickets/${ticket.body.id}`, {
          as: manager,
          payload: { assignee: gone.id },
        }),
      ]
      await expect.poll(() => countLockWaits(world.kernel.db), { timeout: 15_000 }).toBe(asked.length)
      return { asked }
    })
    const refused = await Promise.all(answers.asked)
    expect(refused.map(({ body }) => body.code)).toEqual(['forbidden', 'not_an_agent', 'assignee_not_staff'])
  })

  it('is listed for agents with all other sessions', async () => {
    const { id, person } = await waiting()
    await admin(id, 'accept', agent)
    const ids = async (query: string) =>
      (await world.call('GET', `/api/admin/support/chat/sessions?${query}`, { as: agent })).body.items.map(
        (one: { id: number }) => one.id,
      )
    expect(await ids(`user_id=${person.id}`)).toEqual([id])
    expect(await ids(`user_id=${person.id}&status=agent&agent_id=${agent.id}`)).toEqual([id])
    expect(await ids(`user_id=${person.id}&status=closed`)).toEqual([])
    const mine = await world.call('GET', '/api/v1/support/chat/sessions', { as: person })
    expect(mine.body.items.map((one: { id: number }) => one.id)).toEqual([id])
    await world.drain()
    const log = await world.rows(
      `SELECT 1 FROM operation_log WHERE action = 'support_chat.accept' AND resource_id = '${id}'`,
    )
    expect(log).toHaveLength(1)
  })
})
