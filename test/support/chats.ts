import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { Caller } from '../../src/kernel/http/request/caller.ts'
import { hangUp } from './support.ts'
import { MONDAY, openWorld, type Person, type Process, type World } from './world.ts'

// Calls for chats with the bot and with agents.

export let world: World
export let address: string
export let other: Process
/** The address of the other process. */
export let elsewhere: string
export let agent: Person
/** Opens a world with two processes, an agent and one answered question for the tests of a file. */
export function openChats(): void {
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
}

export const post = (path: string, as: Person, payload: unknown = {}) => world.call('POST', path, { as, payload })
export const openChat = async (as: Person): Promise<number> => {
  const { status, body } = await world.call('POST', '/api/support/chat', { as })
  expect([200, 201], JSON.stringify(body)).toContain(status)
  return body.id
}
export const sessionOf = async (id: number, as: Person) =>
  (await world.call('GET', `/api/v1/support/chat/sessions/${id}`, { as })).body
export const admin = (id: number, verb: string, as: Person, payload?: unknown) =>
  world.call('POST', `/api/admin/support/chat/${id}/${verb}`, { as, ...(payload !== undefined && { payload }) })
export const say = (id: number, as: Person, content: string, more: object = {}) =>
  post(`/api/v1/support/chat/sessions/${id}/messages`, as, { content, ...more })
export const historyOf = async (
  id: number,
  as: Person,
): Promise<{ author: string; content: string; event: string | null }[]> =>
  (await world.call('GET', `/api/v1/support/chat/sessions/${id}/messages?page_size=100`, { as })).body.items

export const callerLike = ({ id }: Person): Caller => ({
  userId: id,
  sessionId: '',
  roles: new Set(),
  permissions: new Set(),
  isAdmin: false,
  scope: 'full',
  address: '127.0.0.1',
  requestId: 'test',
})

/** Opens a chat and asks for an agent; returns the person, who waits in the queue, and the id of the chat. */
export async function waiting(): Promise<{ person: Person; id: number }> {
  const person = await world.person()
  const id = await openChat(person)
  const asked = await world.call('POST', `/api/v1/support/chat/sessions/${id}/handover`, { as: person })
  expect(asked.body.status).toBe('queued')
  return { person, id }
}
