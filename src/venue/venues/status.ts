import type { Caller } from '../../kernel/http/caller.ts'
import { Conflict } from '../../kernel/http/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { VenueStatus } from './store.ts'

/** Opens or closes a venue by hand. @throws Conflict `bad_state`: a venue can only be closed by a closure or a maintenance plan */
export async function setVenueStatus(
  _kernel: Kernel,
  _caller: Caller,
  venueId: number,
  { status }: { readonly status: VenueStatus },
): Promise<void> {
  throw new Conflict('bad_state', `Venue ${venueId} can’t be set to ${status} here.`)
}
