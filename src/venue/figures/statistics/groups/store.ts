import { type RawBuilder, sql } from 'kysely'
import { type Dimension, NAMES } from '../dimensions.ts'

/** SQL that turns sums by key (`f.key`) into named groups. */
export interface Grouping {
  /** The columns of `NAMES`, as SELECT expressions. */
  readonly names: RawBuilder<unknown>
  readonly join: RawBuilder<unknown>
  /** GROUP BY: the positions of these columns. */
  readonly groupBy: RawBuilder<unknown>
  /** ORDER BY of groups with equal figures; for calendar dimensions, of all groups. */
  readonly order: RawBuilder<unknown>
}

/** Builds the joins and names for a dimension. Local days, weeks (from Monday) and months are those of `zone`. */
export function groupingOf(dimension: Dimension, zone: string): Grouping {
  const local = sql`(f.key AT TIME ZONE ${zone})`
  const period = sql`date_trunc(${dimension}, ${local})::date AS period`
  const expressions: Readonly<Record<Dimension, readonly [names: RawBuilder<unknown>, join: RawBuilder<unknown>]>> = {
    user: [sql`u.id AS user_id, u.username, u.display_name, u.department`, sql`JOIN users u ON u.id = f.key`],
    department: [sql`u.department`, sql`JOIN users u ON u.id = f.key`],
    venue: [sql`v.id AS venue_id, v.name AS venue_name`, sql`JOIN venues v ON v.id = f.key`],
    sport_venue: [
      sql`v.sport_venue_id, h.name AS sport_venue_name`,
      sql`JOIN venues v ON v.id = f.key LEFT JOIN sport_venues h ON h.id = v.sport_venue_id`,
    ],
    facility: [
      sql`e.id AS facility_id, e.name AS facility_name, v.id AS venue_id, v.name AS venue_name`,
      sql`JOIN facilities e ON e.id = f.key JOIN venues v ON v.id = e.venue_id`,
    ],
    hour: [sql`extract(isodow FROM ${local})::int AS weekday, extract(hour FROM ${local})::int AS hour`, sql``],
    day: [period, sql``],
    week: [period, sql``],
    month: [period, sql``],
  }
  const [names, join] = expressions[dimension]
  const columns = NAMES[dimension]
  return {
    names,
    join,
    groupBy: sql.join(columns.map((_, index) => sql.lit(index + 1))),
    order: sql.join(columns.slice(0, 2).map((name) => sql`${sql.ref(name)} NULLS LAST`)),
  }
}
