import { afterAll, describe, expect, it } from 'vitest'
import { at } from '../support/room.ts'
import type { Method, Person } from '../support/world.ts'
import { SERIES } from './filledRooms.ts'
import { fingerprint, openFilledWorld } from './filledWorld.ts'
import { readDocument } from './operations.ts'
import { misjudged, tableName } from './whoMay.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
afterAll(() => world.close())

/** Roles in order: each may do more than the one before. */
const roles = ['nobody', 'portal user', 'student worker', 'administrator'] as const

/** The least role for every operation, written by hand; `{}` stands for any parameter. */
const leastRole: Readonly<Record<(typeof roles)[number], readonly string[]>> = {
  nobody: ['GET /captchaImage', 'POST /login', 'POST /logout', 'POST /register'],
  'portal user': [
    'GET /getInfo',
    'GET /getRouters',
    'DELETE /portal/facility/booking/{}',
    'DELETE /portal/facility/booking/series/{}',
    'GET /portal/facility/booking/{}',
    'GET /portal/facility/booking/joined/list',
    'GET /portal/facility/booking/my/calendar-link',
    // The private link opens it without a log-in.
    'GET /portal/facility/booking/my/calendar.ics',
    'GET /portal/facility/booking/my/list',
    'GET /portal/facility/building/list',
    'GET /portal/facility/notice/list',
    'GET /portal/facility/notice/unread-count',
    'GET /portal/facility/room/{}',
    'GET /portal/facility/room/{}/timeline',
    'GET /portal/facility/room/free',
    'GET /portal/facility/room/list',
    'GET /portal/facility/setting',
    'GET /portal/facility/top/room',
    'GET /portal/facility/user/search',
    'POST /portal/facility/booking',
    'POST /portal/facility/booking/my/calendar-link/reset',
    'POST /portal/facility/booking/recurring',
    'PUT /portal/facility/booking/{}',
    'PUT /portal/facility/booking/{}/end-early',
    'PUT /portal/facility/booking/{}/leave',
    'PUT /portal/facility/notice/read',
    'PUT /system/user/profile/updatePwd',
  ],
  'student worker': [
    'DELETE /manage/facility/booking/{}',
    'DELETE /manage/facility/booking/{}/force',
    'DELETE /manage/facility/booking/{}/no-show',
    'GET /manage/facility/ban/list',
    'GET /manage/facility/booking/{}',
    'GET /manage/facility/booking/audit/list',
    'GET /manage/facility/booking/export',
    'GET /manage/facility/booking/list',
    'GET /manage/facility/booking/my/list',
    'GET /manage/facility/building/{}',
    'GET /manage/facility/building/{}/gantt',
    'GET /manage/facility/building/list',
    'GET /manage/facility/closure/{}',
    'GET /manage/facility/closure',
    'GET /manage/facility/closure/list',
    'GET /manage/facility/room/{}',
    'GET /manage/facility/room/{}/timeline',
    'GET /manage/facility/room/list',
    'GET /manage/facility/setting/audit-required',
    'GET /manage/facility/top/room',
    'POST /manage/facility/booking',
    'POST /manage/facility/booking/export',
    'PUT /manage/facility/booking/{}',
    'PUT /manage/facility/booking/{}/approve',
    'PUT /manage/facility/booking/{}/end-early',
    'PUT /manage/facility/booking/{}/no-show',
    'PUT /manage/facility/booking/{}/reject',
    'PUT /manage/facility/booking/audit/approve',
    'PUT /manage/facility/booking/audit/reject',
  ],
  administrator: [
    'DELETE /manage/facility/ban/{}',
    'DELETE /manage/facility/building/{}',
    'DELETE /manage/facility/closure/{}',
    'DELETE /manage/facility/room/{}',
    'GET /manage/facility/approver',
    'GET /manage/facility/approver/list',
    'GET /manage/facility/room/importTemplate',
    'GET /manage/facility/statistics/usage',
    'GET /manage/facility/top/user',
    'POST /manage/facility/ban',
    'POST /manage/facility/building',
    'POST /manage/facility/closure',
    'POST /manage/facility/room',
    'POST /manage/facility/room/export',
    'POST /manage/facility/room/import',
    'POST /manage/facility/room/importTemplate',
    'PUT /manage/facility/approver/{}',
    'PUT /manage/facility/ban/{}/confirm',
    'PUT /manage/facility/building',
    'PUT /manage/facility/closure',
    'PUT /manage/facility/room',
    'PUT /manage/facility/room/{}/enable',
    'PUT /manage/facility/setting/audit-required',
    'PUT /manage/facility/staff/{}',
  ],
}

describe('Permissions for rooms', () => {
  const operations = () => api.operations.filter(({ product }) => product === 'room')

  it('are written down for every operation, and for no others', () => {
    const written = roles.flatMap((role) => leastRole[role])
    expect(
      operations()
        .map((operation) => tableName(operation))
        .sort(),
    ).toEqual([...written].sort())
  })

  it('are enforced by every operation for every role: 401 if not signed in, 403 with the name of a missing permission', {
    timeout: 60_000,
  }, async () => {
    const cast = [
      { role: 'nobody', person: undefined },
      { role: 'portal user', person: world.portalUser },
      // Every account of this site may book rooms, and has no other right here.
      { role: 'portal user', person: world.employee },
      { role: 'portal user', person: world.venueAdministrator },
      { role: 'portal user', person: world.clinicAdministrator },
      { role: 'student worker', person: world.studentWorker },
      { role: 'administrator', person: world.roomAdministrator },
      { role: 'administrator', person: world.administrator },
    ] as const
    expect(await misjudged(world, operations(), { roles, leastRole, cast })).toEqual([])
  })

  it('are checked first: a caller without permission learns nothing from a body, a bad id or a missing object', async () => {
    const { portalUser } = world
    for (const id of ['1', '999999', 'abc']) {
      const path = `/manage/facility/booking/${id}/reject`
      const msg = expect.stringContaining('manage:facility:booking:audit:reject')
      expect((await world.call('PUT', path, { as: portalUser, payload: [] })).body).toEqual({ code: 403, msg })
      expect((await world.call('PUT', path, { payload: [] })).body).toMatchObject({ code: 401 })
    }
  })
})

/** A call on an object that belongs to another user. */
interface Trespass {
  readonly method: Method
  readonly path: string
  readonly payload?: object
}

/** Fails unless every call gets this refusal, and nothing is written. */
async function expectRefused(calls: readonly Trespass[], as: Person, refusal: { code: number; msg: string }) {
  const before = await fingerprint(world)
  const answers = []
  for (const { method, path, payload } of calls) {
    const { body } = await world.call(method, path, { as, ...(payload && { payload }) })
    answers.push({ call: `${method} ${path}`, ...body })
  }
  expect(answers).toEqual(calls.map(({ method, path }) => ({ call: `${method} ${path}`, ...refusal })))
  expect(await fingerprint(world)).toBe(before)
}

const notThere = { code: 404, msg: '预约不存在' }
const person = (id: number): Person => {
  const found = world.people[id - 1]
  if (!found) throw new Error(`there is no person ${id}`)
  return found
}

describe('A booking of another user', () => {
  const changes = (id: number): Trespass[] => {
    const path = `/portal/facility/booking/${id}`
    return [
      { method: 'PUT', path, payload: { purpose: '聚会' } },
      { method: 'PUT', path: `${path}/end-early`, payload: {} },
      { method: 'DELETE', path },
    ]
  }
  const reading = (id: number): Trespass => ({ method: 'GET', path: `/portal/facility/booking/${id}` })
  const leaving = (id: number): Trespass => ({ method: 'PUT', path: `/portal/facility/booking/${id}/leave` })

  it('is not found in the portal, in any state', async () => {
    // Pending, approved, ongoing, rejected, cancelled, completed, and an id that never existed.
    for (const id of [1, 2, 3, 4, 5, 6, 999_999]) {
      const calls = [reading(id), leaving(id), ...changes(id)]
      await expectRefused(calls, world.portalUser, notThere)
      await expectRefused(calls, world.venueAdministrator, notThere)
    }
  })

  it('can be read by its participants, and changed only by its applicant', async () => {
    for (const id of [1, 2, 3]) {
      await expectRefused(changes(id), person(id + 1), notThere)
      expect((await world.call('GET', reading(id).path, { as: person(id + 1) })).body).toMatchObject({ code: 200 })
      expect((await world.call('GET', reading(id).path, { as: person(id) })).body).toMatchObject({ code: 200 })
    }
  })

  it('can be read but not changed by staff in the portal', async () => {
    for (const as of [world.studentWorker, world.roomAdministrator, world.administrator]) {
      await expectRefused([leaving(1), ...changes(1)], as, notThere)
      expect((await world.call('GET', reading(1).path, { as })).body).toMatchObject({ code: 200 })
    }
  })

  it('can’t be edited on the staff side either', async () => {
    const edit: Trespass = { method: 'PUT', path: '/manage/facility/booking/1', payload: { purpose: '聚会' } }
    const notApplicant = { code: 403, msg: '仅申请人可以修改预约' }
    await expectRefused([edit], world.studentWorker, notApplicant)
    await expectRefused([edit], world.administrator, notApplicant)
  })

  it('can’t be cancelled through its series', async () => {
    const off: Trespass = { method: 'DELETE', path: `/portal/facility/booking/series/${SERIES}` }
    const noSeries = { code: 404, msg: '系列预约不存在' }
    // Neither other users nor staff can.
    for (const as of [world.portalUser, person(8), world.roomAdministrator]) await expectRefused([off], as, noSeries)
  })

  it('is not in the lists of other users, with any query', async () => {
    for (const list of ['my', 'joined']) {
      for (const query of ['', '?applicantId=1', '?userId=1', '?applicantUserName=person1']) {
        const { body } = await world.call('GET', `/portal/facility/booking/${list}/list${query}`, {
          as: world.portalUser,
        })
        expect(body).toMatchObject({ code: 200, rows: [], total: 0 })
      }
    }
    const { body } = await world.call('GET', '/manage/facility/booking/my/list?applicantId=1', {
      as: world.studentWorker,
    })
    expect(body).toMatchObject({ rows: [], total: 0 })
  })

  it('is on the timeline of its room without its purpose and names', async () => {
    const line = async (as: Person) => (await world.call('GET', '/portal/facility/room/2/timeline', { as })).body.data
    const times = { start: at(world, 2, '09:00'), end: at(world, 2, '12:00') }
    expect((await line(world.portalUser)).segments).toEqual([{ id: 2, ...times, status: 'approved' }])
    expect((await line(person(2))).segments).toEqual([
      { id: 2, ...times, status: 'approved', purpose: '会议', applicantName: 'person2' },
    ])
  })
})

describe('Personal data of another user', () => {
  it('is protected in notices: they are neither listed nor marked as read', async () => {
    const unread = async (as: Person) =>
      (await world.call('GET', '/portal/facility/notice/unread-count', { as })).body.data.unread
    const theirs = await world.call('GET', '/portal/facility/notice/list', { as: person(1) })
    expect(theirs.body.total).toBeGreaterThan(0)
    const ids = theirs.body.rows.map(({ id }: { id: number }) => id)
    const before = await unread(person(1))
    const { portalUser: as } = world
    expect((await world.call('GET', '/portal/facility/notice/list', { as })).body).toMatchObject({ rows: [], total: 0 })
    await world.call('PUT', '/portal/facility/notice/read', { as, payload: { ids } })
    expect(await unread(person(1))).toBe(before)
  })

  it('is protected in the calendar: a link opens only its owner’s, and a forged link opens nothing', async () => {
    const calendar = '/portal/facility/booking/my/calendar.ics'
    const link = async (as: Person, path = '/portal/facility/booking/my/calendar-link') => {
      const { body } = await world.call('GET', path, { as })
      return new URL(body.data?.url ?? body.url).searchParams.get('token') ?? ''
    }
    const read = async (token: string) => (await world.call('GET', `${calendar}?token=${token}`)).body
    const [mine, theirs] = [await link(world.portalUser), await link(person(2))]
    expect(await read(theirs)).toContain('BEGIN:VEVENT')
    expect(await read(mine)).not.toContain('BEGIN:VEVENT')
    const ofVenue = await link(person(2), '/api/v1/users/me/calendar-link')
    for (const bad of [`${theirs}x`, theirs.slice(1), ofVenue, 'x']) {
      expect(await read(bad), bad).toEqual({ code: 404, msg: expect.any(String) })
    }
    // Signing in does not make a bad link valid.
    expect((await world.call('GET', `${calendar}?token=x`, { as: world.portalUser })).body.code).toBe(404)
  })

  it('is protected in the search for people, which returns only the id and names', async () => {
    const { body } = await world.call('GET', '/portal/facility/user/search?keyword=person2', { as: world.portalUser })
    expect(body.data).toContainEqual({ userId: 2, userName: 'person2', nickName: 'person2' })
    expect(Object.keys(body.data[0]).sort()).toEqual(['nickName', 'userId', 'userName'])
  })
})

describe('A student worker who is limited to buildings', () => {
  const elsewhere = { code: 403, msg: '该预约不在您负责审核的楼房内' }

  it('can’t decide on bookings elsewhere', async () => {
    const { studentWorker } = world
    await expectRefused(
      [
        { method: 'PUT', path: '/manage/facility/booking/7/approve' },
        { method: 'PUT', path: '/manage/facility/booking/7/reject', payload: { reason: '材料不全' } },
        // Nor on bookings that are already decided.
        { method: 'PUT', path: '/manage/facility/booking/2/approve' },
      ],
      studentWorker,
      elsewhere,
    )
    const before = await fingerprint(world)
    for (const [what, payload] of [
      ['approve', { ids: [7, 8, 999_999] }],
      ['reject', { ids: [7, 8, 999_999], reason: '材料不全' }],
    ] as const) {
      const { body } = await world.call('PUT', `/manage/facility/booking/audit/${what}`, { as: studentWorker, payload })
      expect(body.data).toEqual([
        { id: 7, ...elsewhere },
        { id: 8, ...elsewhere },
        { id: 999_999, ...notThere },
      ])
    }
    expect(await fingerprint(world)).toBe(before)
  })

  it('sees and decides only pending bookings of their buildings', async () => {
    const waiting = async (as: Person, query = '') => {
      const { body } = await world.call('GET', `/manage/facility/booking/audit/list${query}`, { as })
      return body.rows.map(({ id }: { id: number }) => id)
    }
    expect(await waiting(world.roomAdministrator)).toEqual([1, 7, 8])
    expect(await waiting(world.studentWorker)).toEqual([1])
    expect(await waiting(world.studentWorker, '?buildingId=4')).toEqual([])
    expect(await waiting(world.studentWorker, '?bookingId=7')).toEqual([])
    const { body } = await world.call('PUT', '/manage/facility/booking/1/approve', { as: world.studentWorker })
    expect(body).toEqual({ code: 200, msg: '操作成功' })
  })

  it('can’t give themselves buildings or rights', async () => {
    const { studentWorker, portalUser } = world
    const lacks = (permission: string) => ({ code: 403, msg: `没有权限，请联系管理员授权：${permission}` })
    const limit = (id: number): Trespass => ({
      method: 'PUT',
      path: `/manage/facility/approver/${id}`,
      payload: { buildingIds: [] },
    })
    await expectRefused([limit(studentWorker.id)], studentWorker, lacks('manage:facility:approver:edit'))
    const before = await fingerprint(world)
    for (const as of [studentWorker, portalUser]) {
      const roles = { roles: ['room:admin'] }
      const answer = await world.call('PUT', `/api/v1/users/${as.id}/roles`, { as, payload: roles })
      expect(answer.status).toBe(403)
    }
    // Registering gives access to the portal; other requested rights are ignored.
    expect(await fingerprint(world)).toBe(before)
    const account = { username: 'newcomer', password: 'violet-harbour-42', roles: ['admin'], role: 'room:admin', id: 1 }
    expect((await world.call('POST', '/register', { payload: account })).body.code).toBe(200)
    const { body } = await world.call('POST', '/login', { payload: account })
    const headers = { authorization: `Bearer ${body.token}` }
    expect((await world.call('GET', '/getInfo', { headers })).body).toMatchObject({ roles: [], permissions: [] })
  })
})
