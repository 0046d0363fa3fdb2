/**
 * Reservations that `max_reservations_per_user` counts: active ones that have not ended, those of one local day, or
 * those of one local week.
 */
export type LimitWindow = 'active' | 'day' | 'week'

/** Booking rules in force at a venue. The names are those of the API and of the table. */
export interface BookingRules {
  readonly max_reservations_per_user: number
  readonly window: LimitWindow
  /** Local days: 0 means today only. */
  readonly advance_booking_days: number
  readonly requires_approval: boolean
  /** The owner can cancel until this many minutes before the start. */
  readonly cancel_before_minutes: number
  /** A cancellation with less notice than this costs credit, and the points are not returned. */
  readonly free_cancel_before_minutes: number
  readonly min_credit: number
  readonly check_in_before_minutes: number
  readonly check_in_after_minutes: number
  /** Whether a check-in needs the rotating code shown at the venue. */
  readonly check_in_code_required: boolean
  readonly allow_waiting_list: boolean
  readonly waiting_hold_minutes: number
  /** Whether the first in line is booked at once instead of getting an offer. */
  readonly auto_promote: boolean
  readonly max_party_size: number
  readonly points_cost: number
  /** Leaders can displace reservations until this many minutes before the start. */
  readonly displace_before_minutes: number
}

export type RuleName = keyof BookingRules

/** Rules set at one level (venue, sport venue or system); null where that level sets none. */
export type OwnRules = { readonly [Name in RuleName]: BookingRules[Name] | null }

/** Level at which a rule in force is set. */
export type RuleSource = 'venue' | 'sport_venue' | 'system' | 'default'

/** Values of rules that no level sets. */
export const DEFAULT_RULES: BookingRules = {
  max_reservations_per_user: 5,
  window: 'active',
  advance_booking_days: 30,
  requires_approval: false,
  cancel_before_minutes: 0,
  free_cancel_before_minutes: 120,
  min_credit: 60,
  check_in_before_minutes: 15,
  check_in_after_minutes: 15,
  check_in_code_required: false,
  allow_waiting_list: true,
  waiting_hold_minutes: 15,
  auto_promote: false,
  max_party_size: 1,
  points_cost: 0,
  displace_before_minutes: 120,
}

/** Rules of a level that sets none. */
export const NO_RULES: OwnRules = {
  max_reservations_per_user: null,
  window: null,
  advance_booking_days: null,
  requires_approval: null,
  cancel_before_minutes: null,
  free_cancel_before_minutes: null,
  min_credit: null,
  check_in_before_minutes: null,
  check_in_after_minutes: null,
  check_in_code_required: null,
  allow_waiting_list: null,
  waiting_hold_minutes: null,
  auto_promote: null,
  max_party_size: null,
  points_cost: null,
  displace_before_minutes: null,
}

/**
 * Rules in force at a venue. Each is the venue's own, else its sport venue's, else the system's, else the default. Pass
 * null or undefined for a level that has no row or is not asked about.
 */
export function effectiveRules(
  venue: OwnRules | null | undefined,
  sportVenue: OwnRules | null | undefined,
  system: OwnRules | null | undefined,
): BookingRules {
  const of = <Name extends RuleName>(name: Name): BookingRules[Name] =>
    venue?.[name] ?? sportVenue?.[name] ?? system?.[name] ?? DEFAULT_RULES[name]
  return {
    max_reservations_per_user: of('max_reservations_per_user'),
    window: of('window'),
    advance_booking_days: of('advance_booking_days'),
    requires_approval: of('requires_approval'),
    cancel_before_minutes: of('cancel_before_minutes'),
    free_cancel_before_minutes: of('free_cancel_before_minutes'),
    min_credit: of('min_credit'),
    check_in_before_minutes: of('check_in_before_minutes'),
    check_in_after_minutes: of('check_in_after_minutes'),
    check_in_code_required: of('check_in_code_required'),
    allow_waiting_list: of('allow_waiting_list'),
    waiting_hold_minutes: of('waiting_hold_minutes'),
    auto_promote: of('auto_promote'),
    max_party_size: of('max_party_size'),
    points_cost: of('points_cost'),
    displace_before_minutes: of('displace_before_minutes'),
  }
}

/** Level that sets the value of one rule in `effectiveRules`. */
export function ruleSource(
  name: RuleName,
  venue: OwnRules | null | undefined,
  sportVenue: OwnRules | null | undefined,
  system: OwnRules | null | undefined,
): RuleSource {
  if (venue?.[name] != null) return 'venue'
  if (sportVenue?.[name] != null) return 'sport_venue'
  if (system?.[name] != null) return 'system'
  return 'default'
}
