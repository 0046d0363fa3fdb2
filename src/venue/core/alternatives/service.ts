import type { Config } from '../../../config.ts'
import type { Database } from '../../../kernel/database/database.ts'
import { appointment } from '../appointment.ts'
import { type Alternative, chooseAlternatives } from './rules.ts'
import { candidatesFor, ownTimes } from './store.ts'

/** How many a message names. */
export const MOST_ALTERNATIVES = 3

interface Displaced {
  readonly id: number
  readonly userId: number
  readonly venueId: number
  readonly startAt: Date
  readonly partySize: number
}

/**
 * Up to `most` slots for each reservation that its person could take instead: same venue at another time, the nearest
 * first, then a sibling venue at the same time. Two statements, however many reservations. Nothing is reserved by it.
 * `except`: slots about to go.
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

/** Where whoever lost a reservation sees what else there is (GET), and takes it (POST). */
export function rebookLink({ publicUrl }: Pick<Config, 'publicUrl'>, reservationId: number): string {
  return `${publicUrl}/api/v1/reservations/${reservationId}/rebook`
}

/** Alternatives as messages name them. */
export function alternativesNamed(slots: readonly Alternative[] = [], zone: string) {
  return slots.map((slot) => ({ time_slot_id: slot.id, ...appointment(slot, zone) }))
}
