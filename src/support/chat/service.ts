import type { Transaction } from '../../kernel/database/database.ts'
import type { PageOf } from '../../kernel/database/lists.ts'
import { Conflict, NotFound } from '../../kernel/errors.ts'
import type { Actor } from '../../kernel/identity/actor.ts'
import { staffWith } from '../../kernel/identity/staff.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify } from '../../kernel/outbox/outbox.ts'
import { AGENT } from '../permissions.ts'
import { asksForHuman, IDLE_HOURS, TEXTS } from './rules.ts'
import * as store from './store.ts'

/** The job that lets the bot answer a message: `{ message_id }`. */
export const ANSWER_JOB = 'support.answer'

export const noSuchSession = () => new NotFound('not_found', 'There is no such session.')

/** The error for an action that the session's state forbids. */
export const badState = ({ status }: Pick<store.SessionState, 'status'>) =>
  new Conflict('bad_state', `The session is ${status}.`, { facts: { state: status } })

/** True if a person may read a session: its owner, and agents. */
const mayRead = (actor: Actor, session: Pick<store.ChatSession, 'userId'>): boolean =>
  session.userId === actor.userId || actor.permissions.has(AGENT)

/** A session, for people who may read it. @throws NotFound, also for everybody else */
export async function getSession(kernel: Kernel, actor: Actor, id: number): Promise<store.ChatSession> {
  const session = await kernel.withRetries((db) => store.findSession(db, id))
  if (!session || !mayRead(actor, session)) throw noSuchSession()
  return session
}

/** Returns the caller's open session, or opens one with the bot. */
export async function openChat(
  kernel: Kernel,
  actor: Actor,
): Promise<{ readonly session: store.ChatSession; readonly opened: boolean }> {
  const opened = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const id = await store.addSession(tx, actor.userId, now)
    if (id === null) return false
    await store.addMessage(tx, { sessionId: id, author: 'system', event: 'opened', content: TEXTS.opened, now })
    return true
  })
  const session = await kernel.withRetries((db) => store.openSessionOf(db, actor.userId))
  // Another request closed the session between the two statements.
  if (!session) throw new Conflict('try_again', 'The session has just been closed. Please try again.')
  return { session, opened }
}

/**
 * Writes a message as the session's owner or its agent. A message of the owner is answered by the bot in the
 * background, or asks for a human. Repeating a `clientId` adds no second message. Returns the message's id.
 * @throws NotFound; Conflict `bad_state` if closed, `not_your_session` for an agent who doesn't serve it
 */
export async function say(
  kernel: Kernel,
  actor: Actor,
  sessionId: number,
  content: string,
  clientId?: string,
): Promise<number> {
  const id = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const session = await store.lockSession(tx, sessionId)
    if (!session || !mayRead(actor, session)) throw noSuchSession()
    const sent = clientId === undefined ? null : await store.findSent(tx, sessionId, actor.userId, clientId)
    if (sent !== null) return sent
    if (session.status === 'closed') throw badState(session)
    const isOwner = session.userId === actor.userId
    if (!isOwner && (session.status !== 'agent' || session.agentId !== actor.userId)) {
      throw new Conflict('not_your_session', 'Accept the session before you write in it.')
    }
    const message = { sessionId, authorId: actor.userId, content, clientId, now }
    const added = await store.addMessage(tx, { ...message, author: isOwner ? 'user' : 'agent' })
    if (added === null) throw new Error('a chat message was not added')
    if (session.status === 'bot' && asksForHuman(content)) await enqueue(tx, kernel, sessionId, now)
    else if (session.status === 'bot') await kernel.jobs.send(tx, ANSWER_JOB, { message_id: added })
    return added
  })
  kernel.nudge()
  return id
}

/** Puts a locked session into the queue and notifies the agents. */
async function enqueue(tx: Transaction, kernel: Kernel, sessionId: number, now: Date, text: string = TEXTS.handover) {
  await store.setQueued(tx, sessionId, now)
  await store.addMessage(tx, { sessionId, author: 'system', event: 'handover', content: text, now })
  const userIds = await staffWith(tx, kernel, AGENT)
  await notify(tx, now, { type: 'support_chat.waiting', userIds, data: { session_id: sessionId } })
}

/**
 * Asks for a human, for the owner. A session that waits already or is served does not change.
 * @throws NotFound, Conflict `bad_state` if closed
 */
export async function requestAgent(kernel: Kernel, actor: Actor, sessionId: number): Promise<store.ChatSession> {
  await kernel.transaction(async (tx) => {
    const session = await store.lockSession(tx, sessionId)
    if (session?.userId !== actor.userId) throw noSuchSession()
    if (session.status === 'closed') throw badState(session)
    if (session.status === 'bot') await enqueue(tx, kernel, sessionId, kernel.clock.now())
  })
  kernel.nudge()
  return getSession(kernel, actor, sessionId)
}

/** Ends a session, for its owner. @throws NotFound, Conflict `bad_state` if closed */
export async function closeOwn(kernel: Kernel, actor: Actor, sessionId: number): Promise<store.ChatSession> {
  await kernel.transaction(async (tx) => {
    const session = await store.lockSession(tx, sessionId)
    if (session?.userId !== actor.userId) throw noSuchSession()
    if (session.status === 'closed') throw badState(session)
    await end(tx, sessionId, TEXTS.closed, kernel.clock.now())
  })
  return getSession(kernel, actor, sessionId)
}

/** Closes a locked session. */
export async function end(tx: Transaction, sessionId: number, text: string, now: Date): Promise<void> {
  await store.setClosed(tx, sessionId, now)
  await store.addMessage(tx, { sessionId, author: 'system', event: 'closed', content: text, now })
}

/** Puts a locked session back into the queue, where it keeps its place. */
export async function giveBack(tx: Transaction, kernel: Kernel, sessionId: number, now: Date): Promise<void> {
  await enqueue(tx, kernel, sessionId, now, TEXTS.requeued)
}

/** One page of sessions. */
export async function listSessions(
  kernel: Kernel,
  filter: store.SessionFilter,
  page: PageOf<store.SessionSort>,
): Promise<{ items: readonly store.ChatSession[]; total: number }> {
  return kernel.withRetries((db) => store.listSessions(db, filter, page))
}

/** One page of a session's history. @throws NotFound, also for people who may not read it */
export async function history(
  kernel: Kernel,
  actor: Actor,
  sessionId: number,
  page: PageOf<'id'>,
): Promise<{ items: readonly store.ChatMessage[]; total: number }> {
  await getSession(kernel, actor, sessionId)
  return kernel.withRetries((db) => store.listMessages(db, sessionId, page))
}

/** One message that was just written. */
export async function getMessage(kernel: Kernel, id: number): Promise<store.ChatMessage> {
  const message = await kernel.withRetries((db) => store.findMessage(db, id))
  if (!message) throw new NotFound('not_found', 'There is no such message.')
  return message
}

/** Number of sessions in one run of `closeIdleChats`. */
const IDLE_BATCH = 500

/** Ends sessions in which nobody has written for a day. */
export async function closeIdleChats(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  const since = new Date(now.getTime() - IDLE_HOURS * 3_600_000)
  for (const id of await store.idleSince(kernel.db, since, IDLE_BATCH)) {
    await kernel.transaction(async (tx) => {
      const session = await store.lockSession(tx, id)
      if (session && session.status !== 'closed' && session.updatedAt < since) await end(tx, id, TEXTS.idle, now)
    })
  }
}
