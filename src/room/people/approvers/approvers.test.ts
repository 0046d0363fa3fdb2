import { afterAll, describe, expect, it } from 'vitest'
import { building } from '../../../../test/support/room.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
const worker = await world.person('room:student_worker')
const user = await world.person('room:user')
afterAll(() => world.close())

const APPROVERS = '/manage/facility/approver'
const list = async (query = '') => (await world.call('GET', `${APPROVERS}/list?${query}`, { as: admin })).body
const limit = async (userId: number, buildingIds: unknown, as = admin) =>
  (await world.call('PUT', `${APPROVERS}/${userId}`, { as, payload: { buildingIds } })).body

describe('Approvers', () => {
  it('are all users who may approve, and decide about all buildings by default', async () => {
    const { rows, total } = await list()
    expect(total).toBe(2)
    expect(rows.map(({ userId }: { userId: number }) => userId)).toEqual([admin.id, worker.id])
    expect(rows[1]).toMatchObject({ allBuildings: true, buildings: [] })
    expect((await world.call('GET', APPROVERS, { as: admin })).body).toEqual(await list())
  })

  it('are limited to the named buildings; an empty list removes the limit', async () => {
    const [north, south] = [await building(world, '北楼'), await building(world, '南楼')]
    expect(await limit(worker.id, [north, south, north])).toEqual({ code: 200, msg: '操作成功' })
    expect(await limit(worker.id, [south])).toMatchObject({ code: 200 })
    expect((await list('orderByColumn=userId&isAsc=desc')).rows[0]).toMatchObject({
      userId: worker.id,
      allBuildings: false,
      buildings: [{ id: south, buildingName: '南楼' }],
    })
    await limit(worker.id, [])
    expect((await list()).rows[1]).toMatchObject({ allBuildings: true })
    await world.drain()
    expect(
      await world.rows(
        `SELECT changes FROM operation_log WHERE action = 'room.approver.limit' AND resource_id = '${worker.id}' ORDER BY id DESC LIMIT 1`,
      ),
    ).toEqual([{ changes: { buildingIds: [[south], []] } }])
  })

  it('limited to a deleted building decide about no building', async () => {
    const gone = await building(world)
    await limit(worker.id, [gone])
    await world.rows(`UPDATE tb_facility_building SET del_flag = '2' WHERE id = ${gone}`)
    expect((await list()).rows[1]).toMatchObject({ allBuildings: false, buildings: [] })
  })

  it('can be found by user name', async () => {
    const name = (await list()).rows[0].username
    expect((await list(`username=${name}`)).rows).toMatchObject([{ userId: admin.id }])
  })

  it('can be limited only if they may approve and the buildings exist', async () => {
    expect(await limit(user.id, [])).toEqual({ code: 500, msg: '该用户不存在或没有审核权限' })
    expect(await limit(999_999_999, [])).toMatchObject({ code: 500 })
    expect(await limit(worker.id, [999_999_999])).toEqual({ code: 404, msg: '楼房不存在：999999999' })
    expect(await limit(worker.id, 'all')).toMatchObject({ code: 500, msg: expect.stringContaining('buildingIds') })
  })

  it('can’t limit themselves or list approvers as student workers', async () => {
    expect(await limit(worker.id, [], worker)).toMatchObject({ code: 403 })
    expect((await world.call('GET', `${APPROVERS}/list`, { as: worker })).body.code).toBe(403)
  })
})
