import { minutesAfter, minutesBetween } from '../../../booking/interval.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { getReservation, lockReservation } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { badState } from '../../core/ending.ts'
import type { Reservation } from '../../core/reservationsStore.ts'
import { messageRefusal, type ReservationMessage } from './rules.ts'
import * as store from './store.ts'

/** Minutes within which a reservation is reminded of once. */
const REMINDER_PAUSE = 60

/**
 * Makes sure that the confirmation of a reservation was sent: it has one key, so nobody gets a second one.
 * @throws Conflict `bad_state` when there is nothing to confirm.
 */
export async function sendConfirmation(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  const now = kernel.clock.now()
  const reservation = await reservationFor(kernel, caller, id, 'confirmation', now)
  await notify(kernel.db, now, {
    type: 'reservation.confirmed',
    userIds: [reservation.userId],
    data: facts(kernel, reservation),
    key: `reservation:${id}:confirmed`,
  })
  kernel.nudge()
}

/**
 * Reminds the owner of a reservation, unless that happened within the last hour. Answers whether it did now.
 * @throws Conflict `bad_state`, `in_the_past`.
 */
export async function sendReminder(kernel: Kernel, caller: Caller, id: number): Promise<boolean> {
  const now = kernel.clock.now()
  await getReservation(kernel, caller, id)
  const sent = await kernel.transaction(async (tx) => {
    // Two requests can't both find that no reminder has been sent.
    const reservation = await lockReservation(tx, id)
    refuseMessage('reminder', reservation, now)
    if (await store.wasReminded(tx, reservation, minutesAfter(now, -REMINDER_PAUSE))) return false
    const soon = minutesBetween(now, reservation.startAt) <= kernel.config.venueRemindMinutesBefore
    await notify(tx, now, {
      type: soon ? 'reservation.reminder_hour' : 'reservation.reminder_day',
      userIds: [reservation.userId],
      data: facts(kernel, reservation),
      key: `reservation:${id}:reminder:${now.getTime()}`,
    })
    return true
  })
  kernel.nudge()
  return sent
}

/**
 * Tells the owner of a reservation what has changed, in staff's own words.
 * @throws Conflict `bad_state`, `in_the_past`.
 */
export async function sendChangeMessage(kernel: Kernel, caller: Caller, id: number, message: string): Promise<void> {
  const now = kernel.clock.now()
  const reservation = await reservationFor(kernel, caller, id, 'change', now)
  await kernel.transaction(async (tx) => {
    await notify(tx, now, {
      type: 'reservation.changed',
      userIds: [reservation.userId],
      data: { ...facts(kernel, reservation), message },
    })
    await record(tx, now, {
      ...originOf(caller),
      action: 'reservation.notify',
      resource: 'reservation',
      resourceId: id,
    })
  })
  kernel.nudge()
}

async function reservationFor(
  kernel: Kernel,
  caller: Caller,
  id: number,
  kind: ReservationMessage,
  now: Date,
): Promise<Reservation> {
  const reservation = await getReservation(kernel, caller, id)
  refuseMessage(kind, reservation, now)
  return reservation
}

function refuseMessage(kind: ReservationMessage, reservation: Reservation, now: Date): void {
  const refusal = messageRefusal(kind, reservation, now)
  if (refusal === 'bad_state') throw badState(reservation)
  if (refusal) throw new Conflict(refusal, 'This slot has already begun.')
}

function facts(kernel: Kernel, reservation: Reservation): Record<string, unknown> {
  return { ...appointment(reservation, kernel.config.timeZone), reservation_id: reservation.id }
}
