import { type Origin, originOf, SYSTEM } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { localTimestamp } from '../../../kernel/time.ts'
import { getReservation, lockReservation, mayManage } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { venueRules } from '../../core/bookingRules/store.ts'
import { closureKind } from '../../core/closures/store.ts'
import { badState, endReservation } from '../../core/ending.ts'
import { changeCredit } from '../../core/membersStore.ts'
import { offerFreePlaces } from '../../core/offers.ts'
import { takePlaces } from '../../core/placesStore.ts'
import { findReservation, moveState, type Reservation } from '../../core/reservationsStore.ts'
import { venueSettings } from '../../settings.ts'
import { acceptsCode, currentCode } from './code.ts'
import {
  type AttendanceRefusal,
  actualMinutes,
  checkInRefusal,
  checkOutRefusal,
  lastCheckIn,
  type Settlement,
  settlement,
} from './rules.ts'
import * as store from './store.ts'

/** Code that a venue's door shows now. `valid_until`: when the next one is shown. @throws NotFound */
export async function checkInCode(kernel: Kernel, venueId: number): Promise<{ code: string; valid_until: string }> {
  const secret = await store.checkInSecret(kernel.db, venueId)
  if (secret === null) throw new NotFound('not_found', 'There is no such venue.')
  const { code, validUntil } = currentCode(secret, kernel.clock.now())
  return { code, valid_until: localTimestamp(validUntil, kernel.config.timeZone) }
}

/**
 * Checks a person in: the owner within the window (with the venue's code, if its rules require one), staff for others
 * until the slot ends. If staff check in a no-show, the no-show and its credit loss are undone, as long as there is
 * room.
 * @throws Conflict `bad_state`, `too_early`, `too_late` or `wrong_code`; for a no-show also `slot_full`, `venue_closed`
 * or `own_overlap`.
 */
export async function checkIn(kernel: Kernel, caller: Caller, id: number, code = ''): Promise<Reservation> {
  await getReservation(kernel, caller, id)
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    const rules = await venueRules(tx, reservation.venueId)
    const secret = await store.checkInSecret(tx, reservation.venueId)
    const person = {
      staff: mayManage(caller) && reservation.userId !== caller.userId,
      codeAccepted: secret !== null && acceptsCode(secret, code, now),
    }
    const refusal = checkInRefusal(reservation, rules, person, now)
    if (refusal) throw refused(refusal, reservation, lastCheckIn(reservation, rules), kernel.config.timeZone)
    if (!(await moveState(tx, id, { to: 'checked_in', now }))) throw badState(await findReservation(tx, id))
    if (reservation.status === 'no_show') await undoNoShow(kernel, tx, originOf(caller), reservation, now)
    await store.noteCheckIn(tx, id, now)
    await recordMove(tx, originOf(caller), 'reservation.check_in', reservation, 'checked_in', now)
  })
  kernel.nudge()
  return getReservation(kernel, caller, id)
}

/**
 * Undoes a no-show whose reservation was just made active again: takes its place, returns its credit, notifies its
 * person.
 */
async function undoNoShow(
  kernel: Kernel,
  tx: Transaction,
  { actorId }: Origin,
  reservation: Reservation,
  now: Date,
): Promise<void> {
  const { id, userId, slotId, partySize, startAt, endAt } = reservation
  if (!(await takePlaces(tx, { id: slotId, startAt, endAt }, partySize))) {
    throw (await closureKind(tx, slotId))
      ? new Conflict('venue_closed', 'The venue is closed at that time.')
      : new Conflict('slot_full', 'The place has been given to another person.')
  }
  const cost = await store.reopenNoShow(tx, reservation)
  await changeCredit(tx, userId, cost, 'no_show_undone', { reservationId: id, createdBy: actorId, now })
  await notify(tx, now, {
    type: 'reservation.no_show_undone',
    userIds: [userId],
    data: { ...appointment(reservation, kernel.config.timeZone), reservation_id: id, credit_returned: cost },
    key: `reservation:${id}:no_show_undone`,
  })
}

function refused(refusal: AttendanceRefusal, reservation: Reservation, until: Date, zone: string): Conflict {
  switch (refusal) {
    case 'bad_state':
      return badState(reservation)
    case 'too_early':
      return new Conflict('too_early', 'It is too early to check in or out.', {
        facts: { start_at: localTimestamp(reservation.startAt, zone) },
      })
    case 'too_late':
      return new Conflict('too_late', 'It is too late to check in.', { facts: { until: localTimestamp(until, zone) } })
    case 'wrong_code':
      return new Conflict('wrong_code', 'This is not the code that the venue shows now.')
  }
}

/**
 * Checks a person out: completes the visit, records its minutes and gives the credit of a kept booking.
 * @throws Conflict `bad_state`, `too_early` before the start of the slot.
 */
export async function checkOut(kernel: Kernel, caller: Caller, id: number): Promise<Reservation> {
  await getReservation(kernel, caller, id)
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    const refusal = checkOutRefusal(reservation, now)
    if (refusal) throw refused(refusal, reservation, reservation.endAt, kernel.config.timeZone)
    await completeVisit(kernel, tx, originOf(caller), reservation, now, now)
  })
  kernel.nudge()
  return getReservation(kernel, caller, id)
}

/**
 * Completes a visit within a transaction that holds the person's lock. `leftAt` null: the slot ended without a
 * check-out.
 * @throws Conflict `bad_state` unless the visit is in progress.
 */
async function completeVisit(
  kernel: Kernel,
  tx: Transaction,
  origin: Origin,
  reservation: Reservation,
  leftAt: Date | null,
  now: Date,
): Promise<void> {
  if (!(await moveState(tx, reservation.id, { to: 'completed', now }))) {
    throw badState(await findReservation(tx, reservation.id))
  }
  await store.noteCheckOut(tx, reservation.id, leftAt, actualMinutes(reservation, leftAt ?? reservation.endAt))
  await changeCredit(tx, reservation.userId, venueSettings.of(kernel.config).creditKept, 'kept', {
    reservationId: reservation.id,
    now,
  })
  await recordMove(tx, origin, 'reservation.check_out', reservation, 'completed', now)
}

function recordMove(
  tx: Transaction,
  origin: Origin,
  action: string,
  reservation: Reservation,
  to: string,
  now: Date,
): Promise<void> {
  return record(tx, now, {
    ...origin,
    action,
    resource: 'reservation',
    resourceId: reservation.id,
    changes: { status: [reservation.status, to] },
  })
}

/** Reservations read at a time. */
const BATCH = 200

/**
 * Job, every minute: rejects pending requests whose slot has begun, records no-shows, and completes visits whose slot
 * has ended. Uses one transaction per reservation, so it may be killed at any point, run late, and run on several
 * workers at once.
 * @throws the first error, after all other reservations were processed.
 */
export async function settleAttendance(kernel: Kernel): Promise<void> {
  const errors: unknown[] = []
  for (let afterId = 0; ; ) {
    const due = await store.dueReservations(kernel.db, kernel.clock.now(), afterId, BATCH)
    for (const { id } of due) {
      try {
        await kernel.transaction((tx) => settle(kernel, tx, id))
      } catch (err) {
        kernel.log.error({ err, reservationId: id }, 'a due change of a reservation failed')
        errors.push(err)
      }
      afterId = id
    }
    if (due.length < BATCH) break
  }
  kernel.nudge()
  if (errors.length > 0) throw errors[0]
}

async function settle(kernel: Kernel, tx: Transaction, id: number): Promise<void> {
  const now = kernel.clock.now()
  const reservation = await lockReservation(tx, id)
  const outcome = settlement(reservation, await venueRules(tx, reservation.venueId), now)
  if (outcome === 'completed') await completeVisit(kernel, tx, SYSTEM, reservation, null, now)
  else if (outcome) await endUnattended(kernel, tx, reservation, outcome, now)
}

/**
 * Ends a reservation that nobody attended or approved: a request gets its points back, a no-show costs credit. Free
 * places are offered to the waiting list.
 */
async function endUnattended(
  kernel: Kernel,
  tx: Transaction,
  reservation: Reservation,
  outcome: Exclude<Settlement, 'completed'>,
  now: Date,
): Promise<void> {
  const to = outcome === 'no_show' ? 'no_show' : 'rejected'
  await endReservation(tx, reservation, { to, now, reason: outcome }, { refund: outcome === 'approval_expired' })
  const cost = venueSettings.of(kernel.config).creditNoShow
  if (outcome === 'no_show') {
    await changeCredit(tx, reservation.userId, -cost, 'no_show', { reservationId: reservation.id, now })
  }
  const place = { ...appointment(reservation, kernel.config.timeZone), reservation_id: reservation.id }
  await notify(tx, now, {
    type: outcome === 'no_show' ? 'reservation.no_show' : 'reservation.rejected',
    userIds: [reservation.userId],
    data: outcome === 'no_show' ? { ...place, credit_lost: cost } : { ...place, reason: '开始前未获审核，已自动取消' },
    key: `reservation:${reservation.id}:${to}`,
  })
  await recordMove(tx, SYSTEM, `reservation.${outcome}`, reservation, to, now)
  await offerFreePlaces(kernel, tx, reservation.slotId, now)
}
