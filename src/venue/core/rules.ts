import { minutesAfter } from '../../booking/interval.ts'
import { type BookedCounts, withinQuota } from '../../booking/quota.ts'
import type { BookingRules } from './bookingRules/rules.ts'
import { lifecycle, type ReservationStatus } from './states.ts'

/** All facts for the decision about a booking, read in one query. */
export interface BookingFacts {
  readonly slot: {
    readonly id: number
    readonly venueId: number
    readonly venueName: string
    readonly startAt: Date
    readonly endAt: Date
    readonly capacity: number
    readonly taken: number
    readonly held: number
    readonly open: boolean
    /** Kind of the closure that covers the slot; null if the slot is open. */
    readonly closedBy: 'closed' | 'maintenance' | null
    /** Whole local days from today to the day of the slot. */
    readonly daysAhead: number
  }
  readonly rules: BookingRules
  readonly member: {
    /** Null if the person has no row in `venue_members` yet; their first booking creates it. */
    readonly revision: number | null
    readonly credit: number
    readonly points: number
    readonly counts: BookedCounts
    readonly ownOverlap: boolean
    /** This person's live entry in the waiting list of the slot; a booking ends it. */
    readonly entryId: number | null
    /** Places that this entry is offered. */
    readonly heldForMember: number
  }
}

/** A request for places. A rebooking after a closure keeps its price and may exceed `advance_booking_days`. */
export interface BookingRequest {
  readonly partySize: number
  /** Waiting-list entry whose live offer is taken; without that offer the booking is refused. */
  readonly entryId?: number
  readonly rebooking?: { readonly pointsPaid: number }
}

export type Refusal =
  | 'no_offer'
  | 'in_the_past'
  | 'venue_closed'
  | 'maintenance'
  | 'too_far_ahead'
  | 'party_too_large'
  | 'credit_too_low'
  | 'own_overlap'
  | 'limit_reached'
  | 'points_short'
  | 'slot_full'

export interface Terms {
  readonly status: Extract<ReservationStatus, 'pending' | 'confirmed'>
  readonly pointsCost: number
}

export type Verdict = { readonly ok: true; readonly terms: Terms } | { readonly ok: false; readonly refusal: Refusal }

/** All reasons against a booking, the most basic first (spec 1-venue, Rules). */
export function refusals(facts: BookingFacts, request: BookingRequest, now: Date): readonly Refusal[] {
  const { slot, rules, member } = facts
  const found: Refusal[] = []
  const offered = member.heldForMember > 0 ? member.entryId : null
  if (request.entryId !== undefined && request.entryId !== offered) found.push('no_offer')
  // The place of a no-show is offered to the waiting list after the start, and can be taken then.
  const takesOffer = member.heldForMember > 0 && now < slot.endAt
  if (slot.startAt <= now && !takesOffer) found.push('in_the_past')
  if (!slot.open) found.push(slot.closedBy === 'maintenance' ? 'maintenance' : 'venue_closed')
  if (!request.rebooking && slot.daysAhead > rules.advance_booking_days) found.push('too_far_ahead')
  if (request.partySize > largestParty(facts)) found.push('party_too_large')
  if (member.credit < rules.min_credit) found.push('credit_too_low')
  if (member.ownOverlap) found.push('own_overlap')
  if (!withinQuota(member.counts, rules.window, rules.max_reservations_per_user)) found.push('limit_reached')
  if (member.points < pointsCost(rules, request)) found.push('points_short')
  if (availablePlaces(facts) < request.partySize) found.push('slot_full')
  return found
}

/** Decides whether a booking may be made, and on what terms. */
export function mayBook(facts: BookingFacts, request: BookingRequest, now: Date): Verdict {
  const [refusal] = refusals(facts, request, now)
  if (refusal) return { ok: false, refusal }
  return {
    ok: true,
    terms: {
      status: facts.rules.requires_approval ? 'pending' : 'confirmed',
      pointsCost: pointsCost(facts.rules, request),
    },
  }
}

/** Largest party of one reservation: the rules' maximum, but never more than the slot's capacity. */
export function largestParty({ rules, slot }: BookingFacts): number {
  return Math.min(rules.max_party_size, slot.capacity)
}

/** Places that this person can have: the free ones and those held for them. */
export function availablePlaces({ slot, member }: BookingFacts): number {
  return slot.capacity - slot.taken - slot.held + member.heldForMember
}

/** Points for the whole party. A rebooking never costs more than the reservation it replaces. */
export function pointsCost(rules: BookingRules, request: BookingRequest): number {
  const cost = rules.points_cost * request.partySize
  return request.rebooking ? Math.min(cost, request.rebooking.pointsPaid) : cost
}

export type Cancellation =
  | { readonly ok: true; readonly late: boolean }
  | { readonly ok: false; readonly refusal: 'bad_state' | 'too_late_to_cancel' }

/**
 * Decides whether the owner may cancel now: until `cancel_before_minutes` before the start. With less notice than
 * `free_cancel_before_minutes` the cancellation is late: it costs credit, and the points are not returned.
 */
export function mayCancel(
  reservation: { readonly status: ReservationStatus; readonly startAt: Date },
  rules: Pick<BookingRules, 'cancel_before_minutes' | 'free_cancel_before_minutes'>,
  now: Date,
): Cancellation {
  if (!lifecycle.mayMove(reservation.status, 'cancelled')) return { ok: false, refusal: 'bad_state' }
  if (now >= minutesAfter(reservation.startAt, -rules.cancel_before_minutes)) {
    return { ok: false, refusal: 'too_late_to_cancel' }
  }
  return { ok: true, late: now > minutesAfter(reservation.startAt, -rules.free_cancel_before_minutes) }
}
