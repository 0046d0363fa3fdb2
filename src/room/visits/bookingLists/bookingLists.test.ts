import { readSheet } from 'read-excel-file/node'
import { afterAll, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../../../test/support/database.ts'
import { building, inHours, people, room, setting, storedBooking } from '../../../../test/support/room.ts'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
const staff = await world.person('room:student_worker')
afterAll(() => world.close())

const get = async (path: string, as = staff) => (await world.call('GET', path, { as })).body
const idsOf = ({ rows }: { rows: { id: number }[] }) => rows.map(({ id }) => id)
const all = async (query: string) => idsOf(await get(`/manage/facility/booking/list?${query}`))
const nameOf = ({ id }: Person) => `person${id}`

describe('My bookings', () => {
  it.each(['/manage/facility', '/portal/facility'])(
    'under %s are those of which I am the applicant, the latest first',
    async (door) => {
      const me = await world.person('room:admin')
      const others = await people(world, 3)
      const place = await room(world)
      const first = await storedBooking(world, place, [me, ...others], { start: 1, end: 2 })
      const last = await storedBooking(world, place, [me, ...others], { start: 5, end: 6 })
      await storedBooking(world, place, [...others, me], { start: 3, end: 4 })
      const answer = await get(`${door}/booking/my/list`, me)
      expect(answer).toMatchObject({ code: 200, total: 2 })
      expect(idsOf(answer)).toEqual([last, first])
      expect(answer.rows[1]).toMatchObject({
        roomId: place,
        applicantId: me.id,
        startTime: inHours(world, 1),
        endTime: inHours(world, 2),
        durationMinutes: 60,
        status: '1',
        rejectReason: null,
        roomName: expect.any(String),
        buildingName: expect.any(String),
      })
      expect(idsOf(await get(`${door}/booking/my/list?orderByColumn=startTime&isAsc=asc`, me))).toEqual([first, last])
      expect(idsOf(await get(`${door}/booking/my/list?orderByColumn=start_time&isAsc=ascending`, me))).toEqual([
        first,
        last,
      ])
      expect(await get(`${door}/booking/my/list?pageNum=2&pageSize=1`, me)).toMatchObject({
        rows: [{ id: first }],
        total: 2,
      })
      expect((await get(`${door}/booking/my/list?orderByColumn=purpose;drop`, me)).code).toBe(400)
    },
  )

  it('do not include bookings of others in which I take part; those have their own list', async () => {
    const [me, ...others] = await people(world, 3)
    if (!me) throw new Error('there are three')
    const place = await room(world)
    const mine = await storedBooking(world, place, [me, ...others], { start: 1, end: 2 })
    const joined = await storedBooking(world, place, [...others, me], { start: 3, end: 4 })
    expect(idsOf(await get('/portal/facility/booking/my/list', me))).toEqual([mine])
    expect(idsOf(await get('/portal/facility/booking/joined/list', me))).toEqual([joined])
    expect((await get('/portal/facility/booking/joined/list?status=0', me)).total).toBe(0)
  })

  it('at the desk require its permission', async () => {
    const me = await world.person('room:user')
    const { code, msg } = await get('/manage/facility/booking/my/list', me)
    expect([code, msg]).toEqual([403, expect.stringContaining('manage:facility:booking:list')])
  })
})

describe('The list of all bookings', () => {
  it('filters by the state at the moment, even before the job has settled it', async () => {
    const group = await people(world)
    const place = await room(world)
    const at = (start: number, status: string) => storedBooking(world, place, group, { start, end: start + 2, status })
    const overdue = await at(-1, '0')
    const begun = await at(1, '1')
    const over = await at(-20, '4')
    const pending = await at(10, '0')
    const approved = await at(20, '1')
    world.clock.advance(90)
    const inState = (status: string) => all(`roomId=${place}&status=${status}`)
    expect(await Promise.all(['0', '1', '2', '3', '4', '5'].map(inState))).toEqual([
      [pending],
      [approved],
      [overdue],
      [],
      [begun],
      [over],
    ])
    const { rows } = await get(`/manage/facility/booking/list?roomId=${place}&status=2`)
    expect(rows[0]).toMatchObject({ status: '2', rejectReason: '超时未审核' })
  })

  it('can be filtered by every field, and requires a permission', async () => {
    const [a, b, c] = await people(world)
    if (!a || !b || !c) throw new Error('there are three')
    const buildingId = await building(world)
    const one = await room(world, { buildingId })
    const two = await room(world, { buildingId })
    const first = await storedBooking(world, one, [a, b, c], { start: 200, end: 203, purpose: '100% 排练' })
    const second = await storedBooking(world, two, [b, a, c], { start: 206, end: 209, noShow: true })
    await storedBooking(world, await room(world), [c, a, b], { start: 300, end: 301 })
    const here = `buildingId=${buildingId}`
    expect(await all(here)).toEqual([second, first])
    expect(await all(`roomId=${one}`)).toEqual([first])
    expect(await all(`${here}&bookingId=${first}`)).toEqual([first])
    expect(await all(`${here}&applicantId=${b.id}`)).toEqual([second])
    expect(await all(`applicantUserName=${nameOf(a)}`)).toEqual([first])
    expect(await all(`${here}&purpose=${encodeURIComponent('0% 排')}`)).toEqual([first])
    expect(await all(`${here}&purpose=_`)).toEqual([])
    expect(await all(`${here}&noShow=true`)).toEqual([second])
    expect(await all(`${here}&noShow=false`)).toEqual([first])
    expect(await all(`${here}&from=${inHours(world, 203)}`)).toEqual([second])
    expect(await all(`${here}&to=${inHours(world, 206)}`)).toEqual([first])
    expect(await all(`${here}&from=${inHours(world, 202)}&to=${inHours(world, 207)}`)).toEqual([second, first])
    expect(await all(`${here}&status=&applicantUserName=&from=&to=&noShow=`)).toEqual([second, first])
    expect((await get(`/manage/facility/booking/list?${here}&pageSize=10000`)).total).toBe(2)
    expect((await get('/manage/facility/booking/list', a)).code).toBe(403)
  })

  it('is exported as a workbook, with filters from the query or from a form as the published client posts it', async () => {
    const group = await people(world)
    const buildingId = await building(world, '图书馆')
    const place = await room(world, { buildingId, name: '=1+1', floorNo: -2 })
    const id = await storedBooking(world, place, group, { start: 400, end: 402, status: '0', purpose: '读书会' })
    await storedBooking(world, place, group, { start: 403, end: 404 })
    const send = (request: { method: 'GET' | 'POST'; url: string; payload?: string }) =>
      world.app.inject({
        ...request,
        headers: {
          authorization: `Bearer ${staff.token}`,
          ...(request.payload !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
      })
    const path = '/manage/facility/booking/export'
    const form = `pageNum=1&pageSize=10&buildingId=${buildingId}&status=0&purpose=`
    for (const answer of [
      await send({ method: 'POST', url: `/prod-api${path}`, payload: form }),
      await send({ method: 'GET', url: `${path}?${form}` }),
    ]) {
      expect(answer.headers['content-type']).toContain('spreadsheetml')
      const [header, ...lines] = await readSheet(answer.rawPayload)
      expect(header?.slice(0, 4)).toEqual(['预约编号', '楼房', '楼层', '房间'])
      expect(lines).toHaveLength(1)
      expect(lines[0]?.slice(0, 8)).toEqual([
        ...[id, '图书馆', -2, '=1+1'],
        ...[group[0], group[0]].map((person) => `person${person?.id}`),
        group.map(nameOf).join('、'),
        '读书会',
      ])
      expect(lines[0]?.[11]).toBe('待审核')
    }
    const everything = await send({ method: 'POST', url: path, payload: `buildingId=${buildingId}` })
    expect(await readSheet(everything.rawPayload)).toHaveLength(3)
    expect((await send({ method: 'POST', url: path, payload: 'buildingId=x' })).json()).toMatchObject({ code: 500 })
    const noted = await world.rows<{ n: number }>(
      `SELECT count(*) AS n FROM outbox WHERE operation->>'action' = 'room.booking.export'`,
    )
    expect(noted[0]?.n).toBe(3)
  })

  it('is exported completely if it is longer than one batch', async () => {
    const { id } = await world.person('room:user')
    const place = await room(world)
    await world.rows(`INSERT INTO tb_facility_booking (room_id, applicant_id, purpose, start_time, end_time, status, create_time)
      SELECT ${place}, ${id}, 'n', start, start + interval '1 hour', '3', start
      FROM generate_series('2025-01-01T00:00:00Z'::timestamptz, '2025-04-15T03:00:00Z', '1 hour') start`)
    const { rawPayload } = await world.app.inject({
      url: `/manage/facility/booking/export?roomId=${place}`,
      headers: { authorization: `Bearer ${staff.token}` },
    })
    const ids = (await readSheet(rawPayload)).slice(1).map(([id]) => id)
    expect(ids).toHaveLength(2500)
    expect(new Set(ids).size).toBe(2500)
  })
})

describe('An unknown parameter', () => {
  const wrong = [
    'buildingId',
    'bookingId',
    'applicantId',
    'joinedBy',
    'waitsFor',
    'purpose',
    'applicantUserName',
    'noShow',
  ]
    .flatMap((name) => ['abc', '1.5', 'false', '99999999999999999999'].map((value) => `${name}=${value}`))
    .concat(['purpose=a&purpose=b', 'applicantUserName=a&applicantUserName=b', 'noShow=false&noShow=x'])

  it.each([
    '/portal/facility/booking/my/list',
    '/manage/facility/booking/my/list',
    '/portal/facility/booking/joined/list',
  ])('is ignored by %s', async (path) => {
    const me = await world.person('room:admin')
    const others = await people(world, 2)
    const place = await room(world)
    await storedBooking(world, place, [me, ...others], { start: 600, end: 601, status: '0' })
    await storedBooking(world, place, [...others, me], { start: 602, end: 603, noShow: true })
    const plain = await get(path, me)
    expect(plain.total).toBe(1)
    for (const query of [...wrong, `waitsFor=${me.id}`, `joinedBy=${others[0]?.id}`]) {
      expect([query, await get(`${path}?${query}`, me)]).toEqual([query, plain])
    }
  })

  it('is ignored by the list of all bookings and by its export', async () => {
    const place = await room(world)
    await storedBooking(world, place, await people(world), { start: 600, end: 601 })
    const path = `/manage/facility/booking/list?roomId=${place}`
    const plain = await get(path)
    expect(plain.total).toBe(1)
    for (const name of ['joinedBy', 'waitsFor']) {
      for (const value of ['abc', '1.5', '1&x=2', '99999999999999999999']) {
        expect(await get(`${path}&${name}=${value}`)).toEqual(plain)
        const { headers } = await world.call(
          'GET',
          `/manage/facility/booking/export?roomId=${place}&${name}=${value}`,
          { as: staff },
        )
        expect(headers['content-type']).toContain('spreadsheetml')
      }
    }
  })
})

describe('The details of a booking', () => {
  it('contain the participants, the applicant first, and the names that pages show', async () => {
    const [b, a, c] = await people(world)
    if (!a || !b || !c) throw new Error('there are three')
    const place = await room(world, { buildingId: await building(world, '信息楼'), name: '会议室201' })
    const id = await storedBooking(world, place, [a, b, c], { start: -1, end: 2 })
    const { data } = await get(`/manage/facility/booking/${id}`)
    expect(data.booking).toMatchObject({ id, roomId: place, applicantId: a.id, purpose: '会议', status: '4' })
    expect(
      data.users.map(({ userId, isApplicant }: { userId: number; isApplicant: string }) => [userId, isApplicant]),
    ).toEqual([[a.id, '1'], ...[b.id, c.id].sort((x, y) => x - y).map((other) => [other, '0'])])
    // The members of BookingUser in the document, and the names that pages show.
    const parts = await world.rows<{ id: number }>(
      `SELECT id FROM tb_facility_booking_user WHERE booking_id = ${id} AND user_id = ${a.id}`,
    )
    expect(data.users[0]).toEqual({
      ...parts[0],
      bookingId: id,
      userId: a.id,
      isApplicant: '1',
      userName: nameOf(a),
      nickName: nameOf(a),
    })
    expect(data.meta).toEqual({
      roomName: '会议室201',
      buildingName: '信息楼',
      applicantName: nameOf(a),
      statusText: '进行中',
    })
  })

  it('are shown to participants and staff; for others the booking is 404', async () => {
    const group = await people(world)
    const id = await storedBooking(world, await room(world), group, { start: 1, end: 2 })
    const path = `/portal/facility/booking/${id}`
    for (const as of [...group, staff]) expect((await get(path, as)).data.booking.id).toBe(id)
    const nothing = { code: 404, msg: '预约不存在' }
    expect(await get(path, await world.person('room:user'))).toEqual(nothing)
    expect(await get('/portal/facility/booking/9007199254740991', group[0])).toEqual(nothing)
    expect(await get('/manage/facility/booking/9007199254740991')).toEqual(nothing)
    expect((await get(`/manage/facility/booking/${id}`, group[0])).code).toBe(403)
  })
})

describe('With a replica that is behind, the portal', () => {
  it('shows a new booking, and the data that booking needs, at once', async () => {
    const site = await openWorld()
    const behind = await openTestDatabase()
    try {
      Object.assign(site.kernel, { reads: behind.db })
      const [me, ...others] = await people(site)
      const roomId = await room(site)
      const ask = async (path: string) => (await site.call('GET', `/portal/facility${path}`, { as: me })).body
      const day = inHours(site, 24).slice(0, 10)
      const payload = {
        roomId,
        purpose: '会议',
        startTime: `${day} 10:00:00`,
        endTime: `${day} 11:00:00`,
        userIdList: others.map(({ id }) => id),
      }
      expect((await ask('/building/list')).total).toBe(1)
      expect((await ask('/room/list')).rows).toMatchObject([{ id: roomId }])
      expect((await ask(`/room/${roomId}`)).data).toMatchObject({ id: roomId })
      expect((await ask(`/user/search?keyword=person${others[0]?.id}`)).data).toMatchObject([{ userId: others[0]?.id }])
      await setting(site, { advance_days: 9 })
      expect((await ask('/setting')).data).toMatchObject({ advanceDays: 9 })
      const { body } = await site.call('POST', '/portal/facility/booking', { as: me, payload })
      expect(body.code).toBe(200)
      expect((await ask(`/booking/${body.data.id}`)).data.booking).toMatchObject({ id: body.data.id })
      expect(idsOf(await ask('/booking/my/list'))).toEqual([body.data.id])
      const free = `/room/free?start=${payload.startTime}&end=${payload.endTime}`
      expect((await ask(free)).data.rooms).toEqual([])
    } finally {
      await site.close()
      await behind.close()
    }
  })
})
