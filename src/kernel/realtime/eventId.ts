/**
 * Parses a client's `last_event_id`: a whole number ≥ 0, as number or text. Returns undefined when it is absent or
 * empty.
 */
export function eventId(value: unknown): number | undefined | 'wrong' {
  if (value === undefined || value === null || value === '') return undefined
  const id =
    typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : Number.NaN
  return Number.isSafeInteger(id) && id >= 0 ? id : 'wrong'
}
