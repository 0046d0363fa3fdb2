import type { Transaction } from '../../kernel/database/database.ts'
import type { Caller } from '../../kernel/http/caller.ts'
import { Conflict, NotFound } from '../../kernel/http/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'

/** The status somebody gives a venue by hand. */
export interface StatusWish {
  readonly status: 'open' | 'closed' | 'maintenance'
  readonly until?: Date | undefined
  readonly reason?: string | undefined
}

/** What a change of the catalogue does to reservations and waiting people. */
export interface Consequences {
  /** Opens or closes a venue, with all that follows for its reservations. Runs its own transaction. */
  setVenueStatus(kernel: Kernel, caller: Caller, venueId: number, wish: StatusWish): Promise<unknown>
  /** Ends every active reservation of a venue that is about to be deleted. */
  displaceAll(tx: Transaction, kernel: Kernel, caller: Caller, venueId: number, reason: string): Promise<void>
  /** Ends the active reservations and offers of a slot that is about to change or go. */
  displaceReservations(tx: Transaction, kernel: Kernel, caller: Caller, slotId: number, reason: string): Promise<void>
  /** Offers the free places of a slot to the people who wait for it. */
  offerFreePlaces(tx: Transaction, kernel: Kernel, slotId: number): Promise<void>
}

/** Refuses what would touch reservations. */
export const noConsequences: Consequences = {
  async setVenueStatus(_kernel, _caller, _venueId, wish) {
    if (wish.status !== 'open') throw new NotFound('not_found', 'Venues can’t be closed here yet.')
  },
  async displaceAll() {
    throw new Conflict('in_use', 'The venue has upcoming reservations. Cancel them first.')
  },
  async displaceReservations() {
    throw new Conflict('slot_in_use', 'The slot has active reservations. Cancel them first.')
  },
  async offerFreePlaces() {},
}
