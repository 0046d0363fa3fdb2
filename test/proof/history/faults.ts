import { type Action, type Change, type Fault, MOVES, type Request, type Stored, type Thing } from './history.ts'
import { findPlaceFaults } from './places.ts'
import { findToldFaults } from './told.ts'

/** The database and the client read the same clock at slightly different moments. */
const SLACK_MS = 50

/** The state that an acknowledged action must have written. */
const EFFECT: Partial<Record<Action, readonly [thing: Thing, to: string]>> = {
  book: ['reservation', 'confirmed'],
  claim: ['reservation', 'confirmed'],
  cancel: ['reservation', 'cancelled'],
  join: ['entry', 'waiting'],
  leave: ['entry', 'left'],
  'room.book': ['booking', '0'],
  'room.cancel': ['booking', '3'],
  'room.approve': ['booking', '1'],
  'room.reject': ['booking', '2'],
}

/**
 * Compares the answers to clients with the committed changes. It is a pure function. Every fault counts: the promise is
 * that the list is empty.
 */
export function findFaults(requests: readonly Request[], given: Stored): readonly Fault[] {
  const stored = { ...given, changes: given.changes.toSorted((a, b) => a.n - b.n) }
  return [
    ...findLost(requests, stored),
    ...findInvented(requests, stored),
    ...findHalves(stored),
    ...findPlaceFaults(requests, stored),
    ...findToldFaults(requests, stored),
  ]
}

/** Requests that were acknowledged, but were not committed before the answer. */
function findLost(requests: readonly Request[], { changes }: Stored): Fault[] {
  const written = new Map(changes.map((change) => [`${change.thing} ${change.id} ${change.to}`, change]))
  return requests.flatMap((request) => {
    const effect = EFFECT[request.action]
    if (request.outcome !== 'done' || !effect) return []
    const [thing, to] = effect
    const change = written.get(`${thing} ${request.made ?? request.target} ${to}`)
    if (change && explains(request, change, undefined)) return []
    return [{ kind: 'lost', text: `${say(request)} was acknowledged, but ${thing} was not ${to}` }]
  })
}

/** Changes that no request explains, or that happened twice for one request. */
function findInvented(requests: readonly Request[], { changes, slots }: Stored): Fault[] {
  const venues = new Map(slots.map(({ id, venue }) => [id, venue]))
  const byAction = Map.groupBy(requests, ({ action }) => action)
  const used = new Set<Request>()
  const faults: Fault[] = []
  for (const change of changes) {
    const move = MOVES.find(({ thing, from, to }) => thing === change.thing && from === change.from && to === change.to)
    if (!move) faults.push({ kind: 'impossible', text: `${tell(change)} is no step of its life` })
    if (!move || move.by.length === 0) continue
    const fitting = move.by
      .flatMap((action) => byAction.get(action) ?? [])
      .filter((request) => explains(request, change, venues.get(change.place)))
    // Prefers the request that knows the id, so that requests of unknown outcome stay free for other changes.
    const own = fitting.find(({ made }) => made === change.id)
    const fresh = own ?? fitting.find((request) => change.from !== null || !used.has(request))
    if (fresh) used.add(fresh)
    else if (fitting.length > 0) faults.push({ kind: 'twice', text: `${tell(change)} is one more than was asked for` })
    else faults.push({ kind: 'invented', text: `nobody asked for ${tell(change)}` })
  }
  return faults
}

/** True if a request may have caused a change. */
function explains(request: Request, change: Change, venue: number | undefined): boolean {
  if (request.outcome === 'refused' || change.at < request.sentAt - SLACK_MS) return false
  if (request.outcome === 'done' && change.at > (request.answeredAt ?? 0) + SLACK_MS) return false
  const { action, target, made } = request
  if (action === 'close') return target === venue
  const isMade = change.from === null && (made === undefined || made === change.id)
  if (action === 'book' || action === 'join' || action === 'room.book') {
    return request.by === change.owner && target === change.place && (isMade || change.from !== null)
  }
  if (action === 'claim' && change.thing === 'reservation') {
    return request.by === change.owner && request.place === change.place && isMade
  }
  return target === change.id
}

/** Rows that differ from the last recorded change, and changes that are not exactly once in the operation log. */
function findHalves({ changes, things, operations }: Stored): Fault[] {
  const faults: Fault[] = []
  const last = new Map(changes.map((change) => [`${change.thing} ${change.id}`, change.to]))
  for (const { thing, id, status } of things) {
    const to = last.get(`${thing} ${id}`)
    if (to !== status) faults.push({ kind: 'half', text: `${thing} ${id} is ${status}, but was last made ${to}` })
  }
  const logged = new Map(operations.map(({ action, id, count }) => [`${action} ${id}`, count]))
  for (const change of changes) {
    const action = MOVES.find(
      ({ thing, from, to }) => thing === change.thing && from === change.from && to === change.to,
    )?.logged
    if (action === undefined) continue
    const count = logged.get(`${action} ${change.id}`) ?? 0
    if (count !== 1) faults.push({ kind: 'half', text: `${tell(change)} is in the operation log ${count} times` })
  }
  return faults
}

function say({ action, by, target, made }: Request): string {
  return `${action} of ${target} by ${by}${made === undefined ? '' : ` (made ${made})`}`
}

function tell({ thing, id, from, to, owner, place }: Change): string {
  return `${thing} ${id} of ${owner} at ${place} from ${from ?? 'nothing'} to ${to}`
}
