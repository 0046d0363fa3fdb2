import { type Change, type Fault, HOLDING, type Request, type Stored } from './history.ts'

/** Finds overfull slots, overlapping room bookings and reservations in closed venues. Changes must be in order. */
export function findPlaceFaults(requests: readonly Request[], stored: Stored): readonly Fault[] {
  return [...findOverfull(stored), ...findOverlaps(stored), ...findBookedWhileClosed(requests, stored)]
}

/** After each transaction, the places taken must fit the slot, and its row must count the same number. */
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
    // A transaction locks the slot's row when it counts, so its counts are consecutive.
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

/** Current bookings of one room that overlap. */
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

/** Reservations in a venue between the answer to its closure and the next request to open it. */
function findBookedWhileClosed(requests: readonly Request[], { changes, slots }: Stored): Fault[] {
  const venues = new Map(slots.map(({ id, venue }) => [id, venue]))
  const lives = [
    ...Map.groupBy(
      changes.filter(({ thing }) => thing === 'reservation'),
      ({ id }) => id,
    ).values(),
  ]
  const opened = requests.filter(({ action, outcome }) => action === 'open' && outcome !== 'refused')
  return requests.flatMap(({ action, outcome, target, sentAt, answeredAt = Number.POSITIVE_INFINITY }) => {
    if (action !== 'close' || outcome !== 'done') return []
    const reopened = opened.filter((open) => open.target === target && open.sentAt > sentAt).map((open) => open.sentAt)
    const until = Math.min(Number.POSITIVE_INFINITY, ...reopened)
    return lives.flatMap((life): Fault[] => {
      const [first] = life
      if (!first || venues.get(first.place) !== target) return []
      // Its state when the closure was answered, and its states until the venue was opened.
      const before = life.findLast(({ at }) => at <= answeredAt)
      const within = life.filter(({ at }) => at > answeredAt && at < until)
      const seen = [...(before ? [before] : []), ...within]
      if (!seen.some(({ to }) => HOLDING.reservation.has(to))) return []
      return [{ kind: 'closed', text: `reservation ${first.id} stood in venue ${target} after it was closed` }]
    })
  })
}
