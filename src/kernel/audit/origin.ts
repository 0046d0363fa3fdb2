import type { Caller } from '../http/request/caller.ts'

/** The first part of every operation log entry: who acted (null: the system itself) and from which address. */
export interface Origin {
  readonly actorId: number | null
  readonly address?: string
  readonly requestId?: string
}

/** The origin of changes that the system makes by itself. */
export const SYSTEM: Origin = { actorId: null }

/** The origin of changes that a caller causes. */
export function originOf(caller: Caller): Origin {
  return { actorId: caller.userId, address: caller.address, requestId: caller.requestId }
}
