import { afterAll, describe, expect, it } from 'vitest'
import type { Answer, Method, Person } from '../support/world.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { leastRole, roles } from './leastRole.ts'
import { type Operation, readDocument } from './operations.ts'
import { misjudged, tableName } from './whoMay.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

/** Room and clinic have tables of their own. */
const hasOwnTable = ({ product }: Operation) => product === 'room' || product === 'clinic'

describe('Permissions', () => {
  it('are listed for every operation of site, support and venue, and for no others', () => {
    const written = roles.flatMap((role) => leastRole[role])
    expect(written).toHaveLength(new Set(written).size)
    const names = api.operations.filter((operation) => !hasOwnTable(operation)).map(tableName)
    expect([...new Set(names)].sort()).toEqual([...written].sort())
  })

  it('are enforced by every operation for every role', { timeout: 60_000 }, async () => {
    const { administrator, venueAdministrator, leader, employee, visitor } = world
    const cast = [
      { role: 'nobody', person: undefined },
      { role: 'visitor', person: visitor },
      // Users of the other products have accounts here, and no permission.
      { role: 'visitor', person: world.portalUser },
      { role: 'visitor', person: world.studentWorker },
      { role: 'visitor', person: world.roomAdministrator },
      { role: 'visitor', person: world.clinicAdministrator },
      { role: 'employee', person: employee },
      { role: 'leader', person: leader },
      { role: 'administrator', person: venueAdministrator },
      { role: 'administrator', person: administrator },
    ] as const
    const operations = api.operations.filter((operation) => !hasOwnTable(operation))
    expect(await misjudged(world, operations, { roles, leastRole, cast })).toEqual([])
  })

  it('are checked first: a caller without permission learns nothing from a body, a bad id or a missing object', async () => {
    const { employee } = world
    for (const path of ['/api/v1/users/1', '/api/v1/users/999999', '/api/v1/users/abc']) {
      expect((await world.call('PUT', path, { as: employee, payload: { status: 'disabled' } })).status).toBe(403)
      expect((await world.call('PUT', path, { payload: { nonsense: true } })).status).toBe(401)
    }
  })
})

describe('An object of another user', () => {
  /** A call on an object that belongs to another user. */
  interface Trespass {
    readonly method: Method
    readonly path: string
    readonly payload?: object
  }

  async function expectRefused(calls: readonly Trespass[], as: Person, expected: Partial<Answer['body']>) {
    const before = await fingerprint(world)
    const answers = []
    for (const { method, path, payload } of calls) {
      const { status, body } = await world.call(method, path, { as, ...(payload && { payload }) })
      answers.push({ call: `${method} ${path}`, status, code: body.code })
    }
    expect(answers).toEqual(calls.map(({ method, path }) => ({ call: `${method} ${path}`, ...expected })))
    expect(await fingerprint(world)).toBe(before)
  }
  const notFound = { status: 404, code: 'not_found' }
  const forbidden = { status: 403, code: 'forbidden' }

  const onReservation = (id: number): Trespass[] =>
    ['/api/v1', '/api'].flatMap((root) => {
      const path = `${root}/reservations/${id}`
      return [
        { method: 'GET', path },
        { method: 'PUT', path, payload: { time_slot_id: 8 } },
        { method: 'DELETE', path },
        { method: 'GET', path: `${path}/alternatives` },
        { method: 'GET', path: `${path}/rebook` },
        { method: 'POST', path: `${path}/check-in`, payload: {} },
        { method: 'POST', path: `${path}/check-out` },
        { method: 'POST', path: `${path}/confirm` },
        { method: 'POST', path: `${path}/rating`, payload: { score: 1 } },
        { method: 'POST', path: `${path}/rebook`, payload: { time_slot_id: 8 } },
        { method: 'POST', path: `${path}/reminder` },
      ]
    })

  it('is not found: reservations of others, in any state', async () => {
    const walkThrough: Trespass[] = ['confirm', 'reminder'].map((notice) => ({
      method: 'POST',
      path: `/api/notifications/reservations/1/${notice}`,
    }))
    // Confirmed, pending, completed with a rating, displaced.
    for (const id of [1, 2, 6, 9]) {
      await expectRefused(onReservation(id), world.employee, notFound)
      await expectRefused(onReservation(id), world.leader, notFound)
    }
    await expectRefused(walkThrough, world.employee, notFound)
    const [owner] = world.people
    expect((await world.call('GET', '/api/v1/reservations/1', owner && { as: owner })).status).toBe(200)
    expect((await world.call('GET', '/api/v1/reservations/1', { as: world.venueAdministrator })).status).toBe(200)
  })

  it('is answered like one that never existed', async () => {
    const theirs = await world.call('GET', '/api/v1/reservations/1', { as: world.employee })
    const none = await world.call('GET', '/api/v1/reservations/999999', { as: world.employee })
    expect({ ...theirs.body, request_id: '' }).toEqual({ ...none.body, request_id: '' })
  })

  it('can’t be a new reservation: employees and leaders get 403 when they book for another person', async () => {
    const [somebody] = world.people
    const request = { user_id: somebody?.id, time_slot_id: 8 }
    const calls: Trespass[] = ['/api/v1', '/api'].flatMap((root) => [
      { method: 'POST', path: `${root}/reservations`, payload: request },
      {
        method: 'POST',
        path: `${root}/reservations/recurring`,
        payload: { ...request, weeks: 2, mode: 'best_effort' },
      },
    ])
    await expectRefused(calls, world.employee, forbidden)
    await expectRefused(calls, world.leader, forbidden)
  })

  it('is not listed: each user’s lists have only their own, and waiting lists and ratings show no names', async () => {
    const { employee } = world
    for (const path of [
      '/api/v1/reservations',
      '/api/v1/users/me/waiting-list',
      '/api/v1/notifications',
      '/api/v1/logs/me',
    ]) {
      for (const query of ['', '?user_id=1', '?actor_id=1']) {
        expect((await world.call('GET', path + query, { as: employee })).body).toMatchObject({ total: 0, items: [] })
      }
    }
    const { body } = await world.call('GET', '/api/v1/venues/5/waiting-list', { as: employee })
    expect(body.total).toBe(4)
    expect(body.items.map((one: { user_id: unknown }) => one.user_id)).toEqual([null, null, null, null])
    expect(JSON.stringify((await world.call('GET', '/api/v1/venues/1/ratings')).body)).not.toContain('person')
  })

  it('is not found: waiting-list entries of others', async () => {
    const calls: Trespass[] = ['/api/v1', '/api'].flatMap((root) => [
      { method: 'DELETE', path: `${root}/waiting-list/1` },
      { method: 'POST', path: `${root}/waiting-list/1/claim` },
    ])
    await expectRefused(calls, world.employee, notFound)
    await expectRefused(calls, world.leader, notFound)
  })

  it('is not changed: notifications of others', async () => {
    const [owner] = world.people
    if (!owner) throw new Error('there are people')
    const { body: theirs } = await world.call('GET', '/api/v1/notifications', { as: owner })
    expect(theirs.total).toBeGreaterThan(0)
    const ids = theirs.items.map(({ id }: { id: number }) => id)
    const read = await world.call('POST', '/api/v1/notifications/read', { as: world.employee, payload: { ids } })
    expect(read.body).toEqual({ marked: 0, unread: 0 })
    const { body: after } = await world.call('GET', '/api/v1/notifications/unread-count', { as: owner })
    expect(after.unread).toBe(theirs.total)
  })

  it('needs a permission: accounts, roles, logs, credit and points of any user, even of the caller', async () => {
    for (const as of [world.employee, world.leader, world.visitor]) {
      const calls: Trespass[] = [1, as.id].flatMap((id) => [
        { method: 'GET', path: `/api/v1/users/${id}` },
        { method: 'PUT', path: `/api/v1/users/${id}`, payload: { display_name: 'Somebody' } },
        { method: 'DELETE', path: `/api/v1/users/${id}` },
        { method: 'GET', path: `/api/v1/users/${id}/roles` },
        { method: 'PUT', path: `/api/v1/users/${id}/roles`, payload: { roles: ['admin'] } },
        { method: 'GET', path: `/api/v1/logs/user/${id}` },
        { method: 'GET', path: `/api/v1/users/${id}/credit` },
        { method: 'GET', path: `/api/v1/users/${id}/points` },
        { method: 'POST', path: `/api/v1/users/${id}/points-grants`, payload: { delta: 100, note: 'a present' } },
        { method: 'POST', path: `/api/v1/users/${id}/credit-adjustments`, payload: { delta: 1, note: 'a present' } },
        { method: 'GET', path: `/api/admin/users/${id}` },
        { method: 'PUT', path: `/api/admin/users/${id}`, payload: { status: 'active' } },
      ])
      await expectRefused(calls, as, forbidden)
    }
  })

  it('can’t be reached by setting protected fields of the caller’s own account, which are refused', async () => {
    const before = await fingerprint(world)
    for (const payload of [
      { roles: ['admin'] },
      { status: 'active' },
      { id: 1 },
      { department: 'x' },
      { username: 'x' },
    ]) {
      expect((await world.call('PUT', '/api/v1/users/me', { as: world.employee, payload })).status).toBe(400)
    }
    const request = { username: 'newcomer', password: 'violet-harbour-42' }
    for (const more of [{ roles: ['admin'] }, { role: 'admin' }, { status: 'active' }, { id: 1 }]) {
      const answer = await world.call('POST', '/api/v1/users/register', { payload: { ...request, ...more } })
      expect(answer.status).toBe(400)
    }
    expect(await fingerprint(world)).toBe(before)
  })

  it('does not allow escalation: a venue administrator can’t grant or revoke the role of site administrator', async () => {
    const { venueAdministrator, administrator } = world
    const calls: Trespass[] = [
      { method: 'PUT', path: '/api/v1/users/1/roles', payload: { roles: ['admin'] } },
      {
        method: 'PUT',
        path: `/api/v1/users/${venueAdministrator.id}/roles`,
        payload: { roles: ['admin', 'venue:admin'] },
      },
      { method: 'PUT', path: `/api/v1/users/${administrator.id}/roles`, payload: { roles: [] } },
      { method: 'PUT', path: `/api/v1/users/${administrator.id}`, payload: { status: 'disabled' } },
      { method: 'DELETE', path: `/api/v1/users/${administrator.id}` },
    ]
    await expectRefused(calls, venueAdministrator, { status: 403, code: 'beyond_own_rights' })
  })
})
