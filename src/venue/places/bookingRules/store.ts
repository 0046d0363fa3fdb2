import { type RawBuilder, sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { NO_RULES, type OwnRules, type RuleName } from '../../core/bookingRules/rules.ts'
import type { Place } from '../../core/venues/types.ts'

/** Owner of booking rules: a venue, a sport venue, or the whole system. */
export type RulesOwner = Place | 'system'

/** Rules set at each level; null where a level has none. */
export interface RuleLayers {
  readonly venue: OwnRules | null
  readonly sportVenue: OwnRules | null
  readonly system: OwnRules | null
}

const names = Object.keys(NO_RULES)
const columns = sql.join(names.map((name) => sql.ref(`r.${name}`)))

type LayerRow = OwnRules & { readonly layer: keyof RuleLayers }

function layersOf(rows: readonly LayerRow[]): RuleLayers {
  const of = (layer: keyof RuleLayers) => rows.find((row) => row.layer === layer) ?? null
  return { venue: of('venue'), sportVenue: of('sportVenue'), system: of('system') }
}

/** Rules set at a venue, at its sport venue and for the system. */
export async function venueLayers(db: Database, venueId: number): Promise<RuleLayers> {
  const { rows } = await sql<LayerRow>`
    SELECT
      CASE
        WHEN r.venue_id IS NOT NULL THEN 'venue'
        WHEN r.sport_venue_id IS NOT NULL THEN 'sportVenue'
        ELSE 'system'
      END AS layer,
      ${columns}
    FROM venues v
    JOIN booking_rules r ON r.venue_id = v.id
      OR r.sport_venue_id = v.sport_venue_id
      OR (r.venue_id IS NULL AND r.sport_venue_id IS NULL)
    WHERE v.id = ${venueId}`.execute(db)
  return layersOf(rows)
}

/** Rules set at a sport venue (null: none) and for the system. */
export async function sportVenueLayers(db: Database, sportVenueId: number | null): Promise<RuleLayers> {
  const { rows } = await sql<LayerRow>`
    SELECT CASE WHEN r.sport_venue_id IS NOT NULL THEN 'sportVenue' ELSE 'system' END AS layer, ${columns}
    FROM booking_rules r
    WHERE r.sport_venue_id = ${sportVenueId} OR (r.venue_id IS NULL AND r.sport_venue_id IS NULL)`.execute(db)
  return layersOf(rows)
}

function ownedBy(owner: RulesOwner): RawBuilder<unknown> {
  if (owner === 'system') return sql`r.venue_id IS NULL AND r.sport_venue_id IS NULL`
  return 'venueId' in owner ? sql`r.venue_id = ${owner.venueId}` : sql`r.sport_venue_id = ${owner.sportVenueId}`
}

/** Creates an owner's row if needed, locks it and returns its rules. They stay in force until the transaction ends. */
export async function lockRules(tx: Transaction, owner: RulesOwner, now: Date): Promise<OwnRules> {
  const venueId = owner !== 'system' && 'venueId' in owner ? owner.venueId : null
  const sportVenueId = owner !== 'system' && 'sportVenueId' in owner ? owner.sportVenueId : null
  await tx
    .insertInto('booking_rules')
    .values({ venue_id: venueId, sport_venue_id: sportVenueId, updated_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { rows } =
    await sql<OwnRules>`SELECT ${columns} FROM booking_rules r WHERE ${ownedBy(owner)} FOR UPDATE`.execute(tx)
  return rows[0] ?? NO_RULES
}

/** Sets rules of an owner whose row is locked; null unsets one. */
export async function updateRules(
  tx: Transaction,
  owner: RulesOwner,
  change: readonly (readonly [RuleName, unknown])[],
  now: Date,
): Promise<void> {
  const assignments = change.map(([name, value]) => sql`${sql.ref(name)} = ${value}`)
  await sql`
    UPDATE booking_rules r
    SET ${sql.join([...assignments, sql`updated_at = ${now}`])}
    WHERE ${ownedBy(owner)}`.execute(tx)
}
