import { describe, expect, test } from 'vitest'
import { findFaults } from './faults.ts'
import { type Change, HOLDING, type Request, type Stored } from './history.ts'

const PERSON = 1
const OTHER = 2
const ADMIN = 9
const SLOT = 10
const ROOM = 20
const VENUE = 30

/** A day in which everything went well: two bookings of one slot, a cancellation, a line, a closure, a room, a broadcast. */
function goodDay(): {
  requests: Request[]
  stored: { -readonly [K in Exclude<keyof Stored, 'counts'>]: Stored[K][number][] }
} {
  const asked = (
    wish: Request['wish'],
    by: number,
    target: number,
    at: number,
    more: Partial<Request> = {},
  ): Request => ({
    wish,
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
        // Cancelling, and offering what that frees, are one transaction.
        { ...changed(3, 'reservation', 101, PERSON, 'confirmed', 'cancelled') },
        { ...changed(4, 'entry', 201, OTHER, 'waiting', 'offered'), transaction: 3 },
        // So are taking the place and giving back the offer, whichever is written first.
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

type Day = ReturnType<typeof goodDay>
const kinds = ({ requests, stored }: Day, counts = countsOf(stored.changes)) =>
  [...new Set(findFaults(requests, { ...stored, counts }).map(({ kind }) => kind))].toSorted()

/** What the slot's row counts when each transaction commits in the order of its last change, and counts what it moves. */
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

/** Replaces what matches. @throws Error when nothing does: a fault that was not planted proves nothing. */
function replace<T>(all: T[], match: (one: T) => boolean, ...by: T[]): T {
  const at = all.findIndex(match)
  const [old] = all.splice(at, 1, ...by)
  if (at < 0 || old === undefined) throw new Error('there is nothing to replace')
  return old
}

/** Takes a thing and all that is said of it out of what is stored. */
function forget({ stored }: Day, id: number): void {
  stored.changes = stored.changes.filter((change) => change.id !== id)
  stored.things = stored.things.filter((thing) => thing.id !== id)
  stored.operations = stored.operations.filter((operation) => operation.id !== id)
  stored.messages = stored.messages.filter((message) => message.about !== id)
}

/** Something more that is whole in itself. */
function addReservation({ stored }: Day, id: number, n: number, owner: number): void {
  const model = stored.changes[0]
  if (!model) throw new Error('there is a first change')
  stored.changes.push({ ...model, n, transaction: n, id, owner, at: n * 1000 + 100 })
  stored.things.push({ thing: 'reservation', id, status: 'confirmed' })
  stored.operations.push({ action: 'reservation.book', id, count: 1 })
  stored.messages.push({ person: owner, type: 'reservation.confirmed', about: id, count: 1 })
}

describe('The history checker', () => {
  test('finds nothing in a day in which everything went well', () => {
    const day = goodDay()
    const faults = findFaults(day.requests, { ...day.stored, counts: countsOf(day.stored.changes) })
    expect(faults).toEqual([])
  })

  test('lets a request without an answer have happened or not', () => {
    const day = goodDay()
    forget(day, 103)
    expect(kinds(day)).toEqual([])
  })

  test('gives what somebody knows by its number to their own request, and the rest to those who do not know', () => {
    const day = goodDay()
    // The request without an answer comes first, and is as good an explanation of 101.
    day.requests.unshift({ wish: 'book', by: PERSON, target: SLOT, sentAt: 900, outcome: 'unknown' })
    expect(kinds(day)).toEqual([])
  })

  test('finds an acknowledged booking that is gone', () => {
    const day = goodDay()
    forget(day, 301)
    expect(kinds(day)).toEqual(['lost'])
  })

  test('finds an acknowledged cancellation that did not happen', () => {
    const day = goodDay()
    day.requests.push({ wish: 'cancel', by: PERSON, target: 103, sentAt: 14_000, answeredAt: 14_500, outcome: 'done' })
    expect(kinds(day)).toEqual(['lost'])
  })

  test('finds a booking that was acknowledged before it was there', () => {
    const day = goodDay()
    const old = replace(day.requests, ({ made }) => made === 101)
    day.requests.push({ ...old, sentAt: 100, answeredAt: 600 })
    expect(kinds(day)).toEqual(['invented', 'lost'])
  })

  test('finds a booking of somebody else under the number that was acknowledged', () => {
    const day = goodDay()
    day.stored.changes = day.stored.changes.map((change) => (change.id === 301 ? { ...change, owner: OTHER } : change))
    expect(kinds(day)).toEqual(['invented', 'lost'])
  })

  test('finds a booking that nobody asked for', () => {
    const day = goodDay()
    day.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(day, 104, 14, 3)
    expect(kinds(day)).toEqual(['invented'])
  })

  test('finds a refused booking that happened', () => {
    const day = goodDay()
    day.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(day, 104, 14, OTHER)
    expect(kinds(day)).toEqual(['invented'])
  })

  test('finds a booking that was asked for once and happened twice', () => {
    const day = goodDay()
    day.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    addReservation(day, 104, 14, PERSON)
    expect(kinds(day)).toEqual(['twice'])
  })

  test('finds a step that its life does not have', () => {
    const day = goodDay()
    const last = day.stored.changes.find(({ id, to }) => id === 301 && to === '1')
    if (last) day.stored.changes.push({ ...last, n: 14, from: '1', to: '2' })
    replace(day.stored.things, ({ id }) => id === 301, { thing: 'booking', id: 301, status: '2' })
    expect(kinds(day)).toEqual(['impossible'])
  })

  test('finds a state that the table has and nobody wrote', () => {
    const day = goodDay()
    replace(day.stored.things, ({ id }) => id === 103, { thing: 'reservation', id: 103, status: 'cancelled' })
    expect(kinds(day)).toEqual(['half'])
  })

  test.each([0, 2])('finds a booking that is in the operation log %i times', (count) => {
    const day = goodDay()
    replace(day.stored.operations, ({ id }) => id === 103, { action: 'reservation.book', id: 103, count })
    expect(kinds(day)).toEqual(['half'])
  })

  test('finds a slot that had more people than places for a moment, though it has not at the end', () => {
    const day = goodDay()
    const cancelled = replace(day.stored.changes, ({ to }) => to === 'cancelled')
    const entry = replace(day.stored.changes, ({ to }) => to === 'offered')
    // The offer is made before the place is given back, in a transaction of its own.
    day.stored.changes.push({ ...entry, n: 3, transaction: 2.5 }, { ...cancelled, n: 4, transaction: 4 })
    expect(kinds(day)).toEqual(['overfull'])
  })

  test('is not misled by a state of somebody else that is written in the middle of a transaction', () => {
    const day = goodDay()
    const made = replace(day.stored.changes, ({ n }) => n === 5)
    const displaced = replace(day.stored.changes, ({ n }) => n === 7)
    // 102 is made before its offer is given back, and between the two somebody writes, who waits for the slot then.
    const waits = { ...made, n: 5.5, transaction: 5.5, thing: 'entry' as const, id: 202, owner: PERSON, to: 'waiting' }
    day.stored.changes.push(made, waits, displaced)
    day.stored.things.push({ thing: 'entry', id: 202, status: 'waiting' })
    day.stored.operations.push({ action: 'waiting_list.join', id: 202, count: 1 })
    day.requests.push({
      wish: 'join',
      by: PERSON,
      target: SLOT,
      sentAt: 5000,
      answeredAt: 5500,
      outcome: 'done',
      made: 202,
    })
    expect(kinds(day)).toEqual([])
  })

  test('finds a slot whose row counts something else than its reservations and offers', () => {
    const day = goodDay()
    const counts = countsOf(day.stored.changes)
    expect(
      kinds(
        day,
        counts.map((count, n) => (n === 1 ? { ...count, taken: 0 } : count)),
      ),
    ).toEqual(['half'])
    expect(kinds(day, counts.slice(0, -1))).toEqual(['half'])
  })

  test('finds two bookings that kept one room at the same time', () => {
    const day = goodDay()
    day.requests.push({ wish: 'room.book', by: OTHER, target: ROOM, sentAt: 14_000, outcome: 'unknown' })
    const first = day.stored.changes.find(({ id }) => id === 301)
    if (first) day.stored.changes.push({ ...first, n: 14, id: 302, owner: OTHER, start: 0.5, end: 1.5, at: 14_100 })
    day.stored.things.push({ thing: 'booking', id: 302, status: '0' })
    day.stored.operations.push({ action: 'room.booking.add', id: 302, count: 1 })
    expect(kinds(day)).toEqual(['overlap'])
  })

  test('finds a reservation that outlived a closure', () => {
    const day = goodDay()
    replace(day.stored.changes, ({ to }) => to === 'displaced')
    replace(day.stored.things, ({ id }) => id === 102, { thing: 'reservation', id: 102, status: 'confirmed' })
    replace(day.stored.operations, ({ action }) => action === 'reservation.displace')
    replace(day.stored.messages, ({ type }) => type === 'reservation.closed')
    day.stored.slots = [{ id: SLOT, venue: VENUE, capacity: 2 }]
    expect(kinds(day)).toEqual(['closed'])
  })

  test('finds a reservation that was made while the venue was closed', () => {
    const day = goodDay()
    const open = replace(day.requests, ({ wish }) => wish === 'open')
    day.requests.push({ ...open, sentAt: 9500, answeredAt: 9900 })
    expect(kinds(day)).toEqual(['closed'])
  })

  test.each([
    ['a person who was not told of a change', 'reservation.confirmed', 103],
    ['a participant who was not told', 'room.booking.approved', 301],
    ['an employee whom a broadcast did not reach', 'notice.direct', 1],
  ])('finds %s', (_, type, about) => {
    const day = goodDay()
    replace(day.stored.messages, (message) => message.type === type && message.about === about)
    expect(kinds(day)).toEqual(['untold'])
  })

  test('finds a message that is in an inbox twice', () => {
    const day = goodDay()
    const old = replace(day.stored.messages, ({ type }) => type === 'reservation.cancelled')
    day.stored.messages.push({ ...old, count: 2 })
    expect(kinds(day)).toEqual(['told twice'])
  })

  test('finds a message about something that did not happen', () => {
    const day = goodDay()
    day.stored.messages.push({ person: PERSON, type: 'reservation.cancelled', about: 103, count: 1 })
    expect(kinds(day)).toEqual(['told of nothing'])
  })

  test('finds a broadcast that reached only some, though nobody knows whether it was sent', () => {
    const day = goodDay()
    const old = replace(day.requests, ({ wish }) => wish === 'broadcast')
    day.requests.push({ ...old, outcome: 'unknown', answeredAt: undefined })
    expect(kinds(day)).toEqual([])
    replace(day.stored.messages, ({ type }) => type === 'notice.direct')
    expect(kinds(day)).toEqual(['untold'])
  })
})
