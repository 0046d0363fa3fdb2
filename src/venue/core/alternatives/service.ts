import type { Database } from '../../../kernel/database/database.ts'
import type { Config } from '../../../kernel/settings.ts'
import { appointment } from '../appointment.ts'
import { type Alternative, chooseAlternatives } from './rules.ts'
import { candidatesFor, ownTimes } from './store.ts'

/** Alternatives named in a message, at most. */
export const MOST_ALTERNATIVES = 3

interface Displaced {
  readonly id: number
  readonly userId: number
  readonly venueId: number
  readonly startAt: Date
  readonly partySize: number
}

/**
 * Finds up to `most` slots for each reservation that its person could book instead: the same venue at another time, the
 * nearest first, then a sibling venue at the same time. Runs two statements for any number of reservations, and
 * reserves nothing. `except`: ids of slots that are about to close or go.
 */
export async function findAlternatives(
  db: Database,
  reservations: readonly Displaced[],
  now: Date,
  { most, except = [] }: { readonly most: number; readonly except?: readonly number[] },
): Promise<ReadonlyMap<number, readonly Alternative[]>> {
  const found = new Map<number, readonly Alternative[]>()
  if (reservations.length === 0) return found
  const places = [...Map.groupBy(reservations, ({ venueId, startAt }) => `${venueId} ${startAt.getTime()}`).values()]
  const candidates = await candidatesFor(
    db,
    places.flatMap(([first]) => first ?? []),
    except,
    now,
  )
  const people = [...new Set(reservations.map(({ userId }) => userId))]
  const own = await ownTimes(
    db,
    people,
    reservations.map(({ id }) => id),
    now,
  )
  for (const [index, there] of places.entries()) {
    for (const { id, userId, partySize } of there) {
      found.set(id, chooseAlternatives(candidates[index] ?? [], own.get(userId) ?? [], partySize, most))
    }
  }
  return found
}

/** Link to the alternatives of a displaced reservation: GET lists them, POST books one. */
export function rebookLink({ publicUrl }: Pick<Config, 'publicUrl'>, reservationId: number): string {
  return `${publicUrl}/api/v1/reservations/${reservationId}/rebook`
}

/** Alternatives as data for notification templates. */
export function alternativesNamed(slots: readonly Alternative[] = [], zone: string) {
  return slots.map((slot) => ({ time_slot_id: slot.id, ...appointment(slot, zone) }))
}
