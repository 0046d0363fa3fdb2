import { describe, expect, test } from 'vitest'
import { findFaults } from './faults.ts'
import { type Change, HOLDING, type Request, type Stored } from './history.ts'

const PERSON = 1
const OTHER = 2
const ADMIN = 9
const SLOT = 10
const ROOM = 20
const VENUE = 30

/** A history without faults: bookings of a slot, a cancellation, a waiting list, a closure, a room and a broadcast. */
function soundHistory(): {
  requests: Request[]
  stored: { -readonly [K in Exclude<keyof Stored, 'counts'>]: Stored[K][number][] }
} {
  const asked = (
    action: Request['action'],
    by: number,
    target: number,
    at: number,
    more: Partial<Request> = {},
  ): Request => ({
    action,
    by,
    target,
    sentAt: at,
    answeredAt: at + 500,
    outcome: 'done',
    ...more,
  })
  const changed = (
    n: number,
    thing: Change['thing'],
    id: number,
    owner: number,
    from: string | null,
    to: string,
  ): Change => ({
    n,
    transaction: n,
    thing,
    id,
    place: thing === 'booking' ? ROOM : SLOT,
    owner,
    from,
    to,
    places: 1,
    start: 0,
    end: 1,
    at: n * 1000 + 100,
  })
  return {
    requests: [
      asked('book', PERSON, SLOT, 1000, { made: 101 }),
      asked('join', OTHER, SLOT, 2000, { made: 201 }),
      asked('cancel', PERSON, 101, 3000),
      asked('claim', OTHER, 201, 5000, { place: SLOT, made: 102 }),
      asked('close', ADMIN, VENUE, 7000),
      asked('open', ADMIN, VENUE, 8000),
      asked('book', PERSON, SLOT, 9000, { outcome: 'unknown', answeredAt: undefined }),
      asked('room.book', PERSON, ROOM, 10_000, { made: 301 }),
      asked('room.approve', ADMIN, 301, 11_000),
      asked('broadcast', ADMIN, 1, 12_000),
      asked('book', OTHER, SLOT, 13_000, { outcome: 'refused' }),
    ],
    stored: {
      changes: [
        changed(1, 'reservation', 101, PERSON, null, 'confirmed'),
        changed(2, 'entry', 201, OTHER, null, 'waiting'),
        // The cancellation and the offer of the freed place are one transaction.
        { ...changed(3, 'reservation', 101, PERSON, 'confirmed', 'cancelled') },
        { ...changed(4, 'entry', 201, OTHER, 'waiting', 'offered'), transaction: 3 },
        // So are the booking and the end of the offer, in either order.
        changed(5, 'reservation', 102, OTHER, null, 'confirmed'),
        { ...changed(6, 'entry', 201, OTHER, 'offered', 'booked'), transaction: 5, at: 5101 },
        changed(7, 'reservation', 102, OTHER, 'confirmed', 'displaced'),
        changed(9, 'reservation', 103, PERSON, null, 'confirmed'),
        changed(10, 'booking', 301, PERSON, null, '0'),
        changed(11, 'booking', 301, PERSON, '0', '1'),
      ],
      things: [
        { thing: 'reservation', id: 101, status: 'cancelled' },
        { thing: 'reservation', id: 102, status: 'displaced' },
        { thing: 'reservation', id: 103, status: 'confirmed' },
        { thing: 'entry', id: 201, status: 'booked' },
        { thing: 'booking', id: 301, status: '1' },
      ],
      slots: [{ id: SLOT, venue: VENUE, capacity: 1 }],
      participants: [PERSON, OTHER].map((person) => ({ booking: 301, person })),
      operations: [
        { action: 'reservation.book', id: 101, count: 1 },
        { action: 'reservation.book', id: 102, count: 1 },
        { action: 'reservation.book', id: 103, count: 1 },
        { action: 'reservation.cancel', id: 101, count: 1 },
        { action: 'reservation.displace', id: 102, count: 1 },
        { action: 'waiting_list.join', id: 201, count: 1 },
        { action: 'room.booking.add', id: 301, count: 1 },
        { action: 'room.booking.approve', id: 301, count: 1 },
      ],
      messages: [
        { person: PERSON, type: 'reservation.confirmed', about: 101, count: 1 },
        { person: PERSON, type: 'reservation.cancelled', about: 101, count: 1 },
        { person: OTHER, type: 'waiting_list.offered', about: 201, count: 1 },
        { person: OTHER, type: 'reservation.confirmed', about: 102, count: 1 },
        { person: OTHER, type: 'reservation.closed', about: 102, count: 1 },
        { person: PERSON, type: 'reservation.confirmed', about: 103, count: 1 },
        ...[PERSON, OTHER].flatMap((person) => [
          { person, type: 'room.booking.pending', about: 301, count: 1 },
          { person, type: 'room.booking.approved', about: 301, count: 1 },
          { person, type: 'notice.direct', about: 1, count: 1 },
        ]),
      ],
      everybody: [PERSON, OTHER],
    },
  }
}

type History = ReturnType<typeof soundHistory>
const kinds = ({ requests, stored }: History, counts = countsOf(stored.changes)) =>
  [...new Set(findFaults(requests, { ...stored, counts }).map(({ kind }) => kind))].toSorted()

/** The counts of the slot's row, if transactions commit in the order of their last change and count correctly. */
function countsOf(changes: readonly Change[]): Stored['counts'] {
  const places = changes.filter(({ thing }) => thing !== 'booking').toSorted((a, b) => a.n - b.n)
  const transactions = [...new Set(places.map(({ transaction }) => transaction).toReversed())].toReversed()
  let taken = 0
  return transactions.map((transaction) => {
    for (const { thing, from, to } of places.filter((change) => change.transaction === transaction)) {
      taken += Number(HOLDING[thing].has(to)) - Number(from !== null && HOLDING[thing].has(from))
    }
    return { transaction, slot: SLOT, taken }
  })
}

/** Replaces the first match. @throws Error when there is none: then the test would plant no fault. */
function replace<T>(all: T[], match: (one: T) => boolean, ...by: T[]): T {
  const at = all.findIndex(match)
  const [old] = all.splice(at, 1, ...by)
  if (at < 0 || old === undefined) throw new Error('there is nothing to replace')
  return old
}

/** Removes a thing and all records about it from the stored data. */
function forget({ stored }: History, id: number): void {
  stored.changes = stored.changes.filter((change) => change.id !== id)
  stored.things = stored.things.filter((thing) => thing.id !== id)
  stored.operations = stored.operations.filter((operation) => operation.id !== id)
  stored.messages = stored.messages.filter((message) => message.about !== id)
}

/** Adds a reservation with all its records. */
function addReservation({ stored }: History, id: number, n: number, owner: number): void {
  const model = stored.changes[0]
  if (!model) throw new Error('there is a first change')
  stored.changes.push({ ...model, n, transaction: n, id, owner, at: n * 1000 + 100 })
  stored.things.push({ thing: 'reservation', id, status: 'confirmed' })
  stored.operations.push({ action: 'reservation.book', id, count: 1 })
  stored.messages.push({ person: owner, type: 'reservation.confirmed', about: id, count: 1 })
}

describe('The history checker', () => {
  test('finds nothing in a history without faults', () => {
    const history = soundHistory()
    const faults = findFaults(history.requests, { ...history.stored, counts: countsOf(history.stored.changes) })
    expect(faults).toEqual([])
  })

  test('accepts that a request without an answer did not happen', () => {
    const history = soundHistory()
    forget(history, 103)
    expect(kinds(history)).toEqual([])
  })

  test('explains a change by the request that knows its id before one of unknown outcome', () => {
    const history = soundHistory()
    // The request without an answer comes first, and could also explain 101.
    history.requests.unshift({ action: 'book', by: PERSON, target: SLOT, sentAt: 900, outcome: 'unknown' })
    expect(kinds(history)).toEqual([])
  })

  test('finds an acknowledged booking that is gone', () => {
    const history = soundHistory()
    forget(history, 301)
    expect(kinds(history)).toEqual(['lost'])
  })

  test('finds an acknowledged cancellation that did not happen', () => {
    const history = soundHistory()
    history.requests.push({
      action: 'cancel',
      by: PERSON,
      target: 103,
      sentAt: 14_000,
      answeredAt: 14_500,
      outcome: 'done',
    })
    expect(kinds(history)).toEqual(['lost'])
  })

  test('finds a booking that was acknowledged before it was committed', () => {
    const history = soundHistory()
    const old = replace(history.requests, ({ made }) => made === 101)
    history.requests.push({ ...old, sentAt: 100, answeredAt: 600 })
    expect(kinds(history)).toEqual(['invented', 'lost'])
  })

  test('finds an acknowledged booking that belongs to another person', () => {
    const history = soundHistory()
    history.stored.changes = history.stored.changes.map((change) =>
      change.id === 301 ? { ...change, owner: OTHER } : change,
    )
    expect(kinds(history)).toEqual(['invented', 'lost'])
  })

  test('finds a booking without a request', () => {
    const history = soundHistory()
    history.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(history, 104, 14, 3)
    expect(kinds(history)).toEqual(['invented'])
  })

  test('finds a refused booking that happened', () => {
    const history = soundHistory()
    history.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(history, 104, 14, OTHER)
    expect(kinds(history)).toEqual(['invented'])
  })

  test('finds a booking that was asked for once and happened twice', () => {
    const history = soundHistory()
    history.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(history, 104, 14, PERSON)
    expect(kinds(history)).toEqual(['twice'])
  })

  test('finds an impossible state change', () => {
    const history = soundHistory()
    const last = history.stored.changes.find(({ id, to }) => id === 301 && to === '1')
    if (last) history.stored.changes.push({ ...last, n: 14, from: '1', to: '2' })
    replace(history.stored.things, ({ id }) => id === 301, { thing: 'booking', id: 301, status: '2' })
    expect(kinds(history)).toEqual(['impossible'])
  })

  test('finds a state in the table that was never recorded', () => {
    const history = soundHistory()
    replace(history.stored.things, ({ id }) => id === 103, { thing: 'reservation', id: 103, status: 'cancelled' })
    expect(kinds(history)).toEqual(['half'])
  })

  test.each([0, 2])('finds a booking that is in the operation log %i times', (count) => {
    const history = soundHistory()
    replace(history.stored.operations, ({ id }) => id === 103, { action: 'reservation.book', id: 103, count })
    expect(kinds(history)).toEqual(['half'])
  })

  test('finds a slot that was overfull for a moment', () => {
    const history = soundHistory()
    const cancelled = replace(history.stored.changes, ({ to }) => to === 'cancelled')
    const entry = replace(history.stored.changes, ({ to }) => to === 'offered')
    // The offer is made before the place is free, in a separate transaction.
    history.stored.changes.push({ ...entry, n: 3, transaction: 2.5 }, { ...cancelled, n: 4, transaction: 4 })
    expect(kinds(history)).toEqual(['overfull'])
  })

  test('accepts a change of another person that is written during a transaction', () => {
    const history = soundHistory()
    const made = replace(history.stored.changes, ({ n }) => n === 5)
    const displaced = replace(history.stored.changes, ({ n }) => n === 7)
    // 102 is made before its offer ends; in between, another person's waiting-list entry for the slot is written.
    const waits = { ...made, n: 5.5, transaction: 5.5, thing: 'entry' as const, id: 202, owner: PERSON, to: 'waiting' }
    history.stored.changes.push(made, waits, displaced)
    history.stored.things.push({ thing: 'entry', id: 202, status: 'waiting' })
    history.stored.operations.push({ action: 'waiting_list.join', id: 202, count: 1 })
    history.requests.push({
      action: 'join',
      by: PERSON,
      target: SLOT,
      sentAt: 5000,
      answeredAt: 5500,
      outcome: 'done',
      made: 202,
    })
    expect(kinds(history)).toEqual([])
  })

  test('finds a slot whose row does not count its reservations and offers', () => {
    const history = soundHistory()
    const counts = countsOf(history.stored.changes)
    expect(
      kinds(
        history,
        counts.map((count, n) => (n === 1 ? { ...count, taken: 0 } : count)),
      ),
    ).toEqual(['half'])
    expect(kinds(history, counts.slice(0, -1))).toEqual(['half'])
  })

  test('finds two current bookings of one room at the same time', () => {
    const history = soundHistory()
    history.requests.push({ action: 'room.book', by: OTHER, target: ROOM, sentAt: 14_000, outcome: 'unknown' })
    const first = history.stored.changes.find(({ id }) => id === 301)
    if (first) history.stored.changes.push({ ...first, n: 14, id: 302, owner: OTHER, start: 0.5, end: 1.5, at: 14_100 })
    history.stored.things.push({ thing: 'booking', id: 302, status: '0' })
    history.stored.operations.push({ action: 'room.booking.add', id: 302, count: 1 })
    expect(kinds(history)).toEqual(['overlap'])
  })

  test('finds a reservation that was not displaced by a closure', () => {
    const history = soundHistory()
    replace(history.stored.changes, ({ to }) => to === 'displaced')
    replace(history.stored.things, ({ id }) => id === 102, { thing: 'reservation', id: 102, status: 'confirmed' })
    replace(history.stored.operations, ({ action }) => action === 'reservation.displace')
    replace(history.stored.messages, ({ type }) => type === 'reservation.closed')
    history.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    expect(kinds(history)).toEqual(['closed'])
  })

  test('finds a reservation that was made while the venue was closed', () => {
    const history = soundHistory()
    const open = replace(history.requests, ({ action }) => action === 'open')
    history.requests.push({ ...open, sentAt: 9500, answeredAt: 9900 })
    expect(kinds(history)).toEqual(['closed'])
  })

  test.each([
    ['a person who was not notified of a change', 'reservation.confirmed', 103],
    ['a participant who was not notified', 'room.booking.approved', 301],
    ['an employee who did not get a broadcast', 'notice.direct', 1],
  ])('finds %s', (_, type, about) => {
    const history = soundHistory()
    replace(history.stored.messages, (message) => message.type === type && message.about === about)
    expect(kinds(history)).toEqual(['untold'])
  })

  test('finds a message that is in an inbox twice', () => {
    const history = soundHistory()
    const old = replace(history.stored.messages, ({ type }) => type === 'reservation.cancelled')
    history.stored.messages.push({ ...old, count: 2 })
    expect(kinds(history)).toEqual(['told twice'])
  })

  test('finds a message about something that did not happen', () => {
    const history = soundHistory()
    history.stored.messages.push({ person: PERSON, type: 'reservation.cancelled', about: 103, count: 1 })
    expect(kinds(history)).toEqual(['told of nothing'])
  })

  test('finds a broadcast of unknown outcome that reached only some people', () => {
    const history = soundHistory()
    const old = replace(history.requests, ({ action }) => action === 'broadcast')
    history.requests.push({ ...old, outcome: 'unknown', answeredAt: undefined })
    expect(kinds(history)).toEqual([])
    replace(history.stored.messages, ({ type }) => type === 'notice.direct')
    expect(kinds(history)).toEqual(['untold'])
  })
})
