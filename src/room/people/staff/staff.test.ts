import { afterAll, expect, it } from 'vitest'
import { openWorld, type Person } from '../../../../test/support/world.ts'

const world = await openWorld()
const admin = await world.person('room:admin')
const student = await world.person('room:user')
afterAll(() => world.close())

const appoint = async ({ id }: Pick<Person, 'id'>, role: string | null, as = admin) =>
  (await world.call('PUT', `/manage/facility/staff/${id}`, { as, payload: { role } })).body
const rolesOf = async (as: Person) => (await world.call('GET', '/getInfo', { as })).body.roles
const mayDecide = async (as: Person) =>
  (await world.call('GET', '/manage/facility/booking/audit/list', { as })).body.code === 200

it('makes a user a student worker, an administrator or neither, from the next request on', async () => {
  expect(await mayDecide(student)).toBe(false)
  expect(await appoint(student, 'student_worker')).toEqual({ code: 200, msg: '操作成功' })
  expect([await rolesOf(student), await mayDecide(student)]).toEqual([['student_worker'], true])
  await appoint(student, 'admin')
  expect(await rolesOf(student)).toEqual(['admin'])
  await appoint(student, null)
  expect([await rolesOf(student), await mayDecide(student)]).toEqual([[], false])
})

it('does not change roles of other products', async () => {
  const leader = await world.person('venue:leader')
  await appoint(leader, 'student_worker')
  const roles = await world.rows(`SELECT role FROM user_roles WHERE user_id = ${leader.id} ORDER BY role`)
  expect(roles).toEqual([{ role: 'room:student_worker' }, { role: 'venue:leader' }])
})

it('lets only administrators appoint staff, and not change their own role', async () => {
  const worker = await world.person('room:student_worker')
  expect((await appoint(student, 'student_worker', worker)).code).toBe(403)
  expect(await appoint(admin, null)).toEqual({ code: 409, msg: '不能更改自己的角色' })
})

it('refuses an unknown user and an unknown role', async () => {
  expect(await appoint({ id: 987654 }, 'admin')).toEqual({ code: 404, msg: '用户不存在' })
  expect(await appoint(student, 'king')).toMatchObject({ code: 500, msg: expect.stringContaining('role') })
})
