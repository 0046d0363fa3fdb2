import { Type } from 'typebox'
import { isWithinHours } from '../../../booking/openingHours.ts'
import { Invalid, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { LocalDate, LocalTime, LocalTimeOrMidnight, type Of } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { daysBetween, instantAt, localDate } from '../../../kernel/time.ts'
import { venueRules } from '../../core/bookingRules/store.ts'
import { readFacts } from '../../core/facts.ts'
import { venueHours } from '../../core/openingHoursStore.ts'
import { REFUSALS } from '../../core/refusals.ts'
import { type Refusal, refusals } from '../../core/rules.ts'
import { wholeMinutes } from '../../moments.ts'
import * as store from './store.ts'

export const ConflictQuestion = Type.Object({
  date: LocalDate,
  start_time: LocalTime,
  end_time: LocalTimeOrMidnight,
  party_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
})

export const ConflictAnswer = Type.Object({
  conflict: Type.Boolean(),
  reasons: Type.Array(Type.Object({ code: Type.String(), message: Type.String() })),
})

const NO_SLOT = { code: 'no_slot', message: 'There is no slot with these times.' }
const OUTSIDE_HOURS = { code: 'outside_hours', message: 'The venue is not open for all of that time.' }

/**
 * Finds all reasons against booking the slot of a venue with these local times (seed, check-conflict). If there is no
 * such slot: `no_slot`, and the reasons against the time itself. An existing slot can be booked even outside the
 * opening hours, since they may have been changed after it was added.
 * @throws NotFound when there is no such venue, Invalid when the end is not after the start.
 */
export async function checkConflict(
  kernel: Kernel,
  caller: Caller,
  venueId: number,
  question: Of<typeof ConflictQuestion>,
): Promise<Of<typeof ConflictAnswer>> {
  const zone = kernel.config.timeZone
  const now = kernel.clock.now()
  const times = { opens: wholeMinutes(question.start_time), closes: wholeMinutes(question.end_time) }
  const span = { start: instantAt(question.date, times.opens, zone), end: instantAt(question.date, times.closes, zone) }
  if (span.start >= span.end) throw new Invalid('validation', 'end_time must be after start_time.')
  const about = await store.spanFacts(kernel.db, { venueId, userId: caller.userId, ...span })
  if (!about) throw new NotFound('not_found', 'There is no such venue.')
  const found: Refusal[] = []
  if (about.slotId !== null) {
    const facts = await readFacts(kernel, kernel.db, { userId: caller.userId, slotId: about.slotId }, now)
    found.push(...refusals(facts, { partySize: question.party_size ?? 1 }, now))
  } else {
    const rules = await venueRules(kernel.db, venueId)
    if (span.start <= now) found.push('in_the_past')
    if (about.closedBy !== null) found.push(about.closedBy === 'maintenance' ? 'maintenance' : 'venue_closed')
    if (daysBetween(localDate(now, zone), question.date) > rules.advance_booking_days) found.push('too_far_ahead')
    if (about.ownOverlap) found.push('own_overlap')
  }
  const reasons: { code: string; message: string }[] = found.map((code) => ({ code, message: REFUSALS[code].message }))
  if (about.slotId === null) {
    const { date } = question
    const hours = await venueHours(kernel.db, venueId)
    reasons.unshift(NO_SLOT)
    if (!isWithinHours(hours, { date, time: times.opens }, { date, time: times.closes })) reasons.push(OUTSIDE_HOURS)
  }
  return { conflict: reasons.length > 0, reasons }
}
