import { describe, expect, it } from 'vitest'
import { address, elsewhere, openChat, openChats, say, waiting, world } from '../../../test/support/chats.ts'
import { onServer } from '../../../test/support/database.ts'
import { chatClient, hangUp } from '../../../test/support/support.ts'

openChats()

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

  it('reports that there is no session yet, and follows one on request', async () => {
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

  it('accepts frames sent as soon as it is ready', async () => {
    const anna = await world.person()
    const id = await openChat(anna)
    for (let round = 0; round < 10; round += 1) {
      const client = await chatClient(address, anna, round % 2 === 0 ? {} : { session_id: id })
      client.say({ type: 'message', content: `立刻 ${round}` })
      await client.heard('ack')
    }
  })

  it('limits messages per minute and person across all connections', async () => {
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

  it.runIf(onServer)('sends messages written while its process was not listening', async () => {
    const { person, id } = await waiting()
    const client = await chatClient(address, person)
    await client.heard('following')
    await world.rows(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND (query ILIKE 'listen%' OR query = 'select 1')`)
    await say(id, person, '听得到吗')
    await expect.poll(client.contents, { timeout: 10_000 }).toEqual(['听得到吗'])
  })

  it('closes after an invalid frame, and when the session of the token ends', async () => {
    const anna = await world.person()
    const odd = await chatClient(address, anna)
    odd.say({ type: 'constructor' })
    expect(await odd.closed).toBe(4400)
    const client = await chatClient(address, anna)
    await world.call('POST', '/api/v1/users/logout', { as: anna })
    expect(await client.closed).toBe(4401)
  })

  it('closes when roles are removed; a new connection has the new permissions', async () => {
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

  it('stays open when an account change does not affect permissions', async () => {
    const [anna, root] = [await world.person(), await world.person('admin')]
    const client = await chatClient(address, anna)
    await world.call('PUT', `/api/v1/users/${anna.id}`, { as: root, payload: { department: '研发部' } })
    client.say({ type: 'ping' })
    await client.heard('pong')
  })
})
