import type { Caller } from '../http/request/caller.ts'

/** The origin of an operation log entry: the person who acted (null: the system itself), address and request. */
export interface Origin {
  readonly actorId: number | null
  readonly address?: string
  readonly requestId?: string
}

/** The origin of changes that the system makes by itself. */
export const SYSTEM: Origin = { actorId: null }

/** The origin of changes that a caller causes. */
export function originOf(caller: Pick<Caller, 'userId' | 'address' | 'requestId'>): Origin {
  return { actorId: caller.userId, address: caller.address, requestId: caller.requestId }
}
