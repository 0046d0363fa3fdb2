import { sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { contains, type PageOf, pageClause, readPage } from '../../kernel/database/lists.ts'
import type { Thread } from '../store.ts'
import type { Priority, TicketStatus } from './rules.ts'

/** The fields of a ticket that can change, and its owner. */
export interface TicketState {
  readonly userId: number
  readonly status: TicketStatus
  readonly priority: Priority
  readonly assigneeId: number | null
  readonly endedAt: Date | null
}

/** A request for help. */
export interface Ticket extends Thread, TicketState {
  readonly assigneeName: string | null
  readonly subject: string
  readonly description: string
  readonly category: string | null
}

const state = sql`t.user_id AS "userId", t.status, t.priority, t.assignee_id AS "assigneeId", t.ended_at AS "endedAt"`
const tickets = sql`
  SELECT
    t.id,
    ${state},
    u.display_name AS "userName",
    a.display_name AS "assigneeName",
    t.subject,
    t.description,
    t.category,
    t.created_at AS "createdAt",
    t.updated_at AS "updatedAt",
    (SELECT count(*) FROM ticket_messages m WHERE m.ticket_id = t.id) AS replies
  FROM tickets t
  JOIN users u ON u.id = t.user_id
  LEFT JOIN users a ON a.id = t.assignee_id`

/** One ticket, or null. */
export async function findTicket(db: Database, id: number): Promise<Ticket | null> {
  const { rows } = await sql<Ticket>`${tickets} WHERE t.id = ${id}`.execute(db)
  return rows[0] ?? null
}

/** Adds a ticket and returns its id. */
export async function addTicket(
  tx: Transaction,
  ticket: {
    readonly userId: number
    readonly subject: string
    readonly description: string
    readonly category: string | null
    readonly priority: Priority
    readonly now: Date
  },
): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    INSERT INTO tickets (user_id, subject, description, category, priority, created_at, updated_at)
    VALUES (${ticket.userId}, ${ticket.subject}, ${ticket.description}, ${ticket.category}, ${ticket.priority},
      ${ticket.now}, ${ticket.now})
    RETURNING id`.execute(tx)
  const [row] = rows
  if (!row) throw new Error('a ticket was not added')
  return row.id
}

/** Locks a ticket until the transaction ends, so that its state can't change meanwhile. */
export async function lockTicket(tx: Transaction, id: number): Promise<TicketState | null> {
  const { rows } = await sql<TicketState>`SELECT ${state} FROM tickets t WHERE t.id = ${id} FOR UPDATE`.execute(tx)
  return rows[0] ?? null
}

/** Updates the state of a locked ticket. */
export async function setState(tx: Transaction, id: number, to: TicketState, now: Date): Promise<void> {
  await sql`
    UPDATE tickets
    SET
      status = ${to.status},
      priority = ${to.priority},
      assignee_id = ${to.assigneeId},
      ended_at = ${to.endedAt},
      updated_at = ${now}
    WHERE id = ${id}`.execute(tx)
}

export interface TicketFilter {
  readonly userId?: number | undefined
  readonly assigneeId?: number | undefined
  readonly status?: TicketStatus | undefined
  readonly priority?: Priority | undefined
  readonly category?: string | undefined
  readonly q?: string | undefined
}

const SORTS = {
  created_at: sql`t.created_at`,
  updated_at: sql`t.updated_at`,
  priority: sql`array_position(ARRAY['low', 'normal', 'high', 'urgent'], t.priority)`,
  id: sql`t.id`,
} as const
export type TicketSort = keyof typeof SORTS

/** One page of tickets, and the total. */
export async function listTickets(
  db: Database,
  filter: TicketFilter,
  page: PageOf<TicketSort>,
): Promise<{ items: readonly Ticket[]; total: number }> {
  const { userId, assigneeId, status, priority, category, q } = filter
  const conditions = [
    userId !== undefined && sql`t.user_id = ${userId}`,
    assigneeId !== undefined && sql`t.assignee_id = ${assigneeId}`,
    status !== undefined && sql`t.status = ${status}`,
    priority !== undefined && sql`t.priority = ${priority}`,
    category !== undefined && sql`t.category = ${category}`,
    q !== undefined && contains(q, sql`t.subject`, sql`t.description`),
  ]
  return await readPage<Ticket>(db, {
    select: tickets,
    counted: sql`tickets t`,
    conditions,
    page: pageClause(page, SORTS, sql`t.id`),
  })
}
