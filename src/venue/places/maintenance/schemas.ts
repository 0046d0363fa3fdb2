import { Type } from 'typebox'
import { Id, Instant, Nullable, type Of } from '../../../kernel/http/schemas.ts'
import { localDate, localTime, localTimestamp } from '../../../kernel/time.ts'
import type { Alternative } from '../../core/alternatives/rules.ts'
import type { Closure } from '../../core/closures/store.ts'
import type { Affected } from '../../core/displacement/service.ts'
import { planState } from './rules.ts'

const Day = Type.String({ examples: ['2026-03-14'] })
const Time = Type.String({ examples: ['09:00'] })

export const PlanStateName = Type.Enum(['planned', 'running', 'done', 'cancelled'])

/** A slot that can be booked instead. */
export const AlternativeSchema = Type.Object(
  {
    time_slot_id: Id,
    venue_id: Id,
    venue_name: Type.String(),
    date: Day,
    start_time: Time,
    end_time: Time,
    start_at: Instant,
    end_at: Instant,
    available: Type.Integer({ description: 'Places that are free now; nothing is held.' }),
  },
  { title: 'Alternative' },
)

/** A reservation that a closure has ended. */
export const AffectedSchema = Type.Object(
  {
    reservation_id: Id,
    user_id: Id,
    time_slot_id: Id,
    venue_id: Id,
    venue_name: Type.String(),
    date: Day,
    start_time: Time,
    end_time: Time,
    party_size: Type.Integer(),
    status: Type.Enum(['displaced', 'completed'], { description: '`completed`: the visit had begun, and ends now.' }),
    points_returned: Type.Integer(),
    rebook_until: Nullable(Instant),
    alternatives: Type.Array(AlternativeSchema),
  },
  { title: 'AffectedReservation' },
)

const planFields = {
  id: Id,
  venue_id: Nullable(Id),
  sport_venue_id: Nullable(Id),
  facility_id: Nullable(Id),
  start_time: Instant,
  end_time: Nullable(Instant),
  reason: Nullable(Type.String()),
  state: PlanStateName,
  created_at: Instant,
  updated_at: Instant,
}

/** A maintenance plan. A null `end_time` means until further notice. */
export const PlanSchema = Type.Object(planFields, { title: 'MaintenancePlan' })

/** A plan with the reservations that it has ended. */
export const PlanAnswerSchema = Type.Object({ ...planFields, affected: Type.Array(AffectedSchema) })

/** Converts an alternative to its form in answers. */
export function presentAlternative(slot: Alternative, zone: string): Of<typeof AlternativeSchema> {
  return {
    time_slot_id: slot.id,
    venue_id: slot.venueId,
    venue_name: slot.venueName,
    ...presentSpan(slot, zone),
    start_at: localTimestamp(slot.startAt, zone),
    end_at: localTimestamp(slot.endAt, zone),
    available: slot.free,
  }
}

/** Converts an ended reservation to its form in answers. */
export function presentAffected(affected: Affected, zone: string): Of<typeof AffectedSchema> {
  return {
    reservation_id: affected.id,
    user_id: affected.userId,
    time_slot_id: affected.slotId,
    venue_id: affected.venueId,
    venue_name: affected.venueName,
    ...presentSpan(affected, zone),
    party_size: affected.partySize,
    status: affected.status,
    points_returned: affected.pointsReturned,
    rebook_until: affected.rebookUntil && localTimestamp(affected.rebookUntil, zone),
    alternatives: affected.alternatives.map((slot) => presentAlternative(slot, zone)),
  }
}

/** Converts a plan to its form in answers, with its state at an instant. */
export function presentPlan(plan: Closure, now: Date, zone: string): Of<typeof PlanSchema> {
  return {
    id: plan.id,
    venue_id: plan.venueId,
    sport_venue_id: plan.sportVenueId,
    facility_id: plan.facilityId,
    start_time: localTimestamp(plan.startAt, zone),
    end_time: plan.endAt && localTimestamp(plan.endAt, zone),
    reason: plan.reason,
    state: planState(plan, now),
    created_at: localTimestamp(plan.createdAt, zone),
    updated_at: localTimestamp(plan.updatedAt, zone),
  }
}

function presentSpan({ startAt, endAt }: { readonly startAt: Date; readonly endAt: Date }, zone: string) {
  return {
    date: localDate(startAt, zone),
    start_time: localTime(startAt, zone),
    end_time: localTime(endAt, zone),
  }
}
