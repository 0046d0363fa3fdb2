/** An outbox row that can't be handed on; trying again does not help. */
export class NotForwardable extends Error {}

/** The members of an object. `what` names the value in the error. @throws NotForwardable when it is not an object */
export function membersOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NotForwardable(`${what} is not an object`)
  return Object.fromEntries(Object.entries(value))
}

/** Whether a value is the id of a row. */
export function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}
