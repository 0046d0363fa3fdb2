import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { department, doctor, hospitalAdmin, inDays, patient, schedule } from '../support/clinic.ts'
import { call, register } from '../support/clinicVisits.ts'
import { type Method, openWorld, type Person } from '../support/world.ts'
import { readDocument } from './operations.ts'

// The published web clients of the clinic work unchanged: each call as they send it, and the fields that they read.

const send = async () => ({ providerId: 'x' })
const world = await openWorld(
  { PRODUCTS: 'clinic', CLINIC_LOGIN_REPLY: 'token' },
  { replaced: { secretCodes: { email: { send }, sms: { send } } } },
)
if (!world.app) throw new Error('a world serves')
const { operations } = readDocument(world.app)
afterAll(() => world.close())

type Who = 'nobody' | 'admin' | 'patient' | 'doctor' | 'head'

/** A call: who, the call, the fields that the client reads of `message` (`a[].b` of the first entry), and the body. */
type Call = readonly [who: Who, call: string, reads: string, payload?: object]

const shapeOf = (call: string) =>
  call
    .replace(/\?.*/, '')
    .replace(/\/$/, '')
    .replaceAll(/\{\w+\}/g, '{}')
const built = new Set(operations.map(({ name }) => shapeOf(name)))

/** Calls whose routes are not built yet: the test fails until they are exactly the ones listed here. */
const NOT_YET: readonly string[] = []

/** Fields that a client reads and an answer lacks: to be emptied too. */
const LACKING: Readonly<Record<string, readonly string[]>> = {}

const SLOTS =
  'schedule_id doctor_id doctor_name clinic_id clinic_name clinic_type date week_day time_section slot_type total_slots remaining_slots status price'
const rows = (list: string, fields: string) =>
  fields
    .split(' ')
    .map((field) => `${list}[].${field}`)
    .join(' ')

const CALLS: readonly Call[] = [
  // 1.1 Auth and account
  ['nobody', 'POST /auth/sms/send-code', '', { phone: '13900001234' }],
  ['patient', 'GET /auth/me', 'role'],
  [
    'patient',
    'GET /auth/user-info',
    'patient.id patient.realName patient.gender patient.patientType patient.verified patient.maskedInfo',
  ],
  [
    'doctor',
    'GET /auth/user-info',
    'doctor.id doctor.name doctor.department doctor.department_id doctor.title doctor.is_department_head',
  ],
  ['patient', 'PUT /auth/profile', 'detail updatedFields', { realName: '李雷', gender: '男', birthDate: '2000-01-02' }],
  ['patient', 'POST /auth/email/send-verify-code', 'detail email_masked', { email: 'li.lei@example.com' }],
  // 1.2 Administration
  ['admin', 'GET /admin/major-departments', rows('departments', 'major_dept_id name description')],
  ['admin', 'POST /admin/major-departments', '', { name: '外科', description: '' }],
  ['admin', 'GET /admin/minor-departments/', rows('departments', 'minor_dept_id major_dept_id name description')],
  [
    'admin',
    'GET /admin/doctors?page=1&page_size=10000',
    `total ${rows('doctors', 'doctor_id user_id is_registered dept_id name title specialty introduction photo_path')}`,
  ],
  ['admin', 'GET /admin/clinics', rows('clinics', 'clinic_id area_id name address minor_dept_id clinic_type')],
  ['admin', 'GET /admin/hospital-areas', rows('areas', 'area_id name destination create_time')],
  ['admin', 'GET /admin/departments/{dept}/schedules?start_date={from}&end_date={to}', rows('schedules', SLOTS)],
  ['admin', 'GET /admin/doctors/{doctor}/schedules?start_date={from}&end_date={to}', rows('schedules', SLOTS)],
  ['admin', 'GET /admin/clinics/{clinic}/schedules?start_date={from}&end_date={to}', rows('schedules', SLOTS)],
  ['admin', 'GET /admin/audit/schedule', 'audits'],
  ['admin', 'GET /admin/audit/leave', 'audits'],
  ['admin', 'GET /admin/audit/add-slot', 'audits'],
  [
    'admin',
    'GET /admin/patients?page_size=10000',
    rows('patients', 'patient_id name phone gender age identifier idCard'),
  ],
  ['admin', 'GET /admin/config', 'registration schedule patientIdentityDiscounts'],
  [
    'admin',
    'PUT /admin/consultation/config',
    'maxPassCount source description updateTime',
    { scope_type: 'DOCTOR', scope_id: '{doctor}', max_pass_count: 2 },
  ],
  [
    'admin',
    'GET /admin/consultation/config?scope_type=DOCTOR&scope_id={doctor}',
    'maxPassCount source description updateTime',
  ],
  ['admin', 'GET /admin/anti-scalper/users?user_type=normal&page=1&page_size=1000&query=', 'users'],
  [
    'admin',
    'GET /statistics/hospital/registrations?date={today}&date_range=7days',
    'total_registrations total_revenue completed_consultations by_slot_type',
  ],
  ['admin', 'GET /statistics/areas/{area}/registrations?date={today}', 'total_registrations departments'],
  [
    'admin',
    'GET /statistics/departments/{dept}/registrations?date={today}&date_range=today',
    'total_registrations doctors',
  ],
  [
    'admin',
    'GET /statistics/doctors/{doctor}/registrations?date={from}',
    `by_time_section ${rows('schedules', 'schedule_id clinic_name time_section slot_type registrations total_slots utilization_rate')}`,
  ],
  ['admin', 'GET /statistics/departments/ranking?date={today}&order_by=revenue&limit=10', 'ranking'],
  // 1.3 Patient
  [
    'nobody',
    'GET /patient/hospitals',
    rows('areas', 'area_id name destination latitude longitude image_type image_data create_time'),
  ],
  ['nobody', 'GET /patient/major-departments', rows('departments', 'major_dept_id name description')],
  [
    'nobody',
    'GET /patient/minor-departments?page=1&page_size=100',
    `total ${rows('departments', 'minor_dept_id major_dept_id name description')}`,
  ],
  [
    'nobody',
    'GET /patient/clinics?dept_id={dept}&page=1&page_size=100',
    rows('clinics', 'clinic_id area_id name address minor_dept_id clinic_type'),
  ],
  [
    'nobody',
    'GET /patient/doctors?dept_id={dept}&page=1&page_size=100',
    rows('doctors', 'doctor_id name title specialty'),
  ],
  ['patient', 'GET /patient/search/global?keyword=医&page_size=10', 'results doctor_count department_count total'],
  [
    'nobody',
    'GET /patient/hospitals/schedules?hospitalId={area}&departmentId={dept}',
    rows('schedules', `${SLOTS} doctor_title area_id`),
  ],
  [
    'patient',
    'POST /patient/appointments',
    'id orderNo queueNumber needPay payAmount appointmentDate appointmentTime status paymentStatus',
    { scheduleId: '{schedule}', hospitalId: '{area}', departmentId: '{dept}', patientId: '{patient}', symptoms: '' },
  ],
  [
    'patient',
    'GET /patient/appointments?page=1&pageSize=1000',
    `total page pageSize ${rows('list', 'id orderNo hospitalId hospitalName departmentId departmentName doctorName doctorTitle scheduleId appointmentDate appointmentTime patientName patientId queueNumber price status paymentStatus canCancel canReschedule sourceType createdAt')}`,
  ],
  ['patient', 'GET /patient/my-initiated-appointments?page=1&pageSize=1000', 'total list[].id'],
  ['patient', 'GET /patient/waitlist', 'list'],
  ['patient', 'GET /patient/patients', 'total patients'],
  ['patient', 'GET /patient/health-record', `patientId basicInfo.name medicalHistory consultationRecords[].id`],
  ['patient', 'PUT /patient/health-record', 'patientId medicalHistory.pastHistory', { pastHistory: ['哮喘'] }],
  [
    'patient',
    'GET /common/visit-record/{order}',
    'basicInfo.name basicInfo.gender basicInfo.age recordData.id recordData.outpatientNo recordData.visitDate recordData.department recordData.doctorName recordData.chiefComplaint recordData.presentIllness recordData.auxiliaryExam recordData.diagnosis recordData.prescription',
  ],
  ['patient', 'GET /patient/visit-record/{order}', 'basicInfo.name recordData.id'],
  ['patient', 'POST /common/medical-record/{order}/pdf', 'url fileName expireTime'],
  ['patient', 'GET /patient/appointments/calendar-link', 'url'],
  ['patient', 'POST /common/feedback', '', { type: 'praise', content: '很好' }],
  ['patient', 'GET /patient/wechat/bindinfo', 'bound maskedOpenid authorizedTemplates allTemplateStatuses'],
  ['patient', 'GET /patient/wechat/authorized?templateId=abc', 'authorizedTemplates allTemplateStatuses'],
  ['patient', 'POST /patient/wechat/subscribe-auth', 'bound', { templateId: 'abc', status: 'accept' }],
  // 1.4 Doctor
  [
    'doctor',
    'GET /doctor/workbench/shifts?doctorId={doctor}&date={from}',
    rows('shifts', 'id name startTime endTime location status'),
  ],
  ['doctor', 'GET /doctor/approval/stats', 'pending approvedMonth rejectedMonth'],
  ['doctor', 'GET /doctor/leave/history?page=1&pageSize=10', 'total list'],
  [
    'doctor',
    'GET /doctor/workbench/dashboard',
    'doctor.id shiftStatus.status todayData.totalConsultation reminders recentRecords',
  ],
  ['doctor', 'GET /doctor/workbench/consultation-stats', 'pending ongoing completed total'],
  [
    'doctor',
    'GET /doctor/workbench/recent-consultations?limit=5',
    rows('records', 'id patientName consultationTime diagnosis'),
  ],
  ['doctor', 'PUT /doctor/consultation/{order}/record', 'recordData.id', { diagnosis: '感冒', advice: null }],
  [
    'doctor',
    'GET /doctor/patient/{patient}',
    'patientId basicInfo.name basicInfo.gender basicInfo.age basicInfo.height basicInfo.phone basicInfo.identifier basicInfo.idCard basicInfo.address medicalHistory.pastHistory medicalHistory.allergyHistory medicalHistory.familyHistory consultationRecords[].id',
  ],
  [
    'doctor',
    'GET /doctor/patients/exact-search?keyword=李雷',
    rows('patients', 'patient_id name gender age phone identifier idCard'),
  ],
  ['doctor', 'POST /common/medical-record/{order}/pdf', 'url fileName expireTime'],
  ['doctor', 'GET /doctor/schedules?doctor_id={doctor}&start_date={from}&end_date={to}', rows('schedules', SLOTS)],
  ['doctor', 'GET /doctor/schedules/today?doctor_id={doctor}', 'schedules'],
  [
    'doctor',
    'GET /doctor/consultation/queue?schedule_id={schedule}',
    'stats.totalSlots scheduleInfo.scheduleId currentPatient nextPatient queue waitlist completedQueue',
  ],
  ['doctor', 'GET /doctor/schedules/add-slot', 'audits'],
  [
    'doctor',
    'GET /doctor/leave/schedule?year=2026&month=3',
    rows('days', 'date day hasShift leaveStatus shiftLeaveStatuses isToday'),
  ],
  ['head', 'GET /doctor/leave/audit?status=pending&page=1&page_size=10', 'audits'],
  ['head', 'GET /doctor/schedule/clinics', '[].id [].name [].totalSlots [].filledSlots'],
]

const cast = new Map<Who, Person>()
const values = new Map<string, string | number>()

beforeAll(async () => {
  const of = await department(world)
  const ours = await doctor(world, of.deptId)
  const person = await patient(world)
  cast
    .set('admin', await hospitalAdmin(world))
    .set('patient', person)
    .set('doctor', ours.person)
  cast.set('head', (await doctor(world, of.deptId, { isHead: true, title: '主任医师' })).person)
  const scheduleId = await schedule(world, { of, doctorId: ours.doctorId })
  const order = await seenBy(ours, person)
  for (const [name, value] of Object.entries({
    ...{ area: of.areaId, dept: of.deptId, clinic: of.clinicId, doctor: ours.doctorId, patient: person.patientId },
    ...{ order, schedule: scheduleId, today: inDays(world, 0), from: inDays(world, 3), to: inDays(world, 4) },
  }))
    values.set(name, value)
})

/** A completed visit of a patient in another department, with its record; answers the order's id. */
async function seenBy(
  { doctorId, person }: Awaited<ReturnType<typeof doctor>>,
  one: Awaited<ReturnType<typeof patient>>,
): Promise<number> {
  const of = await department(world)
  const id = await schedule(world, { of, doctorId, day: 0, section: '下午', price: 0 })
  const order_id = await register(world, one, id, one.patientId)
  await call(world, person, 'POST', '/doctor/consultation/next', { schedule_id: id })
  await call(world, person, 'POST', '/doctor/consultation/complete', { order_id, record: { diagnosis: '感冒' } })
  return order_id
}

const filled = (text: string) => text.replaceAll(/\{(\w+)\}/g, (_, name) => String(values.get(name)))

/** The body of a call with its ids, which the clients send as numbers. */
const bodyOf = (payload: object): object =>
  JSON.parse(JSON.stringify(payload).replaceAll(/"\{(\w+)\}"/g, (_, name) => JSON.stringify(values.get(name))))

/** True if an answer has a field (`a[].b`). */
function has(value: unknown, field: string): boolean {
  const steps = field.split('.').flatMap((step) => (step.endsWith('[]') ? [step.slice(0, -2), 0] : [step]))
  let at: unknown = value
  for (const step of steps.filter((one) => one !== '')) {
    if (typeof at !== 'object' || at === null || !(step in at)) return false
    at = Reflect.get(at, step)
  }
  return true
}

describe('The published clients of the clinic', () => {
  const present = CALLS.filter(([, call]) => built.has(shapeOf(call))).map((one) => ({
    one,
    name: `${one[0]}: ${one[1]}`,
  }))
  it.each(present)('$name', async ({ one: [who, call, reads, payload] }) => {
    const [method = '', path = ''] = filled(call).split(' ')
    const as = cast.get(who)
    const sent = { ...(as && { as }), ...(payload && { payload: bodyOf(payload) }) }
    const { status, body } = await world.call(method as Method, path, sent)
    expect([status, body.code, body.message?.msg]).toEqual([200, 0, undefined])
    expect(reads.split(' ').filter((field) => field !== '' && !has(body.message, field))).toEqual(
      LACKING[shapeOf(call)] ?? [],
    )
  })

  it('find every route that they call', () => {
    const missing = CALLS.map(([, call]) => shapeOf(call)).filter((call) => !built.has(call))
    expect([...new Set(missing)].sort()).toEqual([...NOT_YET].sort())
  })
})
