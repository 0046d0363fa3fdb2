import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../kernel/database/database.ts'
import { allOf, contains, type PageOf, readPage } from '../../kernel/database/lists.ts'
import { among } from '../../kernel/database/literals.ts'
import { Stale } from '../../kernel/database/transaction.ts'
import { lockSlots, releasePlaces, takePlaces } from './placesStore.ts'
import type { BookingFacts, Terms } from './rules.ts'
import { HOLDING, lifecycle, type ReservationStatus } from './states.ts'

/** A reservation as it is stored, with the name of its venue. */
export interface Reservation {
  readonly id: number
  readonly userId: number
  readonly slotId: number
  readonly venueId: number
  readonly venueName: string
  readonly startAt: Date
  readonly endAt: Date
  readonly partySize: number
  readonly status: ReservationStatus
  readonly byLeader: boolean
  readonly pointsPaid: number
  readonly seriesId: string | null
  readonly checkedInAt: Date | null
  readonly checkedOutAt: Date | null
  readonly actualMinutes: number | null
  readonly endedBy: number | null
  readonly endReason: string | null
  readonly rebookUntil: Date | null
  readonly rebookedAs: number | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Query for reservations with the names of their venues, as `r` and `v`. */
export function reservations(db: Database) {
  return db
    .selectFrom('reservations as r')
    .innerJoin('venues as v', 'v.id', 'r.venue_id')
    .select([
      'r.id',
      'r.user_id as userId',
      'r.slot_id as slotId',
      'r.venue_id as venueId',
      'v.name as venueName',
      'r.start_at as startAt',
      'r.end_at as endAt',
      'r.party_size as partySize',
      'r.status',
      'r.by_leader as byLeader',
      'r.points_paid as pointsPaid',
      'r.series_id as seriesId',
      'r.checked_in_at as checkedInAt',
      'r.checked_out_at as checkedOutAt',
      'r.actual_minutes as actualMinutes',
      'r.ended_by as endedBy',
      'r.end_reason as endReason',
      'r.rebook_until as rebookUntil',
      'r.rebooked_as as rebookedAs',
      'r.created_at as createdAt',
      'r.updated_at as updatedAt',
    ])
}

/** One reservation, or null. */
export async function findReservation(db: Database, id: number): Promise<Reservation | null> {
  return (await reservations(db).where('r.id', '=', id).executeTakeFirst()) ?? null
}

export interface ReservationFilter {
  readonly userId?: number
  readonly status?: ReservationStatus
  readonly venueId?: number
  readonly from?: Date
  readonly to?: Date
  /** Text in the name of the venue. */
  readonly venueText?: string
  /** Text in the name of the venue, or in the name or username of the person. */
  readonly text?: string
}

/** Conditions of a filter, on `reservations r` alone. */
export function matching(filter: ReservationFilter): RawBuilder<unknown> {
  const { userId, status, venueId, from, to, venueText, text } = filter
  return allOf([
    userId !== undefined && sql`r.user_id = ${userId}`,
    status !== undefined && sql`r.status = ${status}`,
    venueId !== undefined && sql`r.venue_id = ${venueId}`,
    from !== undefined && sql`r.start_at >= ${from}`,
    to !== undefined && sql`r.start_at < ${to}`,
    venueText !== undefined && atVenues(venueText),
    text !== undefined &&
      sql`(${atVenues(text)} OR r.user_id IN (
        SELECT id FROM users WHERE ${contains(text, sql`username`, sql`display_name`)}))`,
  ])
}

const atVenues = (text: string) => sql`r.venue_id IN (SELECT id FROM venues WHERE ${contains(text, sql`name`)})`

const SORTS = {
  start_at: sql`r.start_at`,
  created_at: sql`r.created_at`,
  id: sql`r.id`,
} as const

export type ReservationSort = keyof typeof SORTS

/** One page of reservations, and their total number. */
export async function listReservations(
  db: Database,
  filter: ReservationFilter,
  page: PageOf<ReservationSort>,
): Promise<{ items: readonly Reservation[]; total: number }> {
  const direction = page.descending ? sql`DESC` : sql`ASC`
  return await readPage<Reservation>(db, {
    select: reservations(db),
    counted: sql`reservations r`,
    conditions: [matching(filter)],
    // Not `pageClause`: with NULLS LAST, a descending page would sort all reservations of a venue, although an index
    // has them in order.
    page: sql`ORDER BY ${SORTS[page.sort]} ${direction}, r.id ${direction} LIMIT ${page.limit} OFFSET ${page.offset}`,
  })
}

/** New state of a reservation, with time, actor and reason. */
export interface Ending {
  readonly to: ReservationStatus
  readonly now: Date
  readonly endedBy?: number | null
  readonly reason?: string | null
  readonly rebookUntil?: Date | null
}

/**
 * Moves a reservation to another state if the lifecycle allows it, and releases its places if the new state holds none.
 * Returns false if the current state does not allow the change. If the old state held no places, the caller must take
 * them (`takePlaces`). Locks the reservation, then its slot; lock the person first (`lockMembers`) when their points or
 * credit change too.
 */
export async function moveState(tx: Transaction, id: number, ending: Ending): Promise<boolean> {
  const moved = await tx
    .updateTable('reservations')
    .set({ status: ending.to, updated_at: ending.now })
    // Fields that are not given stay as they are; the text of the statement is always the same.
    .set((eb) => ({
      ended_by: eb.fn.coalesce(sql<number | null>`${ending.endedBy ?? null}::bigint`, 'ended_by'),
      end_reason: eb.fn.coalesce(sql<string | null>`${ending.reason ?? null}::text`, 'end_reason'),
      rebook_until: eb.fn.coalesce(sql<Date | null>`${ending.rebookUntil ?? null}::timestamptz`, 'rebook_until'),
    }))
    .where('id', '=', id)
    .where('status', 'in', among(lifecycle.sourcesOf(ending.to)))
    .returning(['slot_id', 'party_size'])
    .executeTakeFirst()
  if (!moved) return false
  if (!HOLDING.includes(ending.to)) await releasePlaces(tx, moved.slot_id, moved.party_size)
  return true
}

/** States in which a reservation can be moved to another slot. */
const MOVABLE: readonly ReservationStatus[] = ['pending', 'confirmed']

/**
 * Moves a pending or confirmed reservation to another slot, based on the given facts. The caller settles the points.
 * @throws Stale when the person, the reservation or the slot has changed since, Conflict `own_overlap` by constraint.
 */
export async function changeSlot(
  tx: Transaction,
  change: {
    readonly reservation: Reservation
    readonly facts: BookingFacts
    readonly terms: Terms
    readonly now: Date
  },
): Promise<void> {
  const { reservation, facts, terms, now } = change
  const person = await tx
    .updateTable('venue_members')
    .set((eb) => ({ revision: eb('revision', '+', 1) }))
    .where('user_id', '=', reservation.userId)
    .where('revision', '=', facts.member.revision)
    .returning('user_id')
    .executeTakeFirst()
  if (!person) throw new Stale()
  // Lock the slots before the reservation refers to its new slot: that takes a share lock on it.
  await lockSlots(tx, [reservation.slotId, facts.slot.id])
  const sources = MOVABLE.filter((from) => from === terms.status || lifecycle.mayMove(from, terms.status))
  const moved = await tx
    .updateTable('reservations')
    .set({
      slot_id: facts.slot.id,
      venue_id: facts.slot.venueId,
      start_at: facts.slot.startAt,
      end_at: facts.slot.endAt,
      status: terms.status,
      points_paid: terms.pointsCost,
      updated_at: now,
      day_reminder: false,
      hour_reminder: false,
    })
    .where('id', '=', reservation.id)
    .where('slot_id', '=', reservation.slotId)
    .where('status', 'in', among(sources))
    .returning('id')
    .executeTakeFirst()
  if (!moved) throw new Stale()
  await releasePlaces(tx, reservation.slotId, reservation.partySize)
  if (!(await takePlaces(tx, facts.slot, reservation.partySize))) throw new Stale()
}

/** Finds an active person to book for, and whether they have a leader's priority. */
export async function findPerson(db: Database, userId: number): Promise<{ readonly isLeader: boolean } | null> {
  const person = await db
    .selectFrom('users as u')
    .select((eb) =>
      eb
        .exists(
          eb.selectFrom('user_roles as r').whereRef('r.user_id', '=', 'u.id').where('r.role', '=', 'venue:leader'),
        )
        .as('isLeader'),
    )
    .where('u.id', '=', userId)
    .where('u.status', '=', 'active')
    .executeTakeFirst()
  return person ? { isLeader: Boolean(person.isLeader) } : null
}
