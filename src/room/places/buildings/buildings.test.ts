import { afterAll, describe, expect, it } from 'vitest'
import { building, room } from '../../../../test/support/room.ts'
import { type Method, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
afterAll(() => world.close())

const path = '/manage/facility/building'
const call = async (method: Method, url: string, payload?: unknown, as = admin) =>
  (await world.call(method, url, { as, payload })).body

describe('Buildings', () => {
  it('are added, read, changed and listed, with the fields of the document', async () => {
    const added = await call('POST', path, {
      id: null,
      buildingName: '信息楼',
      status: '0',
      remark: '东门',
      createBy: null,
    })
    expect(added).toEqual({ code: 200, msg: '操作成功', data: { id: expect.any(Number) } })
    const { id } = added.data
    const row = {
      id,
      buildingName: '信息楼',
      status: '0',
      remark: '东门',
      createTime: '2026-03-02 08:00:00',
      updateTime: null,
    }
    expect(await call('GET', `${path}/${id}`)).toEqual({ code: 200, msg: '操作成功', data: row })

    expect(await call('PUT', path, { ...row, buildingName: '信息大楼', searchValue: null })).toEqual({
      code: 200,
      msg: '操作成功',
    })
    const changed = { ...row, buildingName: '信息大楼', updateTime: '2026-03-02 08:00:00' }
    expect((await call('GET', `${path}/${id}`)).data).toEqual(changed)
    expect(await call('GET', `${path}/list?buildingName=${encodeURIComponent('息大')}&status=0`)).toEqual({
      code: 200,
      msg: '查询成功',
      rows: [changed],
      total: 1,
    })
    expect((await call('GET', `${path}/list?buildingName=${encodeURIComponent('息大')}&status=1`)).total).toBe(0)
  })

  it('keep fields that a change omits or sends as null; null removes only the remark', async () => {
    const { id } = (await call('POST', path, { buildingName: '图书馆', remark: '安静' })).data
    await call('PUT', path, { id, buildingName: null, status: '1' })
    expect((await call('GET', `${path}/${id}`)).data).toMatchObject({
      buildingName: '图书馆',
      status: '1',
      remark: '安静',
    })
    await call('PUT', path, { id, remark: null })
    expect((await call('GET', `${path}/${id}`)).data).toMatchObject({ status: '1', remark: '' })
  })

  it('have unique names; the name of a deleted building is free again', async () => {
    const { id } = (await call('POST', path, { buildingName: '唯一楼' })).data
    const taken = { code: 500, msg: '楼房名称已存在' }
    expect(await call('POST', path, { buildingName: ' 唯一楼 ' })).toEqual(taken)
    const { id: other } = (await call('POST', path, { buildingName: '另一楼' })).data
    expect(await call('PUT', path, { id: other, buildingName: '唯一楼' })).toEqual(taken)
    expect((await call('DELETE', `${path}/${id}`)).code).toBe(200)
    expect((await call('PUT', path, { id: other, buildingName: '唯一楼' })).code).toBe(200)
  })

  it('are listed in the requested order and pages, at most 100 per page with the true total', async () => {
    for (let n = 0; n < 103; n += 1) await building(world, `排序 ${String(n).padStart(3, '0')}`)
    const list = (query: string) => call('GET', `${path}/list?buildingName=${encodeURIComponent('排序')}&${query}`)
    const names = (answer: { rows: { buildingName: string }[] }) => answer.rows.map(({ buildingName }) => buildingName)
    expect(names(await list('pageSize=2&pageNum=2'))).toEqual(['排序 002', '排序 003'])
    expect(names(await list('pageSize=2&orderByColumn=buildingName&isAsc=descending'))).toEqual([
      '排序 102',
      '排序 101',
    ])
    const all = await list('pageSize=10000&status=')
    expect([all.rows.length, all.total]).toEqual([100, 103])
    expect((await list('orderByColumn=password')).code).toBe(400)
  })

  it('are deleted all or none: the refusal names a building that has rooms, and an unknown building is 404', async () => {
    const free = await building(world, '空楼')
    const full = await building(world, '满楼')
    const inside = await room(world, { buildingId: full })
    expect(await call('DELETE', `${path}/${free},${full}`)).toEqual({
      code: 409,
      msg: '楼房下还有房间，不能删除：满楼',
    })
    expect(await call('DELETE', `${path}/${free},999999`)).toEqual({ code: 404, msg: '楼房不存在' })
    expect((await call('GET', `${path}/${free}`)).code).toBe(200)
    await world.rows(`UPDATE tb_facility_room SET del_flag = '2' WHERE id = ${inside}`)
    expect((await call('DELETE', `${path}/${free},${full},${free}`)).code).toBe(200)
    for (const id of [free, full]) {
      expect(await call('GET', `${path}/${id}`)).toEqual({ code: 404, msg: '楼房不存在' })
    }
    expect(await world.rows(`SELECT del_flag FROM tb_facility_building WHERE id = ${free}`)).toEqual([
      { del_flag: '2' },
    ])
    expect((await call('PUT', path, { id: free, remark: 'x' })).code).toBe(404)
  })

  it('raise the revision of their rooms when their status changes, but not when their remark changes', async () => {
    const id = await building(world)
    const inside = await room(world, { buildingId: id })
    const revision = async () =>
      (await world.rows<{ revision: number }>(`SELECT revision FROM tb_facility_room WHERE id = ${inside}`))[0]
        ?.revision
    await call('PUT', path, { id, remark: 'nothing that matters' })
    expect(await revision()).toBe(1)
    await call('PUT', path, { id, status: '1' })
    expect(await revision()).toBe(2)
  })

  it('refuse an invalid request with the name of the field, and an unknown id with 404', async () => {
    expect(await call('POST', path, { status: '0' })).toEqual({ code: 500, msg: '参数不全或有误：缺少 buildingName' })
    expect(await call('POST', path, { buildingName: ' ' })).toEqual({
      code: 500,
      msg: '参数不全或有误：buildingName 不能为空',
    })
    expect((await call('POST', path, { buildingName: 'x', status: '2' })).msg).toContain('status 只能是')
    expect((await call('POST', path, { buildingName: 'x'.repeat(101) })).code).toBe(500)
    expect((await call('DELETE', `${path}/1,a`)).code).toBe(500)
    expect((await call('GET', `${path}/99999999999999999999`)).code).toBe(404)
    expect((await call('GET', `${path}/9007199254740991`)).code).toBe(404)
  })

  it('require a separate permission for each operation', async () => {
    const worker = await world.person('room:student_worker')
    const person = await world.person('room:user')
    expect((await call('GET', `${path}/list`, undefined, worker)).code).toBe(200)
    expect(await call('GET', `${path}/list`, undefined, person)).toEqual({
      code: 403,
      msg: '没有权限，请联系管理员授权：manage:facility:building:list',
    })
    for (const [method, url, name] of [
      ['POST', path, 'add'],
      ['PUT', path, 'edit'],
      ['DELETE', `${path}/1`, 'remove'],
    ] as const) {
      expect((await call(method, url, {}, worker)).msg).toContain(`manage:facility:building:${name}`)
    }
  })

  it('write every change to the operation log', async () => {
    const { id } = (await call('POST', path, { buildingName: '记录楼' })).data
    await call('PUT', path, { id, status: '1' })
    await call('DELETE', `${path}/${id}`)
    await world.drain()
    expect(
      await world.rows(
        `SELECT action, changes FROM operation_log WHERE resource = 'room_building' AND resource_id = '${id}' ORDER BY id`,
      ),
    ).toEqual([
      { action: 'room.building.create', changes: { buildingName: [null, '记录楼'], status: [null, '0'] } },
      { action: 'room.building.update', changes: { status: ['0', '1'] } },
      { action: 'room.building.delete', changes: { buildingName: ['记录楼', null] } },
    ])
  })
})
