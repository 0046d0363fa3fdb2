import { changesBetween } from '../../kernel/audit/changes.ts'
import { originOf } from '../../kernel/audit/origin.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import type { PageOf } from '../../kernel/database/lists.ts'
import { Conflict, NotFound } from '../../kernel/errors.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { lockStaff, staffWith } from '../../kernel/identity/staff.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { notify, record } from '../../kernel/outbox/outbox.ts'
import { MANAGE } from '../permissions.ts'
import { listReplies, type Reply } from '../store.ts'
import { say } from '../threads.ts'
import {
  afterMessage,
  isEnded,
  mayReopen,
  type Priority,
  REOPEN_DAYS,
  STATUS_NAMES,
  staffMayMove,
  type TicketStatus,
} from './rules.ts'
import * as store from './store.ts'

export interface TicketRequest {
  readonly subject: string
  readonly description: string
  readonly priority?: Priority
  readonly category?: string
}

/** Fields that support may change of a ticket; fields that are not given keep their value. */
export interface TicketChange {
  readonly status?: TicketStatus
  readonly priority?: Priority
  /** Null: nobody. */
  readonly assignee?: number | null
}

/** A ticket with all its messages. */
export interface WholeTicket extends store.Ticket {
  readonly messages: readonly Reply[]
}

const noSuchTicket = () => new NotFound('not_found', 'There is no such ticket.')
const badState = (state: TicketStatus, hint = '') =>
  new Conflict('bad_state', `The ticket is ${state}.${hint}`, { facts: { state } })

async function whole(kernel: Kernel, id: number): Promise<WholeTicket> {
  return kernel.withRetries(async (db) => {
    const ticket = await store.findTicket(db, id)
    if (!ticket) throw noSuchTicket()
    return { ...ticket, messages: await listReplies(db, 'ticket', id) }
  })
}

/** The staff of a ticket: its assignee if that person is still in support, else everybody in support. */
async function staffOf(tx: Transaction, kernel: Kernel, assigneeId: number | null): Promise<readonly number[]> {
  const staff = await staffWith(tx, kernel, MANAGE)
  return assigneeId !== null && staff.includes(assigneeId) ? [assigneeId] : staff
}

/** Opens a ticket and tells support. */
export async function openTicket(kernel: Kernel, caller: Caller, request: TicketRequest): Promise<WholeTicket> {
  const id = await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const { subject, description, category = null, priority = 'normal' } = request
    const added = await store.addTicket(tx, { userId: caller.userId, subject, description, category, priority, now })
    const data = { ticket_id: added, priority }
    await notify(tx, now, { type: 'ticket.opened', userIds: await staffOf(tx, kernel, null), data })
    await record(tx, now, { ...originOf(caller), action: 'ticket.create', resource: 'ticket', resourceId: added })
    return added
  })
  kernel.nudge()
  return whole(kernel, id)
}

/** A ticket, for its owner and for support. @throws NotFound, also for everybody else */
export async function getTicket(kernel: Kernel, caller: Caller, id: number): Promise<WholeTicket> {
  const ticket = await whole(kernel, id)
  if (ticket.userId !== caller.userId && !caller.permissions.has(MANAGE)) throw noSuchTicket()
  return ticket
}

/** One page of tickets. */
export async function listTickets(
  kernel: Kernel,
  filter: store.TicketFilter,
  page: PageOf<store.TicketSort>,
): Promise<{ items: readonly store.Ticket[]; total: number }> {
  return kernel.withRetries((db) => store.listTickets(db, filter, page))
}

/**
 * Adds a message of the owner or of support and tells the other side.
 * @throws NotFound, Conflict `bad_state` if the ticket is over, `too_many_messages`
 */
export async function reply(kernel: Kernel, caller: Caller, id: number, content: string): Promise<WholeTicket> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockTicket(tx, id)
    const isOwner = before?.userId === caller.userId
    if (!before || (!isOwner && !caller.permissions.has(MANAGE))) throw noSuchTicket()
    const status = afterMessage(before.status, !isOwner)
    if (!status) throw badState(before.status, ' Open it again to go on.')
    await say(tx, 'ticket', id, { authorId: caller.userId, fromStaff: !isOwner, content, now })
    await store.setState(tx, id, { ...before, status }, now)
    if (isOwner) await tellStaff(tx, kernel, id, { ...before, status }, now)
    else await notify(tx, now, { type: 'ticket.replied', userIds: [before.userId], data: { ticket_id: id, content } })
    if (!isOwner) {
      const changes = changesBetween({ status: before.status }, { status })
      await record(tx, now, {
        ...originOf(caller),
        action: 'ticket.reply',
        resource: 'ticket',
        resourceId: id,
        changes,
      })
    }
  })
  kernel.nudge()
  return whole(kernel, id)
}

async function tellStaff(
  tx: Transaction,
  kernel: Kernel,
  id: number,
  { status, assigneeId }: store.TicketState,
  now: Date,
) {
  const data = { ticket_id: id, status, status_name: STATUS_NAMES[status] }
  const userIds = await staffOf(tx, kernel, assigneeId)
  await notify(tx, now, { type: 'ticket.changed_by_owner', userIds, data })
}

/**
 * Changes state, priority or assignee, for support. Tells the owner of a new state or priority, and a new assignee of
 * the ticket. Values that do not differ change nothing.
 * @throws NotFound, Conflict `bad_state` for a move that is not allowed, `assignee_not_staff`
 */
export async function changeTicket(
  kernel: Kernel,
  caller: Caller,
  id: number,
  change: TicketChange,
): Promise<WholeTicket> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const { assignee = null } = change
    const toStaff = assignee !== null && (await lockStaff(tx, kernel, MANAGE, assignee))
    const before = await store.lockTicket(tx, id)
    if (!before) throw noSuchTicket()
    const after = changed(before, change, now)
    const newAssignee = after.assigneeId === before.assigneeId ? null : after.assigneeId
    if (newAssignee !== null && !toStaff) {
      throw new Conflict('assignee_not_staff', 'The assignee must be a person who may answer tickets.')
    }
    const changes = changesBetween(shown(before), shown(after))
    if (Object.keys(changes).length === 0) return
    await store.setState(tx, id, after, now)
    if (after.status !== before.status || after.priority !== before.priority) {
      const { status, priority } = after
      const data = { ticket_id: id, status, status_name: STATUS_NAMES[status], priority }
      await notify(tx, now, { type: 'ticket.updated', userIds: [before.userId], data })
    }
    if (newAssignee !== null && newAssignee !== caller.userId) {
      await notify(tx, now, { type: 'ticket.assigned', userIds: [newAssignee], data: { ticket_id: id } })
    }
    await record(tx, now, { ...originOf(caller), action: 'ticket.update', resource: 'ticket', resourceId: id, changes })
  })
  kernel.nudge()
  return whole(kernel, id)
}

function changed(before: store.TicketState, change: TicketChange, now: Date): store.TicketState {
  const status = change.status ?? before.status
  if (status !== before.status && !staffMayMove(before.status, status)) throw badState(before.status)
  return {
    ...before,
    status,
    priority: change.priority ?? before.priority,
    assigneeId: change.assignee === undefined ? before.assigneeId : change.assignee,
    // Closing a resolved ticket does not extend the 14 days in which it can be opened again.
    endedAt: isEnded(status) ? (before.endedAt ?? now) : null,
  }
}

const shown = ({ status, priority, assigneeId }: store.TicketState) => ({ status, priority, assignee: assigneeId })

/** Closes a ticket, for its owner. @throws NotFound, Conflict `bad_state` */
export async function closeOwn(kernel: Kernel, caller: Caller, id: number): Promise<WholeTicket> {
  return moveOwn(kernel, caller, id, 'close', (before, now) => {
    if (before.status === 'closed') throw badState(before.status)
    return { ...before, status: 'closed', endedAt: before.endedAt ?? now }
  })
}

/**
 * Opens a resolved or closed ticket again, for its owner, within 14 days.
 * @throws NotFound, Conflict `bad_state`, `too_late_to_reopen`
 */
export async function reopenOwn(kernel: Kernel, caller: Caller, id: number): Promise<WholeTicket> {
  return moveOwn(kernel, caller, id, 'reopen', (before, now) => {
    const verdict = mayReopen(before, now)
    if (verdict === 'not_ended') throw badState(before.status)
    if (verdict === 'too_late') {
      throw new Conflict(
        'too_late_to_reopen',
        `A ticket can be reopened within ${REOPEN_DAYS} days. Please open a new one.`,
      )
    }
    return { ...before, status: 'open', endedAt: null }
  })
}

async function moveOwn(
  kernel: Kernel,
  caller: Caller,
  id: number,
  action: 'close' | 'reopen',
  decide: (before: store.TicketState, now: Date) => store.TicketState,
): Promise<WholeTicket> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const before = await store.lockTicket(tx, id)
    if (before?.userId !== caller.userId) throw noSuchTicket()
    const after = decide(before, now)
    await store.setState(tx, id, after, now)
    await tellStaff(tx, kernel, id, after, now)
    const changes = changesBetween(shown(before), shown(after))
    await record(tx, now, {
      ...originOf(caller),
      action: `ticket.${action}`,
      resource: 'ticket',
      resourceId: id,
      changes,
    })
  })
  kernel.nudge()
  return whole(kernel, id)
}
