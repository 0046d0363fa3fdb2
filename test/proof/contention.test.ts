import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { type Answer, book, call, tally } from './client.ts'
import { addPeople, addSlot, addVenue, only, type Person } from './site.ts'

describe.runIf(onServer)('Concurrent requests to two processes', () => {
  let database: TestDatabase
  let fleet: Fleet
  let processes: readonly Running[] = []

  beforeAll(async () => {
    database = await openTestDatabase()
    fleet = await openFleet({ url: database.url ?? '' })
    processes = await Promise.all([fleet.start('server'), fleet.start('server')])
  }, 60_000)

  afterAll(async () => {
    await fleet?.close()
    await database?.close()
  })

  /** The address of one of the processes. */
  const nth = (n: number) => processes[n % processes.length]?.url

  /** All people book the same slot at once, half of them at each process. */
  const allBook = (people: readonly Person[], slotId: number) =>
    Promise.all(people.map((person, n) => book(nth(n), person, slotId)))

  const expectVerified = async () => expect(await fleet.run('verify')).toMatchObject({ code: 0 })

  test('of 200 clients for one slot with 20 places book exactly 20, and the others are refused with slot_full', async () => {
    const slot = await addSlot(database.db, await addVenue(database.db), { capacity: 20 })
    const answers = await allBook(await addPeople(database.db, 200), slot)
    expect(tally(answers)).toEqual({ '201': 20, '409 slot_full': 180 })
    await expectVerified()
  })

  /** Each person sends two bookings at the same moment, one to each process. */
  const bookTwice = async (people: readonly Person[], slots: readonly [number, number]) => {
    const outcomes: Readonly<Record<string, number>>[] = []
    for (const [n, person] of people.entries()) {
      outcomes.push(tally(await Promise.all([book(nth(n), person, slots[0]), book(nth(n + 1), person, slots[1])])))
    }
    return outcomes
  }

  test('of one person for two overlapping slots have one winner, and the other is refused with own_overlap', async () => {
    const { db } = database
    const here = await addSlot(db, await addVenue(db), { capacity: 100, hour: 9 })
    const there = await addSlot(db, await addVenue(db), { capacity: 100, hour: 9 })
    // Half of them have a member row already; for the others the first request makes it.
    const people = [...(await addPeople(db, 10)), ...(await addPeople(db, 10, 5))]
    expect(await bookTwice(people, [here, there])).toEqual(people.map(() => ({ '201': 1, '409 own_overlap': 1 })))
  })

  test('for the last reservation that the rules allow have one winner, and the other is refused with limit_reached', async () => {
    const { db } = database
    const venue = await addVenue(db, { max_reservations_per_user: 2 })
    const had = await addSlot(db, venue, { capacity: 100, hour: 9 })
    const slots = [
      await addSlot(db, venue, { capacity: 100, hour: 11 }),
      await addSlot(db, venue, { capacity: 100, hour: 13 }),
    ]
    const people = await addPeople(db, 20)
    expect(tally(await allBook(people, had))).toEqual({ '201': 20 })
    expect(await bookTwice(people, [slots[0] ?? 0, slots[1] ?? 0])).toEqual(
      people.map(() => ({ '201': 1, '409 limit_reached': 1 })),
    )
  })

  test('with the last point have one winner, and the other is refused with points_short', async () => {
    const { db } = database
    const venue = await addVenue(db, { points_cost: 1 })
    const slots = [
      await addSlot(db, venue, { capacity: 100, hour: 11 }),
      await addSlot(db, venue, { capacity: 100, hour: 13 }),
    ]
    const people = await addPeople(db, 20, 1)
    expect(await bookTwice(people, [slots[0] ?? 0, slots[1] ?? 0])).toEqual(
      people.map(() => ({ '201': 1, '409 points_short': 1 })),
    )
    await expectVerified()
  })

  test('of 1,000 people book 20 places; freed places are offered only to the first people on the waiting list', async () => {
    const { db } = database
    const venue = await addVenue(db)
    const slot = await addSlot(db, venue, { capacity: 20 })
    const people = await addPeople(db, 1000)
    const answers = await allBook(people, slot)
    expect(tally(answers)).toEqual({ '201': 20, '409 slot_full': 980 })

    const booked = answers.flatMap(({ status, body }, n) =>
      status === 201 ? [{ id: body.id, person: people[n] }] : [],
    )
    const refused = people.filter((_, n) => answers[n]?.status === 409)
    const waiting: { readonly id: number; readonly person: Person }[] = []
    for (const [n, person] of refused.slice(0, 30).entries()) {
      const path = `/api/v1/venues/${venue}/reservation-time-slots/${slot}/waiting-list`
      const joined = await call(nth(n), 'POST', path, { token: person.token })
      expect(joined).toMatchObject({ status: 201, body: { state: 'waiting', position: n + 1 } })
      waiting.push({ id: joined.body.id, person })
    }

    const cancelled = await Promise.all(
      booked
        .slice(0, 5)
        .map(({ id, person }, n) =>
          call(nth(n), 'DELETE', `/api/v1/reservations/${id}`, { token: person?.token ?? '' }),
        ),
    )
    expect(tally(cancelled)).toEqual({ '200': 5 })
    const offered = await sql<{ id: number }>`
      SELECT id FROM waiting_list WHERE slot_id = ${slot} AND state = 'offered' ORDER BY id`.execute(db)
    expect(offered.rows.map(({ id }) => id)).toEqual(waiting.slice(0, 5).map(({ id }) => id))

    // All try at once: people with an offer, people who still wait, and people who are not on the list.
    const claim = (entry: { readonly id: number; readonly person: Person }, n: number): Promise<Answer> =>
      call(nth(n), 'POST', `/api/v1/waiting-list/${entry.id}/claim`, { token: entry.person.token })
    const [claims, early, strangers] = await Promise.all([
      Promise.all(waiting.slice(0, 5).map(claim)),
      Promise.all(waiting.slice(5).map(claim)),
      allBook(refused.slice(30, 60), slot),
    ])
    expect(tally(claims)).toEqual({ '201': 5 })
    expect(tally(early)).toEqual({ '409 bad_state': 25 })
    expect(tally(strangers)).toEqual({ '409 slot_full': 30 })
    const { rows } = await sql<{
      taken: number
      held: number
    }>`SELECT taken, held FROM time_slots WHERE id = ${slot}`.execute(db)
    expect(only(rows)).toEqual({ taken: 20, held: 0 })
    await expectVerified()
  })

  test('of many people for the same slots, gathered in both processes, all succeed without a deadlock', async () => {
    const { db } = database
    const venue = await addVenue(db, { max_reservations_per_user: 100 })
    const slots = await Promise.all([9, 10, 11, 12].map((hour) => addSlot(db, venue, { capacity: 1000, hour })))
    const people = [...(await addPeople(db, 60)), ...(await addPeople(db, 60, 5))]
    // Everybody books every slot at once, in different orders, half of the requests at each process.
    const answers = await Promise.all(
      people.flatMap((person, n) => slots.map((_, k) => book(nth(n + k), person, slots[(n + k) % 4] ?? 0))),
    )
    expect(tally(answers)).toEqual({ '201': people.length * slots.length })
    const { rows } = await sql<{ taken: number }>`SELECT taken FROM time_slots WHERE id = ANY (${slots})`.execute(db)
    expect(rows).toEqual(slots.map(() => ({ taken: people.length })))
    await expectVerified()
  })

  test('make the processes log no warnings and no errors', () => {
    for (const { output } of processes) expect(output()).not.toMatch(/WARN|ERROR|FATAL/i)
  })
})
