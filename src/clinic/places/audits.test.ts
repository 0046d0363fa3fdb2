import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  department,
  doctor,
  hospitalAdmin,
  inDays,
  type PatientPerson,
  patient,
  schedule,
} from '../../../test/support/clinic.ts'
import { type Method, openWorld, type Person } from '../../../test/support/world.ts'
import { newName } from '../../kernel/files/storage.ts'
import { insertFile } from '../../kernel/files/store.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())

let admin: Person
beforeAll(async () => {
  admin = await hospitalAdmin(world)
})

const ask = async (as: Person, method: Method, path: string, payload?: unknown) =>
  (await world.call(method, path, { as, payload })).body
const register = (person: PatientPerson, scheduleId: number) =>
  ask(person, 'POST', '/patient/appointments', { scheduleId, patientId: person.patientId })
const pay = (person: PatientPerson, id: number) =>
  ask(person, 'POST', `/patient/appointments/${id}/pay`, { method: 'wechat' })
const refusedWith = (code: number, msg: string) => ({ code, message: { msg: expect.stringContaining(msg) } })
const codes = (answers: readonly { readonly code: number }[]) => answers.map(({ code }) => code).sort((a, b) => a - b)

const team = async () => {
  const of = await department(world)
  const head = await doctor(world, of.deptId, { isHead: true })
  const member = await doctor(world, of.deptId)
  return { of, head, member }
}

describe('Leaves', () => {
  it('that are approved stop, refund and tell with alternatives, and delete sessions without orders', async () => {
    const { of, head, member } = await team()
    const { doctorId, person } = member
    const booked = await schedule(world, { of, doctorId, day: 3 })
    const unused = await schedule(world, { of, doctorId, day: 4 })
    const evening = await schedule(world, { of, doctorId, day: 3, section: '晚上' })
    const later = await schedule(world, { of, doctorId, day: 9 })
    const ill = await patient(world)
    const order = (await register(ill, booked)).message.id
    await pay(ill, order)
    const request = { start_date: inDays(world, 3), end_date: inDays(world, 4), shift: 'morning', reason: '家事' }
    const { applicationId } = (await ask(person, 'POST', '/doctor/leave/apply', request)).message
    const preview = await ask(admin, 'GET', `/admin/audit/leave/${applicationId}/preview`)
    expect(preview.message).toMatchObject({ orders: 1, patients: 1, refund: 50 })
    expect(await ask(head.person, 'POST', `/doctor/leave/audit/${applicationId}/approve`)).toMatchObject({
      code: 0,
      message: { status: 'approved', auditor_admin_id: head.person.id, auditor_user_id: head.person.id },
    })
    const rows = await world.rows(
      `SELECT schedule_id AS id, status, deleted_at IS NOT NULL AS gone FROM schedule WHERE doctor_id = ${doctorId} ORDER BY 1`,
    )
    expect(rows).toEqual([
      { id: booked, status: '停诊', gone: false },
      { id: unused, status: '停诊', gone: true },
      { id: evening, status: '正常', gone: false },
      { id: later, status: '正常', gone: false },
    ])
    expect((await ask(ill, 'GET', `/patient/appointments/${order}`)).message).toMatchObject({
      status: 'cancelled',
      paymentStatus: 'refunded',
      refundAmount: 50,
    })
    const told = (await world.inbox(ill)).find(({ type }) => type === 'clinic.order.stopped')
    expect(told?.body).toContain(inDays(world, 9))
    expect((await world.inbox(person)).map(({ type }) => type)).toContain('clinic.audit.approved')
    expect(await world.verify()).toEqual([])
  })

  it('are decided once, also when head and administrator decide at the same time', async () => {
    const { head, member } = await team()
    const asked = await ask(member.person, 'POST', '/doctor/leave/apply', { date: inDays(world, 2), reason: '家事' })
    const id = asked.message.applicationId
    const answers = await Promise.all([
      ask(admin, 'POST', `/audit/leave/${id}/approve`, { comment: '同意' }),
      ask(head.person, 'POST', `/doctor/leave/audit/${id}/reject`, { comment: '不同意' }),
    ])
    expect(codes(answers)).toEqual([0, 99])
    expect(await ask(admin, 'POST', `/audit/leave/${id}/reject`)).toMatchObject(refusedWith(99, '已审核'))
  })

  it('leave no order behind when a patient registers during the approval', async () => {
    const { of, member } = await team()
    const id = await schedule(world, { of, doctorId: member.doctorId })
    const asked = await ask(member.person, 'POST', '/doctor/leave/apply', { date: inDays(world, 3), reason: '家事' })
    const people = await Promise.all(Array.from({ length: 4 }, () => patient(world)))
    await Promise.all([
      ...people.slice(0, 2).map((one) => register(one, id)),
      ask(admin, 'POST', `/audit/leave/${asked.message.applicationId}/approve`),
      ...people.slice(2).map((one) => register(one, id)),
    ])
    const open = await world.rows(
      `SELECT FROM registration_order WHERE schedule_id = ${id} AND status IN ('pending', 'confirmed', 'waitlist')`,
    )
    expect(open).toEqual([])
    expect(await world.verify()).toEqual([])
  })

  it('are refused for the past, twice for one session, and with other people’s files', async () => {
    const { member, head } = await team()
    const apply = (payload: object) => ask(member.person, 'POST', '/doctor/leave/apply', { reason: '家事', ...payload })
    expect(await apply({ date: inDays(world, -1) })).toMatchObject(refusedWith(99, '不能早于今天'))
    await apply({ date: inDays(world, 0), shift: 'morning' })
    expect(await apply({ date: inDays(world, 0), shift: 'full' })).toMatchObject(refusedWith(99, '已有'))
    expect(await apply({ date: inDays(world, 0), shift: 'night' })).toMatchObject({ code: 0 })
    expect(await apply({ date: inDays(world, 1), attachments: ['/static/audit/1_a.png'] })).toMatchObject(
      refusedWith(99, '附件不存在'),
    )
    const other = await team()
    const id = (await apply({ date: inDays(world, 5) })).message.applicationId
    const path = `/doctor/leave/audit/${id}`
    expect(await ask(other.head.person, 'POST', `${path}/approve`)).toMatchObject({ code: 106 })
    expect(await ask(member.person, 'POST', `${path}/approve`)).toMatchObject({ code: 102 })
    expect(await ask(head.person, 'POST', `${path}/reject`)).toMatchObject(refusedWith(99, '驳回理由'))
  })

  it('show no file by a path that no leave has', async () => {
    for (const path of ['/static/audit/1_a.png', '/static/audit/../1_a.png', '/etc/passwd', '1_..%2fa'])
      expect(await ask(admin, 'GET', `/audit/attachment/raw?path=${encodeURIComponent(path)}`)).toMatchObject(
        refusedWith(106, '附件文件不存在'),
      )
    const { member } = await team()
    expect(await ask(member.person, 'GET', '/audit/attachment/raw?path=a')).toMatchObject({ code: 102 })
  })
})

describe('Attachments', () => {
  it('are opened by the uploader, administrators and the head of the department alone', async () => {
    const { member, head } = await team()
    const name = newName(world.clock.now(), 'pdf')
    await world.kernel.files.put(name, Buffer.from('%PDF-1.7'), 'application/pdf')
    const mark = { purpose: 'clinic.audit', subject: `user:${member.person.id}` }
    const fileId = await insertFile(
      world.kernel.db,
      {
        ...mark,
        ...{ owner_id: member.person.id, access: 'owner', name, thumbnail_name: null, content_type: 'application/pdf' },
        ...{ bytes: 8, width: null, height: null, sha256: '0'.repeat(64) },
      },
      world.clock.now(),
    )
    const path = `/static/audit/${fileId}_病假.pdf`
    const url = `/audit/attachment/raw?path=${encodeURIComponent(path)}`
    expect(await ask(admin, 'GET', url)).toMatchObject({ code: 106 })
    const request = { date: inDays(world, 2), reason: '病假', attachments: [path] }
    expect(await ask(member.person, 'POST', '/doctor/leave/apply', request)).toMatchObject({ code: 0 })
    for (const as of [admin, head.person, member.person]) {
      const { headers, text } = await world.call('GET', url, { as })
      expect([headers['content-type'], text]).toEqual(['application/pdf', '%PDF-1.7'])
    }
    expect(await ask((await team()).head.person, 'GET', url)).toMatchObject({ code: 106 })
    expect(await ask((await team()).member.person, 'GET', url)).toMatchObject({ code: 102 })
    expect((await world.call('GET', encodeURI(path))).status).toBe(401)
  })
})

describe('Submitted weeks', () => {
  const monday = () => inDays(world, 7)

  it('become schedules when they are approved, once', async () => {
    const { of, head, member } = await team()
    const changes = [
      { date: monday(), shift: 'morning', doctorId: String(member.doctorId), status: 'filled' },
      { date: inDays(world, 8), shift: 'night', doctorId: head.doctorId, slotType: '专家', totalSlots: 7, price: 66.5 },
    ]
    const submitted = await ask(head.person, 'POST', '/doctor/schedule/submit-change', {
      clinicId: of.clinicId,
      changes,
    })
    const id = submitted.message.auditId
    const shown = (await ask(admin, 'GET', `/admin/audit/schedule/${id}`)).message
    expect(shown).toMatchObject({ week_start: monday(), week_end: inDays(world, 13), status: 'pending' })
    expect(shown.schedule[0][0]).toMatchObject({ doctor_id: member.doctorId, doctor_name: expect.any(String) })
    const answers = await Promise.all([1, 2].map(() => ask(admin, 'POST', `/audit/schedule/${id}/approve`, {})))
    expect(codes(answers)).toEqual([0, 99])
    const range = `start_date=${monday()}&end_date=${inDays(world, 13)}`
    const { schedules } = (await ask(admin, 'GET', `/clinics/${of.clinicId}/schedules?${range}`)).message
    expect(schedules).toMatchObject([
      { date: monday(), time_section: '上午', slot_type: '普通', total_slots: 12, price: 50 },
      { date: inDays(world, 8), time_section: '晚上', slot_type: '专家', total_slots: 7, price: 66.5 },
    ])
  })

  it('are not approved while a cell clashes: each is named, and nothing is written', async () => {
    const { of, head, member } = await team()
    const { doctorId } = member
    const changes = [7, 8].map((day) => ({ date: inDays(world, day), shift: 'morning', doctorId, status: 'filled' }))
    changes.push({ date: inDays(world, 9), shift: 'night', doctorId, status: 'filled' })
    const submitted = await ask(head.person, 'POST', '/doctor/schedule/submit-change', {
      clinicId: of.clinicId,
      changes,
    })
    await schedule(world, { of, doctorId, day: 7 })
    await schedule(world, { of, doctorId, day: 8 })
    const { code, message } = await ask(admin, 'POST', `/audit/schedule/${submitted.message.auditId}/approve`)
    expect(code).toBe(99)
    expect(message.msg).toContain(`${inDays(world, 7)} 上午`)
    expect(message.msg).toContain(`${inDays(world, 8)} 上午`)
    expect(message.msg).not.toContain(inDays(world, 9))
    const rows = await world.rows(`SELECT FROM schedule WHERE doctor_id = ${doctorId}`)
    expect(rows).toHaveLength(2)
  })
})

describe('Added numbers', () => {
  it('are ordered at once by administrators and asked for by the doctor', async () => {
    const { of, member, head } = await team()
    const id = await schedule(world, { of, doctorId: member.doctorId, slots: 1 })
    await register(await patient(world), id)
    const [first, second] = [await patient(world), await patient(world)]
    const wish = (one: PatientPerson) => ({ schedule_id: id, patient_id: one.patientId, slot_type: '普通' })
    const made = await ask(admin, 'POST', '/schedules/add-slot', wish(first))
    expect(made.message).toMatchObject({ detail: '加号记录已创建', order_id: expect.any(Number) })
    expect((await ask(first, 'GET', `/patient/appointments/${made.message.order_id}`)).message).toMatchObject({
      queueNumber: 'A002',
      sourceType: 'add_slot',
      status: 'pending',
      price: 50,
    })
    expect(await ask(head.person, 'POST', '/doctor/schedules/add-slot', wish(second))).toMatchObject({ code: 102 })
    const asked = await ask(member.person, 'POST', '/doctor/schedules/add-slot', wish(second))
    const audit = asked.message.audit_id
    expect(await ask(member.person, 'POST', '/doctor/schedules/add-slot', wish(second))).toMatchObject({ code: 99 })
    const answers = await Promise.all([1, 2].map(() => ask(admin, 'POST', `/audit/add-slot/${audit}/approve`)))
    expect(codes(answers)).toEqual([0, 99])
    expect(await ask(member.person, 'POST', `/doctor/schedules/add-slot/${audit}/cancel`)).toMatchObject({ code: 99 })
    const [row] = await world.rows(
      `SELECT total_slots AS t, remaining_slots AS r FROM schedule WHERE schedule_id = ${id}`,
    )
    expect(row).toEqual({ t: 3, r: 0 })
    expect(await world.verify()).toEqual([])
  })
})

describe('Totals', () => {
  it('are never lowered below what is sold, also while somebody registers', async () => {
    const id = await schedule(world, { slots: 3 })
    await register(await patient(world), id)
    const people = await Promise.all([1, 2].map(() => patient(world)))
    await Promise.all([
      ask(admin, 'PUT', `/schedules/${id}`, { total_slots: 1 }),
      ...people.map((one) => register(one, id)),
    ])
    expect(await ask(admin, 'PUT', `/schedules/${id}`, { total_slots: 0 })).toMatchObject(refusedWith(99, '已售出'))
    expect(await world.verify()).toEqual([])
  })
})
