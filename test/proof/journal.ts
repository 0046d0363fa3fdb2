import { sql } from 'kysely'
import { expect } from 'vitest'
import type { Database } from '../../src/kernel/database/database.ts'
import type { Journal } from './traffic.ts'

interface Stored {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  readonly status: string
  readonly confirmations: number
  readonly cancellations: number
  readonly operations: number
}

/** Holds what the clients know against what is stored, once the outbox is empty. */
export async function expectStored(db: Database, { bookings, inDoubt, unexpected }: Journal): Promise<void> {
  const { rows } = await sql<Stored>`
    SELECT r.id, r.user_id AS "userId", r.slot_id AS "slotId", r.status,
      (SELECT count(*) FROM messages m WHERE m.user_id = r.user_id AND m.key = 'reservation:' || r.id || ':confirmed') AS confirmations,
      (SELECT count(*) FROM messages m WHERE m.user_id = r.user_id AND m.key = 'reservation:' || r.id || ':cancelled') AS cancellations,
      (SELECT count(*) FROM operation_log o WHERE o.action = 'reservation.book' AND o.resource_id = r.id::text) AS operations
    FROM reservations r ORDER BY r.id`.execute(db)
  const stored = new Map(rows.map((row) => [row.id, row]))
  expect(unexpected).toEqual([])

  // What was acknowledged is there, in the state that was acknowledged.
  const status = { kept: ['confirmed'], cancelled: ['cancelled'], 'cancellation in doubt': ['confirmed', 'cancelled'] }
  const lost = bookings.filter(({ id, userId, slotId, state }) => {
    const row = stored.get(id)
    return row?.userId !== userId || row.slotId !== slotId || !status[state].includes(row.status)
  })
  expect(lost.map((booking) => ({ booking, stored: stored.get(booking.id) }))).toEqual([])

  // What nobody was told of was at least asked for: every other row is an unanswered request, and none is there twice.
  const acknowledged = new Set(bookings.map(({ id }) => id))
  expect(acknowledged.size).toBe(bookings.length)
  const open = [...inDoubt]
  const unasked = rows.filter((row) => {
    if (acknowledged.has(row.id)) return false
    const asked = open.findIndex(({ userId, slotId }) => userId === row.userId && slotId === row.slotId)
    if (asked >= 0) open.splice(asked, 1)
    return asked < 0
  })
  expect(unasked).toEqual([])

  const failures = await sql`SELECT * FROM outbox_failures`.execute(db)
  expect(failures.rows).toEqual([])

  // Everybody was told once of each thing that happened, and it is in the log once.
  const toldWrongly = rows.filter(
    (row) =>
      row.confirmations !== 1 || row.operations !== 1 || row.cancellations !== (row.status === 'cancelled' ? 1 : 0),
  )
  expect(toldWrongly).toEqual([])

  const slots = await sql<{ id: number; taken: number; capacity: number; confirmed: number }>`
    SELECT s.id, s.taken, s.capacity, (SELECT count(*) FROM reservations r WHERE r.slot_id = s.id AND r.status = 'confirmed') AS confirmed
    FROM time_slots s`.execute(db)
  expect(slots.rows.filter(({ taken, capacity, confirmed }) => taken !== confirmed || taken > capacity)).toEqual([])
}

/** How many rows still wait in the outbox. */
export async function outboxRows(db: Database): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`SELECT count(*) AS waiting FROM outbox`.execute(db)
  return rows[0]?.waiting ?? 0
}
