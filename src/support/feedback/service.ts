import { originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { PageOf } from '../../kernel/database/lists.ts'
import { Conflict, NotFound } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { staffWith } from '../../kernel/identity/staff.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify, record } from '../../kernel/outbox/outbox.ts'
import { MANAGE } from '../permissions.ts'
import { listReplies, type Reply } from '../store.ts'
import { say } from '../threads.ts'
import { afterEvent, type FeedbackEvent, type FeedbackStatus, type FeedbackType } from './rules.ts'
import * as store from './store.ts'

export interface FeedbackRequest {
  readonly type?: FeedbackType
  readonly title?: string
  readonly content: string
  readonly contact?: string
  readonly venue_id?: number
  readonly rating?: number
}

/** Feedback with all its messages. */
export interface WholeFeedback extends Omit<store.Feedback, 'contactEncrypted'> {
  readonly contact: string | null
  readonly messages: readonly Reply[]
}

const noSuchFeedback = () => new NotFound('not_found', 'There is no such feedback.')

/** Adds feedback and tells the people who answer it. @throws NotFound for an unknown venue */
export async function giveFeedback(kernel: Kernel, caller: Caller, request: FeedbackRequest): Promise<WholeFeedback> {
  const contactEncrypted = request.contact === undefined ? null : kernel.secrets.cipher.encrypt(request.contact)
  const id = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const added = await store.addFeedback(tx, {
      userId: caller.userId,
      venueId: request.venue_id ?? null,
      type: request.type ?? 'suggestion',
      title: request.title ?? null,
      content: request.content,
      contactEncrypted,
      rating: request.rating ?? null,
      now,
    })
    if (added === null) throw new NotFound('not_found', 'There is no such venue.')
    await notifyStaff(tx, kernel, now, 'feedback.received', added)
    await record(tx, now, { ...originOf(caller), action: 'feedback.create', resource: 'feedback', resourceId: added })
    return added
  })
  kernel.nudge()
  return whole(kernel, id)
}

async function notifyStaff(tx: Transaction, kernel: Kernel, now: Date, type: string, feedbackId: number) {
  const userIds = await staffWith(tx, kernel, MANAGE)
  await notify(tx, now, { type, userIds, data: { feedback_id: feedbackId } })
}

async function whole(kernel: Kernel, id: number): Promise<WholeFeedback> {
  return kernel.withRetries(async (db) => {
    const found = await store.findFeedback(db, id)
    if (!found) throw noSuchFeedback()
    const { contactEncrypted, ...feedback } = found
    const contact = contactEncrypted === null ? null : kernel.secrets.cipher.decrypt(contactEncrypted)
    return { ...feedback, contact, messages: await listReplies(db, 'feedback', id) }
  })
}

/** One feedback, for its owner and for support. @throws NotFound, also for everybody else */
export async function getFeedback(kernel: Kernel, caller: Caller, id: number): Promise<WholeFeedback> {
  const feedback = await whole(kernel, id)
  if (feedback.userId !== caller.userId && !caller.permissions.has(MANAGE)) throw noSuchFeedback()
  return feedback
}

/** One page of feedback. */
export async function listFeedback(
  kernel: Kernel,
  filter: store.FeedbackFilter,
  page: PageOf<store.FeedbackSort>,
): Promise<{ items: readonly store.Feedback[]; total: number }> {
  return kernel.withRetries((db) => store.listFeedback(db, filter, page))
}

/**
 * Adds a message of the owner, which opens the feedback again.
 * @throws NotFound, Conflict `bad_state` if closed, `too_many_messages`
 */
export async function addToFeedback(
  kernel: Kernel,
  caller: Caller,
  id: number,
  content: string,
): Promise<WholeFeedback> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockFeedback(tx, id)
    if (before?.userId !== caller.userId) throw noSuchFeedback()
    await move(tx, id, before.status, 'addition', now)
    await say(tx, 'feedback', id, { authorId: caller.userId, fromStaff: false, content, now })
    await notifyStaff(tx, kernel, now, 'feedback.added', id)
  })
  kernel.nudge()
  return whole(kernel, id)
}

/**
 * Adds a reply of support and tells the owner. @throws NotFound, Conflict `bad_state` if closed, `too_many_messages`
 */
export async function reply(kernel: Kernel, caller: Caller, id: number, content: string): Promise<WholeFeedback> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockFeedback(tx, id)
    if (!before) throw noSuchFeedback()
    const status = await move(tx, id, before.status, 'reply', now)
    await say(tx, 'feedback', id, { authorId: caller.userId, fromStaff: true, content, now })
    const data = { feedback_id: id, content }
    await notify(tx, now, { type: 'feedback.replied', userIds: [before.userId], data })
    const changes = { status: [before.status, status] } as const
    await record(tx, now, {
      ...originOf(caller),
      action: 'feedback.reply',
      resource: 'feedback',
      resourceId: id,
      changes,
    })
  })
  kernel.nudge()
  return whole(kernel, id)
}

/** Closes feedback or opens it again, for support. @throws NotFound, Conflict `bad_state` */
export async function closeOrReopen(
  kernel: Kernel,
  caller: Caller,
  id: number,
  event: 'close' | 'reopen',
): Promise<WholeFeedback> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockFeedback(tx, id)
    if (!before) throw noSuchFeedback()
    const status = await move(tx, id, before.status, event, now)
    if (event === 'close') {
      await notify(tx, now, { type: 'feedback.closed', userIds: [before.userId], data: { feedback_id: id } })
    }
    const changes = { status: [before.status, status] } as const
    await record(tx, now, {
      ...originOf(caller),
      action: `feedback.${event}`,
      resource: 'feedback',
      resourceId: id,
      changes,
    })
  })
  kernel.nudge()
  return whole(kernel, id)
}

async function move(
  tx: Transaction,
  id: number,
  from: FeedbackStatus,
  event: FeedbackEvent,
  now: Date,
): Promise<FeedbackStatus> {
  const to = afterEvent(from, event)
  if (!to) throw new Conflict('bad_state', `The feedback is ${from}.`, { facts: { state: from } })
  await store.setStatus(tx, id, to, now)
  return to
}
