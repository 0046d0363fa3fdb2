import { type Change, type Fault, MOVES, type Request, type Stored, type Thing, type Wish } from './history.ts'
import { findPlaceFaults } from './places.ts'
import { findToldFaults } from './told.ts'

/** The database reads its clock a moment before or after the client reads the same one. */
const SLACK_MS = 50

/** What an acknowledged wish must have left behind. */
const EFFECT: Partial<Record<Wish, readonly [thing: Thing, to: string]>> = {
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
 * Compares what clients were told with what was committed. Pure: the same histories, the same faults. Nothing it answers may be explained
 * away: an empty list is the promise.
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

/** Acknowledged, and not there, or not by the time of the answer. */
function findLost(requests: readonly Request[], { changes }: Stored): Fault[] {
  const written = new Map(changes.map((change) => [`${change.thing} ${change.id} ${change.to}`, change]))
  return requests.flatMap((request) => {
    const effect = EFFECT[request.wish]
    if (request.outcome !== 'done' || !effect) return []
    const [thing, to] = effect
    const change = written.get(`${thing} ${request.made ?? request.target} ${to}`)
    if (change && explains(request, change, undefined)) return []
    return [{ kind: 'lost', text: `${say(request)} was acknowledged, but ${thing} was not ${to}` }]
  })
}

/** Committed, and nobody asked for it, or it was asked for once and happened twice. */
function findInvented(requests: readonly Request[], { changes, slots }: Stored): Fault[] {
  const venues = new Map(slots.map(({ id, venue }) => [id, venue]))
  const byWish = Map.groupBy(requests, ({ wish }) => wish)
  const used = new Set<Request>()
  const faults: Fault[] = []
  for (const change of changes) {
    const move = MOVES.find(({ thing, from, to }) => thing === change.thing && from === change.from && to === change.to)
    if (!move) faults.push({ kind: 'impossible', text: `${tell(change)} is no step of its life` })
    if (!move || move.by.length === 0) continue
    const fitting = move.by
      .flatMap((wish) => byWish.get(wish) ?? [])
      .filter((request) => explains(request, change, venues.get(change.place)))
    // What its maker knows by its number is theirs, and leaves those who don't know for others.
    const own = fitting.find(({ made }) => made === change.id)
    const fresh = own ?? fitting.find((request) => change.from !== null || !used.has(request))
    if (fresh) used.add(fresh)
    else if (fitting.length > 0) faults.push({ kind: 'twice', text: `${tell(change)} is one more than was asked for` })
    else faults.push({ kind: 'invented', text: `nobody asked for ${tell(change)}` })
  }
  return faults
}

/** Whether a request may be what brought a change about. */
function explains(request: Request, change: Change, venue: number | undefined): boolean {
  if (request.outcome === 'refused' || change.at < request.sentAt - SLACK_MS) return false
  if (request.outcome === 'done' && change.at > (request.answeredAt ?? 0) + SLACK_MS) return false
  const { wish, target, made } = request
  if (wish === 'close') return target === venue
  const isMade = change.from === null && (made === undefined || made === change.id)
  if (wish === 'book' || wish === 'join' || wish === 'room.book') {
    return request.by === change.owner && target === change.place && (isMade || change.from !== null)
  }
  if (wish === 'claim' && change.thing === 'reservation') {
    return request.by === change.owner && request.place === change.place && isMade
  }
  return target === change.id
}

/** What stands in the table is what was last written, and each step is in the operation log once. */
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

function say({ wish, by, target, made }: Request): string {
  return `${wish} of ${target} by ${by}${made === undefined ? '' : ` (made ${made})`}`
}

function tell({ thing, id, from, to, owner, place }: Change): string {
  return `${thing} ${id} of ${owner} at ${place} from ${from ?? 'nothing'} to ${to}`
}
