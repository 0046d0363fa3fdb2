import { changesBetween } from '../../../kernel/audit/changes.ts'
import { originOf } from '../../../kernel/audit/origin.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { NO_RULES, type OwnRules, type RuleName } from '../../core/bookingRules/rules.ts'
import { lockOwner, requireSportVenue, requireVenue } from '../../core/venues/service.ts'
import * as store from './store.ts'

/** Rules to set: absent ones stay as they are, null unsets one. */
export type RulesChange = Partial<OwnRules>

/** Rules set at a venue and at the levels above it. @throws NotFound */
export async function getVenueRules(kernel: Kernel, venueId: number): Promise<store.RuleLayers> {
  await requireVenue(kernel.db, venueId)
  return store.venueLayers(kernel.db, venueId)
}

/** Rules set at a sport venue and for the whole system. @throws NotFound */
export async function getSportVenueRules(kernel: Kernel, sportVenueId: number): Promise<store.RuleLayers> {
  await requireSportVenue(kernel.db, sportVenueId)
  return store.sportVenueLayers(kernel.db, sportVenueId)
}

/** Rules set for the whole system. */
export function getSystemRules(kernel: Kernel): Promise<store.RuleLayers> {
  return store.sportVenueLayers(kernel.db, null)
}

/**
 * Sets the given rules of a venue, a sport venue or the system. They apply to bookings made from now on.
 * @throws NotFound
 */
export async function setRules(
  kernel: Kernel,
  caller: Caller,
  owner: store.RulesOwner,
  change: RulesChange,
): Promise<void> {
  const now = kernel.clock.now()
  const given = ruleNames.flatMap((name) => (change[name] === undefined ? [] : [[name, change[name]] as const]))
  await kernel.transaction(async (tx) => {
    if (owner !== 'system') await lockOwner(tx, owner, 'share')
    const before = await store.lockRules(tx, owner, now)
    await store.updateRules(tx, owner, given, now)
    await record(tx, now, {
      ...originOf(caller),
      action: 'booking_rules.update',
      ...subjectOf(owner),
      changes: changesBetween(before, { ...before, ...Object.fromEntries(given) }),
    })
  })
  kernel.nudge()
}

const isRuleName = (name: string): name is RuleName => Object.hasOwn(NO_RULES, name)

/** Every rule, in the order of the table. */
export const ruleNames: readonly RuleName[] = Object.keys(NO_RULES).filter(isRuleName)

function subjectOf(owner: store.RulesOwner): { resource: string; resourceId?: number } {
  if (owner === 'system') return { resource: 'booking_rules' }
  return 'venueId' in owner
    ? { resource: 'venue', resourceId: owner.venueId }
    : { resource: 'sport_venue', resourceId: owner.sportVenueId }
}
