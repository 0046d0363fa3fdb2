/** Dimensions by which figures can be grouped. */
export type Dimension = 'user' | 'department' | 'venue' | 'sport_venue' | 'facility' | 'hour' | 'day' | 'week' | 'month'

/** Key that a dimension is derived from. Rows are first summed by key, and only the sums are grouped by dimension. */
export type Key = 'user' | 'venue' | 'facility' | 'start'

const KEYS: Readonly<Record<Dimension, Key>> = {
  user: 'user',
  department: 'user',
  venue: 'venue',
  sport_venue: 'venue',
  facility: 'facility',
  hour: 'start',
  day: 'start',
  week: 'start',
  month: 'start',
}

/** Columns that name a group, in the order of an export. */
export const NAMES = {
  user: ['user_id', 'username', 'display_name', 'department'],
  department: ['department'],
  venue: ['venue_id', 'venue_name'],
  sport_venue: ['sport_venue_id', 'sport_venue_name'],
  facility: ['facility_id', 'facility_name', 'venue_id', 'venue_name'],
  hour: ['weekday', 'hour'],
  day: ['period'],
  week: ['period'],
  month: ['period'],
} as const satisfies Readonly<Record<Dimension, readonly string[]>>

export function keyOf(dimension: Dimension): Key {
  return KEYS[dimension]
}

/** True for dimensions of the calendar; their groups are shown in order of time. */
export function isTime(dimension: Dimension): boolean {
  return KEYS[dimension] === 'start'
}
