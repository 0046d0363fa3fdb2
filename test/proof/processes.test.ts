import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { book, call, tally } from './client.ts'
import { addPeople, addSlot, addVenue, only, type Person } from './site.ts'

describe.runIf(onServer)('Two servers and a worker', () => {
  let database: TestDatabase
  let fleet: Fleet
  let left: Running
  let right: Running
  const sockets: WebSocket[] = []

  beforeAll(async () => {
    database = await openTestDatabase('empty')
    fleet = await openFleet({ url: database.url ?? '' })
    // All start at once on an empty database; one of them migrates it.
    const all = await Promise.all([fleet.start('server'), fleet.start('server'), fleet.start('worker')])
    left = all[0]
    right = all[1]
  }, 60_000)

  afterAll(async () => {
    for (const socket of sockets) socket.terminate()
    await fleet?.close()
    await database?.close()
  })

  const me = (running: Running, person: Person) => call(running.url, 'GET', '/api/v1/users/me', { token: person.token })

  test('are ready after they start together on an empty database', async () => {
    for (const { url } of [left, right]) expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  test('have two valid set-up tokens, one for each server and none for the worker', async () => {
    for (const server of [left, right])
      await expect.poll(server.output, { timeout: 5000 }).toMatch(/"token":"[\w-]{32}"/)
    const { rows } = await database.pool.query(
      `SELECT jsonb_array_length(value) AS good FROM settings WHERE key = 'setup_tokens'`,
    )
    expect(rows).toEqual([{ good: 2 }])
  })

  test('refuse a session on one server after its log-out on the other', async () => {
    const person = only(await addPeople(database.db, 1))
    expect(await me(left, person)).toMatchObject({ status: 200 })
    expect((await call(left.url, 'POST', '/api/v1/users/logout', { token: person.token })).status).toBe(204)
    await expect.poll(async () => (await me(right, person)).status, { timeout: 10_000 }).toBe(401)
    expect((await me(left, person)).status).toBe(401)
  })

  test('send a booking made on one server to a WebSocket on the other, through the worker', async () => {
    const { db } = database
    const person = only(await addPeople(db, 1))
    const slot = await addSlot(db, await addVenue(db))
    const frames: {
      readonly type: string
      readonly notification?: { readonly type: string; readonly data: unknown }
    }[] = []
    const socket = new WebSocket(`${right.url?.replace('http', 'ws')}/ws/notifications`)
    sockets.push(socket)
    socket.on('message', (bytes) => frames.push(JSON.parse(String(bytes))))
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'auth', token: person.token }))
    await expect.poll(() => frames.map(({ type }) => type), { interval: 20, timeout: 5000 }).toEqual(['ready'])
    const booked = await book(left.url, person, slot)
    expect(booked.status).toBe(201)
    await expect.poll(() => frames.length, { interval: 20, timeout: 5000 }).toBe(2)
    expect(frames[1]).toMatchObject({
      type: 'message',
      notification: { type: 'reservation.confirmed', data: { reservation_id: booked.body.id } },
    })
  })

  test('end in order when npm, which runs them, is asked to end', async () => {
    const worker = await fleet.start('worker', {}, 'npm')
    expect(await worker.end()).toBe(0)
    expect(worker.output()).toContain('stopping')
  })

  test('answer the requests they have when they are asked to end, and end with 0', async () => {
    const { db } = database
    const people = await addPeople(db, 50)
    const slot = await addSlot(db, await addVenue(db), { capacity: 50 })
    const answers = people.map((person) => book(left.url, person, slot))
    // Some requests have been answered; the others are running or not yet connected.
    await Promise.race(answers)
    const asked = performance.now()
    expect(await left.end()).toBe(0)
    // Much sooner than the grace period (10 s): idle kept connections do not delay the end.
    expect(performance.now() - asked).toBeLessThan(5000)
    const outcomes = await Promise.allSettled(answers)
    const answered = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const { 201: acknowledged, ...others } = tally(answered)
    expect(Object.keys(others).filter((outcome) => outcome !== '503 stopping')).toEqual([])
    // A request without an answer booked nothing.
    const { rows } = await database.pool.query('SELECT count(*)::int AS booked FROM reservations WHERE slot_id = $1', [
      slot,
    ])
    expect(rows).toEqual([{ booked: acknowledged }])
  })
})
