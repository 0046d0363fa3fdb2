export const TICKET_STATUSES = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const
export type TicketStatus = (typeof TICKET_STATUSES)[number]

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof PRIORITIES)[number]

/** Names of the states for people. */
export const STATUS_NAMES: Readonly<Record<TicketStatus, string>> = {
  open: '待处理',
  in_progress: '处理中',
  waiting: '等待用户回复',
  resolved: '已解决',
  closed: '已关闭',
}

/** The moves that support may make from each state. */
const staffMoves: Readonly<Record<TicketStatus, readonly TicketStatus[]>> = {
  open: ['in_progress', 'waiting', 'resolved', 'closed'],
  in_progress: ['open', 'waiting', 'resolved', 'closed'],
  waiting: ['open', 'in_progress', 'resolved', 'closed'],
  resolved: ['open', 'in_progress', 'closed'],
  closed: ['open', 'in_progress'],
}

/** True if support may move a ticket from one state to another. */
export function staffMayMove(from: TicketStatus, to: TicketStatus): boolean {
  return staffMoves[from].includes(to)
}

/** True if a ticket is resolved or closed. */
export function isEnded(status: TicketStatus): boolean {
  return status === 'resolved' || status === 'closed'
}

/** Days after its end in which the owner can open a ticket again. */
export const REOPEN_DAYS = 14

/** True if the owner may open a ticket again. */
export function mayReopen(
  ticket: { readonly status: TicketStatus; readonly endedAt: Date | null },
  now: Date,
): 'yes' | 'not_ended' | 'too_late' {
  if (!isEnded(ticket.status) || ticket.endedAt === null) return 'not_ended'
  return now.getTime() - ticket.endedAt.getTime() <= REOPEN_DAYS * 86_400_000 ? 'yes' : 'too_late'
}

/**
 * The state after a message: a reply of support takes an open ticket into work, an answer of the owner ends `waiting`.
 * Undefined if the ticket takes no messages.
 */
export function afterMessage(status: TicketStatus, fromStaff: boolean): TicketStatus | undefined {
  if (isEnded(status)) return undefined
  if (fromStaff) return status === 'open' ? 'in_progress' : status
  return status === 'waiting' ? 'in_progress' : status
}
