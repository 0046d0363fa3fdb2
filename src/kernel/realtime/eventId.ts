/** Reads an id that a client sends (`last_event_id`): a whole number, as number or text. Undefined when there is none. */
export function eventId(value: unknown): number | undefined | 'wrong' {
  if (value === undefined || value === null || value === '') return undefined
  const id =
    typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value)) ? Number(value) : Number.NaN
  return Number.isSafeInteger(id) && id >= 0 ? id : 'wrong'
}
