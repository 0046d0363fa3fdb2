import { buffer } from 'node:stream/consumers'
import { readSheet } from 'read-excel-file/node'
import { afterAll, describe, expect, it } from 'vitest'
import { at, building, meeting, people, room, setting } from '../../../../test/support/room.ts'
import { type Method, openWorld } from '../../../../test/support/world.ts'
import { fromMemory, type Row } from '../../../kernel/exports/rows.ts'
import { xlsxOf } from '../../../kernel/exports/xlsx.ts'
import { COLUMNS } from './rules.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
await setting(world, { audit_required: false })
afterAll(() => world.close())

const path = '/manage/facility/room'
const call = async (method: Method, url: string, payload?: unknown, as = admin) =>
  (await world.call(method, url, { as, payload })).body
const ok = { code: 200, msg: '操作成功' }
const read = async (id: number) => (await call('GET', `${path}/${id}`)).data
const revisionOf = async (id: number) =>
  (await world.rows<{ revision: number }>(`SELECT revision FROM tb_facility_room WHERE id = ${id}`))[0]?.revision

/** Books a room for `count` people and returns the id of the booking. */
async function book(roomId: number, from: string, to: string, { count = 3, day = 1 } = {}): Promise<number> {
  const [as, ...others] = await people(world, count)
  const times = { startTime: at(world, day, from), endTime: at(world, day, to) }
  const payload = { ...meeting(world, roomId, others), ...times }
  const { body } = await world.call('POST', '/portal/facility/booking', { as: as ?? admin, payload })
  expect(body).toMatchObject({ code: 200 })
  const rows = await world.rows<{ id: number }>(
    `SELECT max(id) AS id FROM tb_facility_booking WHERE room_id = ${roomId}`,
  )
  return rows[0]?.id ?? 0
}

/** Prepares a booking of three people for tomorrow noon; the returned function sends it and can be called again. */
async function noonRequest(roomId: number) {
  const [as, ...others] = await people(world)
  const times = { startTime: at(world, 1, '12:00'), endTime: at(world, 1, '13:00') }
  const payload = { ...meeting(world, roomId, others), ...times }
  return () => call('POST', '/portal/facility/booking', payload, as)
}

describe('Rooms', () => {
  it('are added, read, changed and listed, with the fields of the document', async () => {
    const buildingId = await building(world, '信息楼')
    const added = await call('POST', path, {
      buildingId,
      floorNo: -2,
      roomName: '会议室B201',
      capacity: 20,
      equipmentTags: '白板， 电视,白板',
      status: '0',
      createTime: null,
    })
    expect(added).toEqual({ ...ok, data: { id: expect.any(Number) } })
    const row = {
      id: added.data.id,
      buildingId,
      buildingName: '信息楼',
      floorNo: -2,
      roomName: '会议室B201',
      capacity: 20,
      equipmentTags: '白板,电视',
      status: '0',
      openHours: null,
      createTime: '2026-03-02 08:00:00',
      updateTime: null,
    }
    expect(await call('GET', `${path}/${row.id}`)).toEqual({ ...ok, data: row })
    expect(await call('PUT', path, { ...row, roomName: '会议室B202', equipmentTags: null, params: {} })).toEqual(ok)
    const changed = { ...row, roomName: '会议室B202', equipmentTags: '', updateTime: '2026-03-02 08:00:00' }
    expect(await read(row.id)).toEqual(changed)
    expect(await call('GET', `${path}/list?buildingId=${buildingId}&floorNo=-2`)).toEqual({
      code: 200,
      msg: '查询成功',
      rows: [changed],
      total: 1,
    })
  })

  it('can be filtered by building, floor, status, name, capacity and equipment, and sorted by known columns', async () => {
    const buildingId = await building(world)
    const small = await room(world, { buildingId, floorNo: 1, capacity: 5, name: '小_室', tags: '白板' })
    const large = await room(world, { buildingId, floorNo: 2, capacity: 50, name: '大室', tags: '白板,电视' })
    await world.rows(`UPDATE tb_facility_room SET status = '1' WHERE id = ${large}`)
    const found = async (query: string) =>
      (await call('GET', `${path}/list?buildingId=${buildingId}&${query}`)).rows.map((one: { id: number }) => one.id)
    expect(await found('floorNo=&status=&roomName=&capacity=&equipmentTags=')).toEqual([small, large])
    expect(await found('floorNo=2')).toEqual([large])
    expect(await found('status=0')).toEqual([small])
    expect(await found('roomName=_')).toEqual([small])
    expect(await found('capacity=6')).toEqual([large])
    expect(await found(`equipmentTags=${encodeURIComponent('电视，白板')}`)).toEqual([large])
    expect(await found('orderByColumn=capacity&isAsc=desc')).toEqual([large, small])
    expect((await call('GET', `${path}/list`)).total).toBeGreaterThan(2)
    expect((await call('GET', `${path}/list?orderByColumn=revision`)).code).toBe(400)
  })

  it('have unique names on their floor; the name of a deleted room is free again', async () => {
    const buildingId = await building(world)
    const fields = { buildingId, floorNo: 1, roomName: '101', capacity: 5 }
    const { id } = (await call('POST', path, fields)).data
    expect(await call('POST', path, fields)).toEqual({ code: 500, msg: '该楼层已有同名房间' })
    expect((await call('POST', path, { ...fields, floorNo: 2 })).code).toBe(200)
    expect((await call('PUT', path, { id, floorNo: 2 })).msg).toBe('该楼层已有同名房间')
    await call('DELETE', `${path}/${id}`)
    expect((await call('POST', path, fields)).code).toBe(200)
  })

  it('are refused in a building that does not exist, and can’t be changed if they do not exist', async () => {
    const id = await room(world)
    const gone = await building(world)
    await call('DELETE', `/manage/facility/building/${gone}`)
    const lost = { code: 404, msg: '楼房不存在' }
    expect(await call('POST', path, { buildingId: gone, floorNo: 1, roomName: 'x', capacity: 5 })).toEqual(lost)
    expect(await call('PUT', path, { id, buildingId: gone })).toEqual(lost)
    expect(await call('PUT', path, { id: 999_999, capacity: 5 })).toEqual({ code: 404, msg: '房间不存在' })
  })

  it('store opening hours in order, keep them through other changes, and refuse overlapping or invalid ones', async () => {
    const id = await room(world)
    const openHours = [
      { weekday: 2, opens: '08:00', closes: '24:00' },
      { weekday: 1, opens: '14:00', closes: '18:00' },
      { weekday: 1, opens: '08:00', closes: '12:00' },
    ]
    expect(await call('PUT', path, { id, openHours })).toEqual(ok)
    expect((await read(id)).openHours).toEqual(openHours.toReversed())
    await call('PUT', path, { id, capacity: 21 })
    expect((await read(id)).openHours).toHaveLength(3)

    const first = { weekday: 1, opens: '08:00', closes: '12:00' }
    for (const [bad, name] of [
      [{ ...first, opens: '11:00', closes: '13:00' }, 'openHours.1'],
      [{ ...first, opens: '13:00', closes: '13:00' }, 'openHours.1.closes'],
      [{ ...first, weekday: 8 }, 'openHours.1.weekday'],
      [{ ...first, opens: '24:00' }, 'openHours.1.opens'],
    ] as const) {
      const answer = await call('PUT', path, { id, openHours: [first, bad] })
      expect(answer).toEqual({ code: 500, msg: expect.stringContaining(name) })
    }
    await call('PUT', path, { id, openHours: [] })
    expect((await read(id)).openHours).toBeNull()
  })

  it('can’t be booked outside their opening hours', async () => {
    const id = await room(world)
    await call('PUT', path, { id, openHours: [{ weekday: 2, opens: '08:00', closes: '12:00' }] })
    await book(id, '09:00', '12:00')
    const ask = await noonRequest(id)
    expect((await ask()).code).toBe(500)
  })

  it('can be disabled and enabled; disabling raises the revision, keeps existing bookings and refuses new ones', async () => {
    const id = await room(world)
    const standing = await book(id, '09:00', '10:00')
    const revision = await revisionOf(id)
    expect(await call('PUT', `${path}/${id}/enable?enable=false`)).toEqual(ok)
    expect(await read(id)).toMatchObject({ status: '1' })
    expect(await revisionOf(id)).toBeGreaterThan(revision ?? 0)
    expect(await world.rows(`SELECT status FROM tb_facility_booking WHERE id = ${standing}`)).toEqual([{ status: '1' }])
    const ask = await noonRequest(id)
    expect((await ask()).code).toBe(500)
    await call('PUT', `${path}/${id}/enable?enable=true`)
    expect((await ask()).code).toBe(200)
    expect((await call('PUT', `${path}/${id}/enable`)).msg).toContain('缺少 enable')
    expect((await call('PUT', `${path}/999999/enable?enable=true`)).code).toBe(404)
  })

  it('can’t become too small for a booking that is not over yet', async () => {
    const id = await room(world)
    await book(id, '09:00', '10:00', { count: 5 })
    expect(await call('PUT', path, { id, capacity: 4 })).toEqual({
      code: 409,
      msg: expect.stringContaining('已有预约的使用人数超过新的容量'),
    })
    expect((await call('PUT', path, { id, capacity: 5 })).code).toBe(200)
    world.clock.advance(2 * 24 * 60)
    expect((await call('PUT', path, { id, capacity: 3 })).code).toBe(200)
  })

  it('can’t move to another building while they have bookings that are not over yet', async () => {
    const id = await room(world)
    const other = await building(world)
    await book(id, '09:00', '10:00')
    expect(await call('PUT', path, { id, buildingId: other })).toEqual({
      code: 409,
      msg: expect.stringContaining('不能移动到其他楼房'),
    })
    world.clock.advance(2 * 24 * 60)
    expect((await call('PUT', path, { id, buildingId: other })).code).toBe(200)
    expect((await read(id)).buildingId).toBe(other)
  })

  it('are deleted all or none: the refusal names the room with a booking that is not over yet', async () => {
    const free = await room(world)
    const booked = await room(world, { name: '有约的房间' })
    await book(booked, '09:00', '10:00')
    expect(await call('DELETE', `${path}/${free},${booked}`)).toEqual({
      code: 409,
      msg: '房间还有未结束的预约，不能删除：有约的房间',
    })
    expect((await call('DELETE', `${path}/${free},999999`)).code).toBe(404)
    expect((await read(free)).id).toBe(free)
    world.clock.advance(2 * 24 * 60)
    expect(await call('DELETE', `${path}/${free},${booked}`)).toEqual(ok)
    expect(await call('GET', `${path}/${booked}`)).toEqual({ code: 404, msg: '房间不存在' })
    expect(await world.rows(`SELECT del_flag FROM tb_facility_room WHERE id = ${booked}`)).toEqual([{ del_flag: '2' }])
  })

  it('require a separate permission for each operation', async () => {
    const worker = await world.person('room:student_worker')
    const person = await world.person('room:user')
    expect((await call('GET', `${path}/list`, undefined, worker)).code).toBe(200)
    expect((await call('GET', `${path}/list`, undefined, person)).msg).toContain('manage:facility:room:list')
    expect((await call('GET', `${path}/1`, undefined, person)).msg).toContain('manage:facility:room:get')
    for (const [method, url, name] of [
      ['POST', path, 'add'],
      ['PUT', path, 'edit'],
      ['PUT', `${path}/1/enable?enable=true`, 'enable'],
      ['DELETE', `${path}/1`, 'remove'],
      ['POST', `${path}/import`, 'import'],
      ['POST', `${path}/importTemplate`, 'import'],
      ['POST', `${path}/export`, 'export'],
    ] as const) {
      expect((await call(method, url, {}, worker)).msg).toContain(`manage:facility:room:${name}`)
    }
  })
})

/** Imports a workbook with these rows and returns the answer. */
async function importing(rows: readonly Row[], columns: readonly string[] = COLUMNS) {
  return upload(await buffer(xlsxOf({ columns, rows: fromMemory(rows) }, 'Asia/Shanghai')))
}

async function upload(file: Buffer) {
  const form = new FormData()
  form.set('updateSupport', '1')
  form.set('file', new Blob([new Uint8Array(file)]), '房间.xlsx')
  const encoded = new Response(form)
  const headers = { 'content-type': encoded.headers.get('content-type') ?? '' }
  const payload = Buffer.from(await encoded.arrayBuffer())
  return (await world.call('POST', `${path}/import?updateSupport=0`, { as: admin, headers, payload })).body
}

async function exported(query: string, payload?: string) {
  const answer = await world.app.inject({
    method: 'POST',
    url: `${path}/export?${query}`,
    headers: {
      authorization: `Bearer ${admin.token}`,
      ...(payload !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(payload !== undefined && { payload }),
  })
  return { headers: answer.headers, file: answer.rawPayload }
}

describe('Importing rooms', () => {
  it('adds new rooms, changes existing ones, and leaves identical ones alone', async () => {
    const buildingId = await building(world, '实验楼')
    const known = await room(world, { buildingId, floorNo: 3, name: '301', capacity: 10 })
    const same = await room(world, { buildingId, floorNo: 3, name: '302', capacity: 10 })
    const answer = await importing([
      ['实验楼', 3, '301', 30, '投影', '禁用', '周一 08:00-12:00'],
      ['实验楼', 3, '302', 10, null, '启用', null],
      ['实验楼', -1, 'B1', 200, null, null, null],
    ])
    expect(answer).toEqual({ code: 200, msg: '导入成功：新增 1 间，更新 1 间', data: { added: 1, changed: 1 } })
    expect(await read(known)).toMatchObject({
      capacity: 30,
      equipmentTags: '投影',
      status: '1',
      openHours: [{ weekday: 1, opens: '08:00', closes: '12:00' }],
    })
    expect([await revisionOf(known), await revisionOf(same)]).toEqual([2, 1])
    const { rows } = await call('GET', `${path}/list?buildingId=${buildingId}&floorNo=-1`)
    expect(rows).toMatchObject([{ roomName: 'B1', capacity: 200, status: '0', openHours: null, equipmentTags: '' }])
  })

  it('imports nothing if a line is wrong, and names the lines with their errors', async () => {
    const buildingId = await building(world, '教学楼')
    const booked = await room(world, { buildingId, floorNo: 1, name: '有约', capacity: 20 })
    await book(booked, '09:00', '10:00', { count: 4 })
    const good = ['教学楼', 1, '新房间', 10, null, null, null]
    expect(await importing([good, ['教学楼', 'x', '坏', 10, null, null, null], good])).toEqual({
      code: 500,
      msg: '导入失败，共 2 处错误，未导入任何数据。第 3 行：楼层应为 -100 到 1000 的整数；第 4 行：与前面的行重复',
    })
    expect((await importing([good, ['<b>没有这楼</b>', 1, 'x', 10, null, null, null]])).msg).toBe(
      '导入失败，共 1 处错误，未导入任何数据。第 3 行：楼房不存在',
    )
    expect((await importing([good, ['教学楼', 1, '有约', 3, null, null, null]])).msg).toContain(
      '第 3 行：已有预约的使用人数超过新的容量',
    )
    expect((await importing(Array.from({ length: 60 }, () => ['教学楼', 1, null, 1, null, null, null]))).msg).toMatch(
      /共 60 处错误.*第 21 行[^第]*；……$/,
    )
    expect((await call('GET', `${path}/list?buildingId=${buildingId}`)).total).toBe(1)
  })

  it('refuses files that are not a workbook of rooms or are too large', async () => {
    expect((await importing([])).msg).toBe('导入失败：文件中没有房间')
    expect((await importing([['x']], ['名称'])).msg).toContain('第一行应包含这些列：楼房名称、楼层')
    expect((await upload(Buffer.from('楼房名称,楼层'))).msg).toBe('文件不是有效的 Excel 工作簿（.xlsx），或已损坏')
    expect((await call('POST', `${path}/import`, {})).code).toBe(500)
    const many = Array.from({ length: 5001 }, (_, n) => ['教学楼', 1, `r${n}`, 1, null, null, null])
    expect((await importing(many)).msg).toBe('工作簿内容过大')
  })

  it('imports 5,000 rooms, and changes nothing when they are imported again', async () => {
    const buildingId = await building(world, '宿舍楼')
    const many = Array.from({ length: 5000 }, (_, n) => ['宿舍楼', n % 20, `r${n}`, 4, '白板', '启用', null])
    expect(await importing(many)).toMatchObject({ code: 200, data: { added: 5000, changed: 0 } })
    expect(await importing(many)).toMatchObject({ code: 200, data: { added: 0, changed: 0 } })
    expect((await call('GET', `${path}/list?buildingId=${buildingId}`)).total).toBe(5000)
  })
})

describe('Exporting rooms', () => {
  it('exports the filtered rooms in the columns of the import; filters come in the query or in a form', async () => {
    const buildingId = await building(world, '体育馆')
    await room(world, { buildingId, floorNo: -1, name: '=SUM(A1)', capacity: 12, tags: '镜子,音响' })
    const other = await room(world, { buildingId, floorNo: 2, name: '舞蹈室', capacity: 30 })
    await call('PUT', path, { id: other, status: '1', openHours: [{ weekday: 6, opens: '09:00', closes: '24:00' }] })
    const { headers, file } = await exported(`buildingId=${buildingId}`)
    expect(headers['content-disposition']).toContain(encodeURIComponent('房间.xlsx'))
    expect(await readSheet(file)).toEqual([
      [...COLUMNS],
      ['体育馆', -1, '=SUM(A1)', 12, '镜子,音响', '启用', null],
      ['体育馆', 2, '舞蹈室', 30, null, '禁用', '周六 09:00-24:00'],
    ])
    const form = await exported('', `pageNum=1&buildingId=${buildingId}&status=1&roomName=`)
    expect(await readSheet(form.file)).toHaveLength(2)
    expect(await upload(file)).toMatchObject({ code: 200, data: { added: 0, changed: 0 } })
    const { body } = await world.call('POST', `${path}/export?status=7`, { as: admin })
    expect(body).toEqual({ code: 500, msg: expect.stringContaining('status') })
  })

  it.each(['GET', 'POST'] as const)('gives an empty template with the columns of the import (%s)', async (method) => {
    const { rawPayload } = await world.app.inject({
      method,
      url: `${path}/importTemplate`,
      headers: { authorization: `Bearer ${admin.token}` },
    })
    expect(await readSheet(rawPayload)).toEqual([[...COLUMNS]])
  })
})
