import { originOf } from '../../../kernel/audit/origin.ts'
import type { Transaction } from '../../../kernel/database/database.ts'
import { Conflict } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { notify, record } from '../../../kernel/outbox/outbox.ts'
import { reviewNoShows } from '../../core/bans/service.ts'
import { lockPerson } from '../../core/bans/store.ts'
import { bookingWords } from '../../core/bookingMessages.ts'
import { type Booking, findBooking } from '../../core/bookingsStore.ts'
import { badState, noSuchBooking } from '../../core/refusals.ts'
import { mayNote, NOTE_DAYS } from './rules.ts'
import { markNoShow, unmarkNoShow } from './store.ts'

/**
 * Notes a no-show and tells the applicant; enough no-shows lead to a proposed ban. Noting it again changes nothing.
 * @throws NotFound, Conflict `bad_state` if it has not begun or did not take place, `too_late`.
 */
export async function noteNoShow(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await changeNoShow(kernel, caller, id, 'room.booking.no_show', async (tx, booking, now) => {
    if (booking.noShowAt !== null) return false
    switch (mayNote(booking, now)) {
      case 'bad_state':
        throw badState(booking.status, '仅已开始或已结束的预约可以登记未到场')
      case 'too_late':
        throw new Conflict('too_late', `预约结束超过 ${NOTE_DAYS} 天，不能再登记未到场`)
    }
    if (!(await markNoShow(tx, id, caller.userId, now))) return false
    await notify(tx, now, {
      type: 'room.booking.no_show',
      userIds: [booking.applicantId],
      data: { ...bookingWords(booking, kernel.config.timeZone), booking_id: id },
      key: `room.booking.no_show:${id}:${now.getTime()}`,
    })
    return true
  })
}

/**
 * Takes back a no-show, and with it a proposed ban that depends on it; a ban in force stays until it is lifted. Without
 * a no-show nothing changes.
 * @throws NotFound
 */
export async function undoNoShow(kernel: Kernel, caller: Caller, id: number): Promise<void> {
  await changeNoShow(kernel, caller, id, 'room.booking.no_show_undo', (tx, _booking, now) =>
    unmarkNoShow(tx, id, caller.userId, now),
  )
}

/**
 * Runs one change of a no-show with the applicant's row locked, so that a person's no-shows are counted one after the
 * other.
 */
async function changeNoShow(
  kernel: Kernel,
  caller: Caller,
  id: number,
  action: string,
  change: (tx: Transaction, booking: Booking, now: Date) => Promise<boolean>,
): Promise<void> {
  await kernel.transaction(async (tx) => {
    const now = kernel.clock.now()
    const booking = await findBooking(tx, id, now)
    if (!booking) throw noSuchBooking()
    const applicant = await lockPerson(tx, { userId: booking.applicantId })
    if (!(await change(tx, booking, now))) return
    await record(tx, now, { ...originOf(caller), action, resource: 'room_booking', resourceId: id })
    if (applicant !== null) await reviewNoShows(tx, kernel, applicant, now)
  })
  kernel.nudge()
}
