export const TICKET_STATUSES = ['open', 'in_progress', 'waiting', 'resolved', 'closed'] as const
export type TicketStatus = (typeof TICKET_STATUSES)[number]

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
export type Priority = (typeof PRIORITIES)[number]

/** As people read the states. */
export const STATUS_NAMES: Readonly<Record<TicketStatus, string>> = {
  open: '待处理',
  in_progress: '处理中',
  waiting: '等待用户回复',
  resolved: '已解决',
  closed: '已关闭',
}

/** Where support may take a ticket. */
const staffMoves: Readonly<Record<TicketStatus, readonly TicketStatus[]>> = {
  open: ['in_progress', 'waiting', 'resolved', 'closed'],
  in_progress: ['open', 'waiting', 'resolved', 'closed'],
  waiting: ['open', 'in_progress', 'resolved', 'closed'],
  resolved: ['open', 'in_progress', 'closed'],
  closed: ['open', 'in_progress'],
}

/** Whether support may take a ticket from one state to another. */
export function staffMayMove(from: TicketStatus, to: TicketStatus): boolean {
  return staffMoves[from].includes(to)
}

/** Is a ticket over? */
export function isEnded(status: TicketStatus): boolean {
  return status === 'resolved' || status === 'closed'
}

/** Days after its end in which the owner can open a ticket again. */
export const REOPEN_DAYS = 14

/** Whether the owner may open a ticket again. */
export function mayReopen(
  ticket: { readonly status: TicketStatus; readonly endedAt: Date | null },
  now: Date,
): 'yes' | 'not_ended' | 'too_late' {
  if (!isEnded(ticket.status) || ticket.endedAt === null) return 'not_ended'
  return now.getTime() - ticket.endedAt.getTime() <= REOPEN_DAYS * 86_400_000 ? 'yes' : 'too_late'
}

/** The state a message leaves a ticket in: support took it up, the owner answered what was waited for. Undefined: it takes none. */
export function afterMessage(status: TicketStatus, fromStaff: boolean): TicketStatus | undefined {
  if (isEnded(status)) return undefined
  if (fromStaff) return status === 'open' ? 'in_progress' : status
  return status === 'waiting' ? 'in_progress' : status
}
