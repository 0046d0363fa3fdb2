import { Conflict } from '../../kernel/errors.ts'
import { type BookingFacts, type BookingRequest, largestParty, pointsCost, type Refusal } from './rules.ts'

/** Error code and text of each refusal (spec 1-venue, Errors). */
export const REFUSALS: Readonly<Record<Refusal, { readonly code: string; readonly message: string }>> = {
  no_offer: { code: 'bad_state', message: 'No place is being offered any more.' },
  in_the_past: { code: 'in_the_past', message: 'This slot has already begun.' },
  venue_closed: { code: 'venue_closed', message: 'The venue is closed at that time.' },
  maintenance: { code: 'venue_closed', message: 'The venue is under maintenance at that time.' },
  too_far_ahead: { code: 'too_far_ahead', message: 'This slot can’t be booked yet: it is too far ahead.' },
  party_too_large: { code: 'party_too_large', message: 'One reservation here can’t be for that many people.' },
  credit_too_low: {
    code: 'credit_too_low',
    message:
      'Your credit is below the minimum of this venue. Every booking that you keep raises it; staff can adjust it.',
  },
  own_overlap: { code: 'own_overlap', message: 'You already have a reservation at that time.' },
  limit_reached: { code: 'limit_reached', message: 'You have reached the limit of reservations here.' },
  points_short: { code: 'points_short', message: 'You don’t have enough points.' },
  slot_full: { code: 'slot_full', message: 'All places of this slot are taken.' },
}

/** Error for a refused booking, with figures that help the person to act on it. */
export function refused(refusal: Refusal, facts: BookingFacts, request: BookingRequest): Conflict {
  const { rules, member, slot } = facts
  const { code, message } = REFUSALS[refusal]
  return new Conflict(code, message, { facts: figures() })

  function figures(): Record<string, unknown> {
    switch (refusal) {
      case 'credit_too_low':
        return { credit: member.credit, min_credit: rules.min_credit }
      case 'limit_reached':
        return { limit: rules.max_reservations_per_user, window: rules.window, booked: member.counts[rules.window] }
      case 'points_short':
        return { points: member.points, points_cost: pointsCost(rules, request), party_size: request.partySize }
      case 'too_far_ahead':
        return { advance_booking_days: rules.advance_booking_days }
      case 'party_too_large':
        return { max_party_size: largestParty(facts) }
      case 'slot_full':
        return { waiting_list: rules.allow_waiting_list }
      default:
        return { time_slot_id: slot.id }
    }
  }
}
