import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { countLockWaits, onServer } from '../../../test/support/database.ts'
import { chatClient, hangUp } from '../../../test/support/support.ts'
import { MONDAY, openWorld, type Person, type Process, type World } from '../../../test/support/world.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { closeServed, transfer } from './agents.ts'
import { answerForgotten, answerMessage } from './answer.ts'
import { asksForHuman, readText } from './rules.ts'
import { closeIdleChats } from './service.ts'

let world: World
let address: string
let other: Process
/** The address of the other process. */
let elsewhere: string
let agent: Person
beforeAll(async () => {
  world = await openWorld()
  agent = await world.person('venue:support')
  address = await world.listen()
  other = await world.anotherProcess()
  elsewhere = await other.listen()
  const faq = { question: '如何取消预约？', answer: '打开“我的预约”，点“取消”。' }
  await world.call('POST', '/api/admin/support/faqs', { as: agent, payload: faq })
})
afterAll(() => world.close())
beforeEach(() => world.clock.set(MONDAY))
afterEach(hangUp)

const post = (path: string, as: Person, payload: unknown = {}) => world.call('POST', path, { as, payload })
const openChat = async (as: Person): Promise<number> => {
  const { status, body } = await world.call('POST', '/api/support/chat', { as })
  expect([200, 201], JSON.stringify(body)).toContain(status)
  return body.id
}
const sessionOf = async (id: number, as: Person) =>
  (await world.call('GET', `/api/v1/support/chat/sessions/${id}`, { as })).body
const admin = (id: number, verb: string, as: Person, payload?: unknown) =>
  world.call('POST', `/api/admin/support/chat/${id}/${verb}`, { as, ...(payload !== undefined && { payload }) })
const say = (id: number, as: Person, content: string, more: object = {}) =>
  post(`/api/v1/support/chat/sessions/${id}/messages`, as, { content, ...more })
const historyOf = async (
  id: number,
  as: Person,
): Promise<{ author: string; content: string; event: string | null }[]> =>
  (await world.call('GET', `/api/v1/support/chat/sessions/${id}/messages?page_size=100`, { as })).body.items

const callerLike = ({ id }: Person): Caller => ({
  userId: id,
  sessionId: '',
  roles: new Set(),
  permissions: new Set(),
  isAdmin: false,
  scope: 'full',
  address: '127.0.0.1',
  requestId: 'test',
})

/** Somebody who waits for a human. */
async function waiting(): Promise<{ person: Person; id: number }> {
  const person = await world.person()
  const id = await openChat(person)
  const asked = await world.call('POST', `/api/v1/support/chat/sessions/${id}/handover`, { as: person })
  expect(asked.body.status).toBe('queued')
  return { person, id }
}

describe('asking for a human', () => {
  it.each(['人工', '转人工客服', '我要找真人', '转接客服谢谢', 'Human please', 'real person'])('is %s', (text) => {
    expect(asksForHuman(text)).toBe(true)
  })
  it.each(['有人工草坪的足球场吗', '人工湖边能跑步吗', '取消预约', `人工${'长'.repeat(40)}`, 'humane'])(
    'is not %s',
    (text) => {
      expect(asksForHuman(text)).toBe(false)
    },
  )
})

describe('a text', () => {
  it('has 1 to 2,000 characters in which something can be seen, and nothing a database refuses', () => {
    expect(readText('  你好 ', 2000)).toBe('你好')
    expect(readText('😀'.repeat(2000), 2000)).toHaveLength(4000)
    for (const bad of ['', ' ', '\u200B', 'x'.repeat(2001), 'a\0b', '\uD800', 7, null, {}]) {
      expect(readText(bad, 2000)).toBeUndefined()
    }
  })
})

describe('a session', () => {
  it('is opened once: opening again, however often at once, answers the open one', async () => {
    const anna = await world.person('venue:visitor')
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.call('POST', '/api/v1/support/chat', { as: anna })))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201])
    expect(answers[0]?.body).toMatchObject({ status: 'bot', agent_id: null, queue_position: null })
    const id = await openChat(anna)
    expect((await post(`/api/v1/support/chat/sessions/${id}/close`, anna)).body.status).toBe('closed')
    expect(await openChat(anna)).toBeGreaterThan(id)
  })

  it('can be read by its owner and by agents: it does not exist for others', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    const ben = await world.person('venue:leader')
    for (const path of [`/api/v1/support/chat/sessions/${id}`, `/api/support/chat/sessions/${id}/messages`]) {
      const as = (person: Person) => world.call('GET', path, { as: person })
      expect([(await as(anna)).status, (await as(agent)).status, (await as(ben)).status]).toEqual([200, 200, 404])
    }
    expect((await say(id, ben, 'x')).status).toBe(404)
    expect((await post(`/api/v1/support/chat/sessions/${id}/close`, agent)).status).toBe(404)
    expect((await post(`/api/v1/support/chat/sessions/${id}/handover`, ben)).status).toBe(404)
    const client = await chatClient(address, ben, { session_id: id })
    expect((await client.heard('error')).code).toBe('not_found')
    client.say({ type: 'message', session_id: id, content: 'x' })
    await expect.poll(() => client.frames.filter(({ type }) => type === 'error')).toHaveLength(2)
    expect(await historyOf(id, anna)).toHaveLength(1)
    expect(client.contents()).toEqual([])
  })

  it('ends after a day without messages, and takes none after that', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    world.clock.advance(23 * 60)
    await say(id, anna, '在吗')
    world.clock.advance(24 * 60)
    await closeIdleChats(world.kernel)
    expect((await sessionOf(id, anna)).status).toBe('bot')
    world.clock.advance(1)
    await closeIdleChats(world.kernel)
    expect(await sessionOf(id, anna)).toMatchObject({ status: 'closed', closed_at: expect.any(String) })
    expect((await say(id, anna, '还在吗')).body).toMatchObject({ code: 'bad_state', state: 'closed' })
  })
})

describe('the bot', () => {
  it('answers over the WebSocket, once, though its job runs twice', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    const client = await chatClient(address, anna)
    expect(await client.heard('following')).toMatchObject({ session_id: id, status: 'bot' })
    client.say({ type: 'message', content: ' 怎么取消预约？ ', client_id: 'a1' })
    const ack = await client.heard('ack')
    expect(ack).toMatchObject({ client_id: 'a1', session_id: id })
    await world.drain()
    await expect.poll(client.contents).toEqual(['怎么取消预约？', expect.stringContaining('点“取消”')])
    await answerMessage(world.kernel, { message_id: ack.id })
    await answerMessage(other.kernel, { message_id: ack.id })
    expect((await historyOf(id, anna)).map(({ author }) => author)).toEqual(['system', 'user', 'bot'])
  })

  it('loses no question to a crash: the job stands in the database with the message', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    await say(id, anna, '泳池深吗')
    const waitingJobs = await world.rows(`SELECT 1 FROM pgboss.job WHERE name = 'support.answer' AND state = 'created'`)
    expect(waitingJobs).toHaveLength(1)
    // Another process takes it up.
    await other.system.drain()
    expect((await historyOf(id, anna)).at(-1)).toMatchObject({
      author: 'bot',
      content: expect.stringContaining('人工'),
    })
  })

  it('sees within a minute or so to what a killed process had in hand', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    await say(id, anna, '在吗')
    await world.rows(
      `UPDATE pgboss.job SET state = 'active', started_on = now() WHERE name = 'support.answer' AND state = 'created'`,
    )
    await world.drain()
    await answerForgotten(world.kernel)
    expect((await historyOf(id, anna)).at(-1)?.author).toBe('user')
    world.clock.advance(1)
    await answerForgotten(world.kernel)
    await answerForgotten(world.kernel)
    expect((await historyOf(id, anna)).map(({ author }) => author)).toEqual(['system', 'user', 'bot'])
  })

  it('is silent when a human was asked for before it came to answer', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    await say(id, anna, '怎么取消')
    await say(id, anna, '转人工')
    await world.drain()
    expect((await historyOf(id, anna)).map(({ author }) => author)).toEqual(['system', 'user', 'user', 'system'])
    expect(await sessionOf(id, anna)).toMatchObject({ status: 'queued' })
  })
})

describe('user and agent', () => {
  it('talk to each other over two processes, everything durable first and in one order', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    const user = await chatClient(address, anna)
    user.say({ type: 'handover' })
    await user.heard('message')
    expect((await world.inbox(agent)).at(-1)).toMatchObject({ type: 'support_chat.waiting' })
    expect((await admin(id, 'accept', agent)).body).toMatchObject({ status: 'agent', agent_id: agent.id })
    const staff = await chatClient(elsewhere, agent, { session_id: id, last_event_id: 0 })
    for (let n = 1; n <= 10; n += 1) {
      user.say({ type: 'message', content: `问 ${n}` })
      staff.say({ type: 'message', content: `答 ${n}` })
    }
    const all = async () => (await historyOf(id, anna)).map(({ content }) => content)
    await expect.poll(all, { timeout: 10_000 }).toHaveLength(23)
    const said = await all()
    await expect.poll(staff.contents).toEqual(said)
    await expect.poll(user.contents).toEqual(said.slice(1))
    expect(said.filter((one) => one.startsWith('问'))).toEqual(Array.from({ length: 10 }, (_, n) => `问 ${n + 1}`))
    await expect.poll(() => user.frames.filter(({ type }) => type === 'ack')).toHaveLength(10)
    // No bot any more.
    await world.drain()
    expect((await historyOf(id, anna)).some(({ author }) => author === 'bot')).toBe(false)
  })

  it('get what they missed, none twice', async () => {
    const { person, id } = await waiting()
    await admin(id, 'accept', agent)
    const first = await chatClient(address, person, { last_event_id: 0 })
    await expect.poll(first.ids).toHaveLength(3)
    first.leave()
    await say(id, agent, '您好')
    await say(id, agent, '请说')
    const last = first.ids().at(-1)
    const second = await chatClient(elsewhere, person, { last_event_id: last })
    await expect.poll(second.contents).toEqual(['您好', '请说'])
    second.say({ type: 'follow', session_id: id, last_event_id: second.ids()[0] })
    await expect.poll(second.contents).toEqual(['您好', '请说', '请说'])
    const fresh = await chatClient(address, person)
    await say(id, agent, '新的')
    await expect.poll(fresh.contents).toEqual(['新的'])
  })

  it('send again without saying twice', async () => {
    const { person, id } = await waiting()
    const client = await chatClient(address, person)
    for (const content of ['一次', '一次']) client.say({ type: 'message', content, client_id: 'same' })
    await expect.poll(() => client.frames.filter(({ type }) => type === 'ack')).toHaveLength(2)
    const [first, second] = client.frames.filter(({ type }) => type === 'ack')
    expect(first?.id).toBe(second?.id)
    const http = await Promise.all([1, 2, 3].map(() => say(id, person, '一次', { client_id: 'same' })))
    expect(http.map(({ status, body }) => [status, body.id])).toEqual(Array(3).fill([201, first?.id]))
    // An id is the sender's own: the other side may use the same.
    await admin(id, 'accept', agent)
    expect((await say(id, agent, '收到', { client_id: 'same' })).body.id).not.toBe(first?.id)
    await post(`/api/v1/support/chat/sessions/${id}/close`, person)
    expect((await say(id, person, '一次', { client_id: 'same' })).body.id).toBe(first?.id)
  })

  it('see each other typing', async () => {
    const { person, id } = await waiting()
    await admin(id, 'accept', agent)
    const [user, staff] = [await chatClient(address, person), await chatClient(elsewhere, agent, { session_id: id })]
    await user.heard('following')
    await staff.heard('following')
    user.say({ type: 'typing' })
    expect(await staff.heard('typing')).toMatchObject({ session_id: id, user_id: person.id })
    expect(user.frames.filter(({ type }) => type === 'typing')).toEqual([])
  })
})

describe('the queue', () => {
  it('is in the order of asking, and says to those who wait where they stand', async () => {
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
    // Handed back, it is first again.
    expect((await admin(first.id, 'transfer', agent, {})).body).toMatchObject({
      status: 'queued',
      queue_position: 1,
      agent_id: null,
    })
    expect((await world.call('GET', '/api/admin/support/chat/queue', { as: first.person })).status).toBe(403)
  })

  it('gives a session to one of two agents', async () => {
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

  it('refuses what makes no sense', async () => {
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

  it('lets only the agent of a session hand it on or end it, or whoever manages support', async () => {
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

  it('gets the sessions back of an agent who leaves, and loses those of users who do', async () => {
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

  it.runIf(onServer)('gives nothing to an agent who loses the role that very moment', async () => {
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

  it('is listed for agents with everything else', async () => {
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

describe('the WebSocket', () => {
  it.each([
    [{ type: 'message', content: 'x'.repeat(2001) }, 'validation'],
    [{ type: 'message', content: ' ' }, 'validation'],
    [{ type: 'message', content: 'a\0' }, 'validation'],
    [{ type: 'message' }, 'validation'],
    [{ type: 'message', content: 'x', client_id: 7 }, 'validation'],
    [{ type: 'message', content: 'x', session_id: 'x' }, 'validation'],
    [{ type: 'message', content: 'x', session_id: 999_999 }, 'not_found'],
    [{ type: 'follow' }, 'validation'],
    [{ type: 'follow', session_id: 1e300 }, 'validation'],
    [{ type: 'follow', session_id: 999_999, last_event_id: -1 }, 'validation'],
    [{ type: 'handover', session_id: 999_999 }, 'not_found'],
  ])('answers %j with an error and goes on', async (frame, code) => {
    const anna = await world.person()
    await openChat(anna)
    const client = await chatClient(address, anna)
    client.say(frame)
    expect((await client.heard('error')).code).toBe(code)
    client.say({ type: 'ping' })
    await client.heard('pong')
  })

  it('says that there is no session yet, and follows one when asked', async () => {
    const anna = await world.person()
    const client = await chatClient(address, anna)
    expect(client.frames[0]).toEqual({ type: 'ready', session_id: null })
    client.say({ type: 'message', content: 'x' })
    expect((await client.heard('error')).code).toBe('validation')
    const id = await openChat(anna)
    client.say({ type: 'follow', session_id: id, last_event_id: 0 })
    await expect.poll(client.contents).toHaveLength(1)
    client.say({ type: 'unfollow', session_id: id })
    client.say({ type: 'message', session_id: id, content: '还在' })
    await client.heard('ack')
    expect(client.contents()).toHaveLength(1)
  })

  it('takes what is sent the moment it is ready', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    for (let round = 0; round < 10; round += 1) {
      const client = await chatClient(address, anna, round % 2 === 0 ? {} : { session_id: id })
      client.say({ type: 'message', content: `立刻 ${round}` })
      await client.heard('ack')
    }
  })

  it('takes so many messages a minute from one person, over all their connections', async () => {
    const strict = await (await world.anotherProcess({ rateLimit: true, rateLimitMessage: 3 })).listen()
    const anna = await world.person()
    await openChat(anna)
    const clients = [await chatClient(strict, anna), await chatClient(strict, anna)]
    for (const client of clients) for (const n of [1, 2]) client.say({ type: 'message', content: `${n}` })
    await expect
      .poll(() => clients.flatMap(({ frames }) => frames.filter(({ type }) => type === 'ack')))
      .toHaveLength(3)
    await expect
      .poll(() => clients.flatMap(({ frames }) => frames.flatMap(({ code }) => code ?? [])))
      .toEqual(['rate_limited'])
    hangUp()
  })

  it.runIf(onServer)('sends what was written while its process could not hear of it', async () => {
    const { person, id } = await waiting()
    const client = await chatClient(address, person)
    await client.heard('following')
    await world.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND (query ILIKE 'listen%' OR query = 'select 1')`)
    await say(id, person, '听得到吗')
    await expect.poll(client.contents, { timeout: 10_000 }).toEqual(['听得到吗'])
  })

  it('closes on what is no frame of ours, and when the session of the token ends', async () => {
    const anna = await world.person()
    const odd = await chatClient(address, anna)
    odd.say({ type: 'constructor' })
    expect(await odd.closed).toBe(4400)
    const client = await chatClient(address, anna)
    await world.call('POST', '/api/v1/users/logout', { as: anna })
    expect(await client.closed).toBe(4401)
  })

  it('closes when roles are taken away: who comes back sees what the new ones show', async () => {
    const [former, root, anna] = [
      await world.person('venue:support'),
      await world.person('admin'),
      await world.person(),
    ]
    const id = await openChat(anna)
    const [here, there] = [await chatClient(address, former), await chatClient(elsewhere, former)]
    here.say({ type: 'follow', session_id: id })
    await here.heard('following')
    const granted = await world.call('PUT', `/api/v1/users/${former.id}/roles`, {
      as: root,
      payload: { roles: ['venue:employee'] },
    })
    expect(granted.status).toBe(200)
    expect([await here.closed, await there.closed]).toEqual([4401, 4401])
    await say(id, anna, '只给客服看')
    const again = await chatClient(address, former, { session_id: id, last_event_id: 0 })
    expect((await again.heard('error')).code).toBe('not_found')
    expect([...here.contents(), ...again.contents()]).toEqual([])
  })

  it('stays open when an account changes in what grants nothing', async () => {
    const [anna, root] = [await world.person(), await world.person('admin')]
    const client = await chatClient(address, anna)
    await world.call('PUT', `/api/v1/users/${anna.id}`, { as: root, payload: { department: '研发部' } })
    client.say({ type: 'ping' })
    await client.heard('pong')
  })
})
