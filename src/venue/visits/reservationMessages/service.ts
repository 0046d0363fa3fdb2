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
import { venueSettings } from '../../settings.ts'
import { messageRefusal, type ReservationMessage } from './rules.ts'
import * as store from './store.ts'

/** Minutes between two reminders of one reservation, at least. */
const REMINDER_PAUSE = 60

/**
 * Sends the confirmation of a reservation, unless it was sent already: it has one key, so nobody gets it twice.
 * @throws Conflict `bad_state` when the reservation is not confirmed.
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
 * Reminds the owner of a reservation, unless that happened within the last hour. Returns whether a reminder was sent
 * now.
 * @throws Conflict `bad_state`, `in_the_past`.
 */
export async function sendReminder(kernel: Kernel, caller: Caller, id: number): Promise<boolean> {
  const now = kernel.clock.now()
  await getReservation(kernel, caller, id)
  const sent = await kernel.transaction(async (tx) => {
    // The lock keeps two requests from both finding that no reminder has been sent.
    const reservation = await lockReservation(tx, id)
    refuseMessage('reminder', reservation, now)
    if (await store.wasReminded(tx, reservation, minutesAfter(now, -REMINDER_PAUSE))) return false
    const soon = minutesBetween(now, reservation.startAt) <= venueSettings.of(kernel.config).remindMinutesBefore
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
 * Sends the owner of a reservation a message about a change, in the words of the staff.
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
