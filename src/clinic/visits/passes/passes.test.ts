import { afterAll, describe, expect, it } from 'vitest'
import { hospitalAdmin } from '../../../../test/support/clinic.ts'
import { call, logOf, visit } from '../../../../test/support/clinicVisits.ts'
import { openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(async () => {
  expect(await world.verify()).toEqual([])
  await world.close()
})

const admin = await hospitalAdmin(world)
const PATH = '/admin/consultation/config'
const read = (of = '') => call(world, admin, 'GET', `${PATH}${of}`)
const set = (payload: object) => call(world, admin, 'PUT', PATH, payload)

/** The number of passes after which a new patient of a doctor counts as absent. */
async function passesUntilAbsent(own: Awaited<ReturnType<typeof visit>>, more = {}) {
  for (let n = 1; ; n += 1) {
    await call(world, own.doctor, 'POST', '/doctor/consultation/next', { schedule_id: own.scheduleId })
    const payload = { order_id: own.orderId, ...more }
    const { code, message } = await call(world, own.doctor, 'POST', '/doctor/consultation/pass', payload)
    if (code !== 0 || message.status === 'no_show') return code === 0 ? n : message
  }
}

describe('How often a patient may be passed', () => {
  it('is 3, unless the hospital or the doctor has another number', async () => {
    const [first, second, third, fourth] = [
      await visit(world),
      await visit(world),
      await visit(world),
      await visit(world),
    ]
    expect((await read()).message).toEqual({
      maxPassCount: 3,
      source: 'DEFAULT',
      description: '系统默认值',
      updateTime: null,
    })
    expect(await passesUntilAbsent(first)).toBe(3)
    const global = { scope_type: 'GLOBAL', max_pass_count: 2, description: '门诊部规定' }
    expect((await set(global)).message).toEqual({
      maxPassCount: 2,
      source: 'GLOBAL',
      description: '门诊部规定',
      updateTime: '2026-03-02T08:00:00',
    })
    expect(await passesUntilAbsent(second)).toBe(2)
    const own = `?scope_type=DOCTOR&scope_id=${third.doctorId}`
    expect((await read(own)).message).toMatchObject({ maxPassCount: 2, source: 'GLOBAL' })
    await set({ scope_type: 'DOCTOR', scope_id: third.doctorId, max_pass_count: 4 })
    expect((await read(own)).message).toMatchObject({ maxPassCount: 4, source: 'DOCTOR', description: '医生个人设置' })
    expect((await read()).message).toMatchObject({ maxPassCount: 2 })
    expect(await passesUntilAbsent(third)).toBe(4)
    expect(await passesUntilAbsent(fourth, { max_pass_count: 1 }), 'the call names it').toBe(1)
    await set({ scope_type: 'DOCTOR', scope_id: third.doctorId, max_pass_count: null })
    expect((await set({ max_pass_count: null })).message).toMatchObject({ maxPassCount: 3, source: 'DEFAULT' })
    expect((await read(own)).message).toMatchObject({ maxPassCount: 3, source: 'DEFAULT' })
  })

  it('is a number from 1 to 10, of a doctor who exists, set by administrators only', async () => {
    const { doctorId, doctor: own } = await visit(world)
    for (const max_pass_count of [0, 11, 1.5, '甲', undefined])
      expect(await set({ max_pass_count })).toMatchObject({ code: 99 })
    expect(await set({ scope_type: 'DOCTOR', max_pass_count: 2 })).toMatchObject({ code: 99 })
    expect(await set({ scope_type: 'CLINIC', scope_id: 1, max_pass_count: 2 })).toMatchObject({ code: 99 })
    expect(await set({ scope_type: 'DOCTOR', scope_id: 999_999, max_pass_count: 2 })).toMatchObject({ code: 106 })
    for (const most of [1, 10])
      expect(await set({ scope_type: 'DOCTOR', scope_id: doctorId, max_pass_count: most })).toMatchObject({ code: 0 })
    expect(await call(world, own, 'PUT', PATH, { max_pass_count: 2 })).toMatchObject({ code: 102 })
    await world.drain()
    const log = await world.rows<{ changes: unknown }>(
      `SELECT changes FROM operation_log WHERE action = 'clinic.consultation.configure'
       AND resource_id = 'DOCTOR:${doctorId}' ORDER BY id`,
    )
    expect(log.map(({ changes }) => changes)).toEqual([{ maxPassCount: [3, 1] }, { maxPassCount: [1, 10] }])
  })

  it('is deleted with its doctor', async () => {
    const { doctorId } = await visit(world)
    await set({ scope_type: 'DOCTOR', scope_id: doctorId, max_pass_count: 5 })
    expect((await world.call('DELETE', `/admin/doctors/${doctorId}?force=true`, { as: admin })).body.code).toBe(0)
    expect(await world.rows(`SELECT FROM system_config WHERE scope_id = ${doctorId}`)).toEqual([])
    expect(await logOf(world, 'clinic_doctor', doctorId)).not.toEqual([])
  })
})
