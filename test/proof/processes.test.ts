import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { onServer, openTestDatabase, type TestDatabase } from '../support/database.ts'
import { type Fleet, openFleet, type Running } from '../support/processes.ts'
import { book, call, tally } from './client.ts'
import { addPeople, addSlot, addVenue, only, type Person } from './site.ts'

describe.runIf(onServer)('two servers and a worker', () => {
  let database: TestDatabase
  let fleet: Fleet
  let left: Running
  let right: Running
  const sockets: WebSocket[] = []

  beforeAll(async () => {
    database = await openTestDatabase('empty')
    fleet = await openFleet({ url: database.url ?? '' })
    // On an empty database, all at once: one of them migrates.
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

  test('Processes that start together on an empty database are all ready', async () => {
    for (const { url } of [left, right]) expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  test('Each server shows a set-up token; a worker, which shows none, does not push one out', async () => {
    for (const server of [left, right])
      await expect.poll(server.output, { timeout: 5000 }).toMatch(/"token":"[\w-]{32}"/)
    const { rows } = await database.pool.query(
      `SELECT jsonb_array_length(value) AS good FROM settings WHERE key = 'setup_tokens'`,
    )
    expect(rows).toEqual([{ good: 2 }])
  })

  test('A log-out on one process is refused on the other', async () => {
    const person = only(await addPeople(database.db, 1))
    expect(await me(left, person)).toMatchObject({ status: 200 })
    expect((await call(left.url, 'POST', '/api/v1/users/logout', { token: person.token })).status).toBe(204)
    await expect.poll(async () => (await me(right, person)).status, { timeout: 10_000 }).toBe(401)
    expect((await me(left, person)).status).toBe(401)
  })

  test('A WebSocket on one process hears of a booking made on the other, handed on by the worker', async () => {
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

  test('A process under npm ends in order when npm is asked to', async () => {
    const worker = await fleet.start('worker', {}, 'npm')
    expect(await worker.end()).toBe(0)
    expect(worker.output()).toContain('stopping')
  })

  test('A process that is asked to end answers what it was asked before, and ends with 0', async () => {
    const { db } = database
    const people = await addPeople(db, 50)
    const slot = await addSlot(db, await addVenue(db), { capacity: 50 })
    const answers = people.map((person) => book(left.url, person, slot))
    // Some have been answered, the others are in flight or not yet connected.
    await Promise.race(answers)
    const asked = performance.now()
    expect(await left.end()).toBe(0)
    // Long before the grace that stragglers get (10 s): connections that are kept alive don't hold it up.
    expect(performance.now() - asked).toBeLessThan(5000)
    const outcomes = await Promise.allSettled(answers)
    const answered = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const { 201: acknowledged, ...others } = tally(answered)
    expect(Object.keys(others).filter((outcome) => outcome !== '503 stopping')).toEqual([])
    // Nothing was done without an answer: those who got none booked nothing.
    const { rows } = await database.pool.query('SELECT count(*)::int AS booked FROM reservations WHERE slot_id = $1', [
      slot,
    ])
    expect(rows).toEqual([{ booked: acknowledged }])
  })
})
