import type { Changes } from '../../kernel/audit/changes.ts'
import { originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { Conflict, Forbidden } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { lockStaff } from '../../kernel/identity/staff.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify, record } from '../../kernel/outbox/outbox.ts'
import { AGENT, MANAGE } from '../permissions.ts'
import { TEXTS } from './rules.ts'
import { badState, end, getSession, giveBack, noSuchSession } from './service.ts'
import * as store from './store.ts'

/**
 * Gives a waiting session to the caller. If two agents accept at once, one gets it. Repeating it changes nothing.
 * @throws NotFound; Forbidden if the caller is no longer an agent; Conflict `already_accepted`, `own_session`,
 * `bad_state` if it does not wait
 */
export async function accept(kernel: Kernel, caller: Caller, id: number): Promise<store.ChatSession> {
  await kernel.transaction(async (tx) => {
    if (!(await lockStaff(tx, kernel, AGENT, caller.userId))) {
      throw new Forbidden('forbidden', 'Only agents may accept sessions.', { facts: { permission: AGENT } })
    }
    const now = kernel.clock.now()
    if (!(await store.takeFromQueue(tx, id, caller.userId, now))) {
      const session = await store.lockSession(tx, id)
      if (session?.status === 'agent' && session.agentId === caller.userId) return
      throw refusal(session, caller.userId)
    }
    const content = TEXTS.accepted(await store.nameOf(tx, caller.userId))
    await store.addMessage(tx, { sessionId: id, author: 'system', event: 'accepted', content, now })
    await log(tx, caller, id, 'accept', { agent_id: [null, caller.userId] }, now)
  })
  kernel.nudge()
  return getSession(kernel, caller, id)
}

function refusal(session: store.SessionState | null, agentId: number) {
  if (!session) return noSuchSession()
  if (session.userId === agentId) return new Conflict('own_session', 'Another agent must answer your own session.')
  if (session.status !== 'agent') return badState(session)
  return new Conflict('already_accepted', 'Another agent has accepted the session.', {
    facts: { state: session.status },
  })
}

function log(tx: Transaction, caller: Caller, id: number, verb: string, changes: Changes, now: Date) {
  return record(tx, now, {
    ...originOf(caller),
    action: `support_chat.${verb}`,
    resource: 'support_chat',
    resourceId: id,
    changes,
  })
}

/** Locks a session for its agent or for people who manage support. @throws NotFound, Forbidden `not_your_session` */
async function lockServed(tx: Transaction, caller: Caller, id: number): Promise<store.SessionState> {
  const session = await store.lockSession(tx, id)
  if (!session) throw noSuchSession()
  if (session.agentId !== caller.userId && !caller.permissions.has(MANAGE)) {
    throw new Forbidden('not_your_session', 'Another agent serves this session.')
  }
  return session
}

/**
 * Transfers a session to another agent, or back into the queue, where it keeps its place.
 * @throws NotFound; Forbidden `not_your_session`; Conflict `bad_state` if nobody serves it, `not_an_agent`,
 * `already_accepted` if that agent has it already
 */
export async function transfer(kernel: Kernel, caller: Caller, id: number, to?: number): Promise<store.ChatSession> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const toAgent = to !== undefined && (await lockStaff(tx, kernel, AGENT, to))
    const session = await lockServed(tx, caller, id)
    if (session.status !== 'agent') throw badState(session)
    if (to === undefined) await giveBack(tx, kernel, id, now)
    else await handTo(tx, session, to, toAgent, now)
    await log(tx, caller, id, 'transfer', { agent_id: [session.agentId, to ?? null] }, now)
  })
  kernel.nudge()
  return getSession(kernel, caller, id)
}

async function handTo(tx: Transaction, session: store.SessionState, to: number, isAgent: boolean, now: Date) {
  const { id } = session
  if (to === session.agentId) throw new Conflict('already_accepted', 'That agent serves the session already.')
  if (to === session.userId || !isAgent) {
    throw new Conflict('not_an_agent', 'The person is not an agent of the chat.')
  }
  await store.setAgent(tx, id, to, now)
  const content = TEXTS.transferred(await store.nameOf(tx, to))
  await store.addMessage(tx, { sessionId: id, author: 'system', event: 'transferred', content, now })
  await notify(tx, now, { type: 'support_chat.transferred', userIds: [to], data: { session_id: id } })
}

/**
 * Ends a session, for its agent or for people who manage support.
 * @throws NotFound, Forbidden `not_your_session`, Conflict `bad_state`
 */
export async function closeServed(kernel: Kernel, caller: Caller, id: number): Promise<store.ChatSession> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const session = await lockServed(tx, caller, id)
    if (session.status === 'closed') throw badState(session)
    await end(tx, id, TEXTS.closed, now)
    await log(tx, caller, id, 'close', { status: [session.status, 'closed'] }, now)
  })
  kernel.nudge()
  return getSession(kernel, caller, id)
}

/**
 * Handles the end of an account: closes the person's session, and puts the sessions they served back into the queue.
 */
export async function leaveChat(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const { own } = await store.unfinishedOf(tx, userId)
  for (const id of own) await end(tx, id, TEXTS.closed, kernel.clock.now())
  await releaseServed(tx, kernel, userId)
}

/** Puts the sessions of a person who is no longer an agent back into the queue. */
export async function releaseServed(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  const { served } = await store.unfinishedOf(tx, userId)
  for (const id of served) await giveBack(tx, kernel, id, kernel.clock.now())
}
