import { describe, expect, it } from 'vitest'
import {
  address,
  admin,
  agent,
  elsewhere,
  historyOf,
  openChat,
  openChats,
  other,
  post,
  say,
  sessionOf,
  waiting,
  world,
} from '../../../test/support/chats.ts'
import { chatClient } from '../../../test/support/support.ts'
import type { Person } from '../../../test/support/world.ts'
import { answerForgotten, answerMessage } from './answer.ts'
import { asksForHuman, readText } from './rules.ts'
import { closeIdleChats } from './service.ts'

openChats()

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
  it('has 1 to 2,000 characters, some of them visible, and none that the database refuses', () => {
    expect(readText('  你好 ', 2000)).toBe('你好')
    expect(readText('😀'.repeat(2000), 2000)).toHaveLength(4000)
    for (const bad of ['', ' ', '\u200B', 'x'.repeat(2001), 'a\0b', '\uD800', 7, null, {}]) {
      expect(readText(bad, 2000)).toBeUndefined()
    }
  })
})

describe('a session', () => {
  it('is opened once: opening it again, even in parallel, returns the open one', async () => {
    const anna = await world.person('venue:visitor')
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.call('POST', '/api/v1/support/chat', { as: anna })))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201])
    expect(answers[0]?.body).toMatchObject({ status: 'bot', agent_id: null, queue_position: null })
    const id = await openChat(anna)
    expect((await post(`/api/v1/support/chat/sessions/${id}/close`, anna)).body.status).toBe('closed')
    expect(await openChat(anna)).toBeGreaterThan(id)
  })

  it('can be read by its owner and by agents; others get 404', async () => {
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

  it('ends after a day without messages, and accepts none after that', async () => {
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
  it('answers once over the WebSocket, even if its job runs twice', async () => {
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

  it('loses no question in a crash: the job is committed with the message', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    await say(id, anna, '泳池深吗')
    const waitingJobs = await world.rows(`SELECT 1 FROM pgboss.job WHERE name = 'support.answer' AND state = 'created'`)
    expect(waitingJobs).toHaveLength(1)
    // Another process runs the job.
    await other.system.drain()
    expect((await historyOf(id, anna)).at(-1)).toMatchObject({
      author: 'bot',
      content: expect.stringContaining('人工'),
    })
  })

  it('takes over the job of a killed process within about a minute', async () => {
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

  it('does not answer when a human was requested before its answer', async () => {
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
  it('exchange messages across two processes, stored first and in one order', async () => {
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
    // The bot no longer answers.
    await world.drain()
    expect((await historyOf(id, anna)).some(({ author }) => author === 'bot')).toBe(false)
  })

  it('receive missed messages, none twice', async () => {
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

  it('can resend without a duplicate', async () => {
    const { person, id } = await waiting()
    const client = await chatClient(address, person)
    for (const content of ['一次', '一次']) client.say({ type: 'message', content, client_id: 'same' })
    await expect.poll(() => client.frames.filter(({ type }) => type === 'ack')).toHaveLength(2)
    const [first, second] = client.frames.filter(({ type }) => type === 'ack')
    expect(first?.id).toBe(second?.id)
    const http = await Promise.all([1, 2, 3].map(() => say(id, person, '一次', { client_id: 'same' })))
    expect(http.map(({ status, body }) => [status, body.id])).toEqual(Array(3).fill([201, first?.id]))
    // Message ids are per sender: the other side may use the same one.
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
