import { originOf } from '../../../kernel/audit/origin.ts'
import { Conflict, Invalid } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { getReservation, lockReservation } from '../../core/access.ts'
import { appointment } from '../../core/appointment.ts'
import { badState, endReservation } from '../../core/ending.ts'
import { offerFreePlaces } from '../../core/offers.ts'
import { moveState, type Reservation } from '../../core/reservationsStore.ts'
import { type Decision, decisionRefusal } from './rules.ts'
import { wasConfirmed } from './store.ts'

/**
 * Decides about a request that waits for approval. A rejection returns the points, frees the places and offers them to
 * the waiting list.
 * @throws Invalid `validation` for a rejection without a reason, Conflict `bad_state`, or `in_the_past` when the slot
 * has begun.
 */
export async function decide(kernel: Kernel, caller: Caller, id: number, decision: Decision): Promise<Reservation> {
  const { status, reason } = decision
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const reservation = await lockReservation(tx, id)
    switch (decisionRefusal(reservation, decision, now)) {
      case 'bad_state':
        throw badState(reservation)
      case 'in_the_past':
        throw new Conflict('in_the_past', 'This slot has already begun.')
      case 'reason_missing':
        throw new Invalid('validation', 'A rejection needs a reason.', {
          errors: [{ in: 'body', path: '/reason', message: 'must be given for a rejection' }],
        })
    }
    if (status === 'rejected') {
      const ending = { to: status, now, endedBy: caller.userId, reason: reason ?? null }
      await endReservation(tx, reservation, ending, { refund: true })
    } else if (!(await moveState(tx, id, { to: status, now }))) throw badState(reservation)
    const place = { ...appointment(reservation, kernel.config.timeZone), reservation_id: id }
    await notify(tx, now, {
      type: `reservation.${status}`,
      userIds: [reservation.userId],
      data: status === 'rejected' ? { ...place, reason: reason ?? '' } : place,
      // The first confirmation has the key that `verify` looks for; a confirmation after a move is a separate message.
      key: `reservation:${id}:${status}${(await wasConfirmed(tx, reservation)) ? `:${now.getTime()}` : ''}`,
    })
    await record(tx, now, {
      ...originOf(caller),
      action: status === 'rejected' ? 'reservation.reject' : 'reservation.approve',
      resource: 'reservation',
      resourceId: id,
      changes: { status: [reservation.status, status] },
    })
    if (status === 'rejected') await offerFreePlaces(kernel, tx, reservation.slotId, now)
  })
  kernel.nudge()
  return getReservation(kernel, caller, id)
}
