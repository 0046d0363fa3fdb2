import { type Change, type Fault, HOLDING, type Request, type Stored } from './history.ts'

/** Places and rooms at every moment of the history, and venues while they were closed. Changes are in their order. */
export function findPlaceFaults(requests: readonly Request[], stored: Stored): readonly Fault[] {
  return [...findOverfull(stored), ...findOverlaps(stored), ...findBookedWhileClosed(requests, stored)]
}

/** After each transaction the places of a slot must fit, and its row must count what its reservations and offers add up to. */
function findOverfull({ changes, counts, slots }: Stored): Fault[] {
  const changesOf = Map.groupBy(
    changes.filter(({ thing }) => thing !== 'booking'),
    ({ place }) => place,
  )
  const countsOf = Map.groupBy(counts, ({ slot }) => slot)
  return slots.flatMap(({ id, capacity }) => {
    const moved = new Map<number, number>()
    for (const { thing, from, to, places, transaction } of changesOf.get(id) ?? []) {
      const more = Number(HOLDING[thing].has(to)) - Number(from !== null && HOLDING[thing].has(from))
      moved.set(transaction, (moved.get(transaction) ?? 0) + places * more)
    }
    const faults: Fault[] = []
    let taken = 0
    // Whoever counts holds the slot's row until the commit: counts of one transaction are never parted by another's.
    const counted = (countsOf.get(id) ?? []).filter((count, n, all) => all[n + 1]?.transaction !== count.transaction)
    for (const { transaction, taken: stands } of counted) {
      taken += moved.get(transaction) ?? 0
      moved.delete(transaction)
      const after = `after transaction ${transaction}`
      if (taken > capacity)
        faults.push({ kind: 'overfull', text: `slot ${id} had ${taken} of ${capacity} places taken ${after}` })
      if (taken !== stands)
        faults.push({ kind: 'half', text: `slot ${id} counted ${stands} places where ${taken} were taken ${after}` })
    }
    for (const [transaction, more] of moved) {
      if (more !== 0)
        faults.push({ kind: 'half', text: `transaction ${transaction} moved ${more} places of slot ${id} uncounted` })
    }
    return faults
  })
}

/** Two bookings that keep a room never overlap. */
function findOverlaps({ changes }: Stored): Fault[] {
  const faults: Fault[] = []
  const byRoom = Map.groupBy(
    changes.filter(({ thing }) => thing === 'booking'),
    ({ place }) => place,
  )
  for (const [room, ofRoom] of byRoom) {
    const keeping = new Map<number, Change>()
    for (const change of ofRoom) {
      keeping.delete(change.id)
      if (!HOLDING.booking.has(change.to)) continue
      for (const other of keeping.values()) {
        if (other.start < change.end && change.start < other.end) {
          faults.push({ kind: 'overlap', text: `bookings ${other.id} and ${change.id} both kept room ${room}` })
        }
      }
      keeping.set(change.id, change)
    }
  }
  return faults
}

/** Between the answer to a closure and the next request to open, nobody has a reservation in the venue. */
function findBookedWhileClosed(requests: readonly Request[], { changes, slots }: Stored): Fault[] {
  const venues = new Map(slots.map(({ id, venue }) => [id, venue]))
  const lives = [
    ...Map.groupBy(
      changes.filter(({ thing }) => thing === 'reservation'),
      ({ id }) => id,
    ).values(),
  ]
  const opened = requests.filter(({ wish, outcome }) => wish === 'open' && outcome !== 'refused')
  return requests.flatMap(({ wish, outcome, target, sentAt, answeredAt = Number.POSITIVE_INFINITY }) => {
    if (wish !== 'close' || outcome !== 'done') return []
    const reopened = opened.filter((open) => open.target === target && open.sentAt > sentAt).map((open) => open.sentAt)
    const until = Math.min(Number.POSITIVE_INFINITY, ...reopened)
    return lives.flatMap((life): Fault[] => {
      const [first] = life
      if (!first || venues.get(first.place) !== target) return []
      // The state it was in when the closure was answered, and those that it took on until the venue opened.
      const before = life.findLast(({ at }) => at <= answeredAt)
      const within = life.filter(({ at }) => at > answeredAt && at < until)
      const seen = [...(before ? [before] : []), ...within]
      if (!seen.some(({ to }) => HOLDING.reservation.has(to))) return []
      return [{ kind: 'closed', text: `reservation ${first.id} stood in venue ${target} after it was closed` }]
    })
  })
}
