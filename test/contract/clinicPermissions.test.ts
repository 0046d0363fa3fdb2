import { afterAll, describe, expect, it } from 'vitest'
import type { Person } from '../support/world.ts'
import { openFilledWorld } from './filledWorld.ts'
import { codeOf, type Operation, readDocument } from './operations.ts'
import { tableName } from './whoMay.ts'

const world = await openFilledWorld()
const api = readDocument(world.app)
const operations = api.operations.filter(({ product }) => product === 'clinic')
afterAll(() => world.close())

const roles = ['nobody', 'patient', 'doctor', 'desk', 'administrator'] as const
type Role = (typeof roles)[number]

/** The roles that each role includes: everybody may do what a patient may, and the administrator may do everything. */
const includes: Readonly<Record<Role, readonly Role[]>> = {
  nobody: ['nobody'],
  patient: ['nobody', 'patient'],
  doctor: ['nobody', 'patient', 'doctor'],
  desk: ['nobody', 'patient', 'desk'],
  administrator: roles,
}

/** The least role for every operation, written by hand; `{}` stands for any parameter. */
const leastRole: Readonly<Record<Role, readonly string[]>> = {
  nobody: [
    'GET /auth/verify-email',
    'GET /common/icon',
    'GET /common/medical-record/{}/download',
    'GET /patient/clinics',
    'GET /patient/clinics/{}/schedules',
    'GET /patient/departments/{}/schedules',
    'GET /patient/doctors',
    'GET /patient/doctors/{}',
    'GET /patient/doctors/{}/photo',
    'GET /patient/doctors/{}/schedules',
    'GET /patient/hospitals',
    'GET /patient/hospitals/schedules',
    'GET /patient/major-departments',
    'GET /patient/minor-departments',
    'GET /patient/search/global',
    'GET /static/image/{}',
    'POST /auth/login',
    'POST /auth/logout',
    'POST /auth/patient/login',
    'POST /auth/register',
    'POST /auth/register-admin',
    'POST /auth/sms/send-code',
    'POST /auth/sms/verify-code',
    'POST /auth/staff/login',
    'POST /auth/swagger-login',
    'POST /common/wechat-pay/notify',
  ],
  patient: [
    'DELETE /patient/patients/{}',
    'DELETE /patient/waitlist/{}',
    'GET /admin/audit/attachment/raw',
    'GET /auth/me',
    'GET /auth/user-info',
    'GET /auth/users/{}',
    'GET /common/feedback',
    'GET /common/feedback/{}',
    'GET /common/visit-record/{}',
    'GET /patient/appointments',
    'GET /patient/appointments/calendar-link',
    'GET /patient/appointments/calendar.ics',
    'GET /patient/appointments/{}',
    'GET /patient/appointments/{}/queue',
    'GET /patient/appointments/{}/reschedule-options',
    'GET /patient/health-record',
    'GET /patient/my-initiated-appointments',
    'GET /patient/patients',
    'GET /patient/patients/default',
    'GET /patient/visit-record/{}',
    'GET /patient/waitlist',
    'GET /patient/wechat/authorized',
    'GET /patient/wechat/bindinfo',
    'GET /static/audit/{}',
    'GET /statistics/users',
    'GET /statistics/visits',
    'POST /auth/email/send-verify-code',
    'POST /auth/email/verify-code',
    'POST /common/feedback',
    'POST /common/medical-record/{}/pdf',
    'POST /common/upload',
    'POST /doctor/schedules/add-slot',
    'POST /patient/appointments',
    'POST /patient/appointments/calendar-link/reset',
    'POST /patient/appointments/{}/cancel-payment',
    'POST /patient/appointments/{}/check-in',
    'POST /patient/appointments/{}/pay',
    'POST /patient/appointments/{}/review',
    'POST /patient/appointments/{}/send-reminder',
    'POST /patient/identity/verify',
    'POST /patient/patients',
    'POST /patient/waitlist',
    'POST /patient/waitlist/{}/convert',
    'POST /patient/wechat/bind-by-code',
    'POST /patient/wechat/subscribe-auth',
    'POST /schedules/add-slot',
    'PUT /auth/profile',
    'PUT /auth/users/{}/updateProfile',
    'PUT /patient/appointments/{}/cancel',
    'PUT /patient/appointments/{}/reschedule',
    'PUT /patient/health-record',
    'PUT /patient/patients/{}',
    'PUT /patient/patients/{}/set-default',
    // The private link opens it without a log-in.
  ],
  doctor: [
    'GET /doctor/approval/stats',
    'GET /doctor/consultation/queue',
    'GET /doctor/leave/audit',
    'GET /doctor/leave/audit/{}',
    'GET /doctor/leave/history',
    'GET /doctor/leave/schedule',
    'GET /doctor/patient/{}',
    'GET /doctor/patients/exact-search',
    'GET /doctor/schedule/available-doctors',
    'GET /doctor/schedule/clinics',
    'GET /doctor/schedule/list',
    'GET /doctor/schedules',
    'GET /doctor/schedules/add-slot',
    'GET /doctor/schedules/today',
    'GET /doctor/schedules/{}',
    'GET /doctor/workbench/attendance-records',
    'GET /doctor/workbench/consultation-stats',
    'GET /doctor/workbench/dashboard',
    'GET /doctor/workbench/recent-consultations',
    'GET /doctor/workbench/shifts',
    'POST /doctor/consultation/complete',
    'POST /doctor/consultation/next',
    'POST /doctor/consultation/pass',
    'POST /doctor/leave/apply',
    'POST /doctor/leave/audit/{}/approve',
    'POST /doctor/leave/audit/{}/reject',
    'POST /doctor/schedule/submit-change',
    'POST /doctor/schedules/add-slot/{}/cancel',
    'POST /doctor/workbench/checkin',
    'POST /doctor/workbench/checkout',
    'PUT /doctor/consultation/{}/record',
  ],
  desk: [
    'GET /admin/orders',
    'GET /admin/orders/platform-refunds',
    'POST /admin/orders/platform-refunds/{}/settle',
    'POST /admin/orders/{}/check-in',
    'POST /admin/orders/{}/confirm-payment',
    'POST /admin/orders/{}/refund',
    'POST /admin/patients/{}/verify',
    'POST /admin/walk-ins',
  ],
  administrator: [
    'DELETE /admin/clinics/{}',
    'DELETE /admin/departments/{}/heads/{}',
    'DELETE /admin/displays/{}',
    'DELETE /admin/doctors/{}',
    'DELETE /admin/doctors/{}/photo',
    'DELETE /admin/hospital-areas/{}',
    'DELETE /admin/hospital-areas/{}/photo',
    'DELETE /admin/major-departments/{}',
    'DELETE /admin/minor-departments/{}',
    'DELETE /admin/schedules/{}',
    'DELETE /auth/users/{}',
    'GET /admin/anti-scalper/users',
    'GET /admin/anti-scalper/users/{}',
    'GET /admin/anti-scalper/users/{}/stats',
    'GET /admin/attendance/absent-statistics',
    'GET /admin/audit/add-slot',
    'GET /admin/audit/leave',
    'GET /admin/audit/leave/{}',
    'GET /admin/audit/leave/{}/preview',
    'GET /admin/audit/schedule',
    'GET /admin/audit/schedule/{}',
    'GET /admin/clinics',
    'GET /admin/clinics/{}/schedules',
    'GET /admin/config',
    'GET /admin/consultation/config',
    'GET /admin/departments/{}/schedules',
    'GET /admin/displays',
    'GET /admin/doctors',
    'GET /admin/doctors/{}/photo',
    'GET /admin/doctors/{}/schedules',
    'GET /admin/doctors/{}/schedules/today',
    'GET /admin/feedbacks',
    'GET /admin/global-prices',
    'GET /admin/hospital-areas',
    'GET /admin/major-departments',
    'GET /admin/minor-departments',
    'GET /admin/patient-identity-discounts',
    'GET /admin/patients',
    'GET /auth/users',
    'GET /statistics/areas/{}/registrations',
    'GET /statistics/departments/ranking',
    'GET /statistics/departments/{}/registrations',
    'GET /statistics/doctors/ranking',
    'GET /statistics/doctors/{}/registrations',
    'GET /statistics/hospital/registrations',
    'POST /admin/anti-scalper/ban',
    'POST /admin/anti-scalper/unban',
    'POST /admin/attendance/mark-absent/range',
    'POST /admin/attendance/mark-absent/single',
    'POST /admin/audit/add-slot/{}/approve',
    'POST /admin/audit/add-slot/{}/reject',
    'POST /admin/audit/leave/{}/approve',
    'POST /admin/audit/leave/{}/reject',
    'POST /admin/audit/schedule/{}/approve',
    'POST /admin/audit/schedule/{}/reject',
    'POST /admin/clinics',
    'POST /admin/departments/{}/heads/select',
    'POST /admin/displays',
    'POST /admin/doctors',
    'POST /admin/doctors/{}/create-account',
    'POST /admin/doctors/{}/photo',
    'POST /admin/hospital-areas',
    'POST /admin/hospital-areas/{}/photo',
    'POST /admin/major-departments',
    'POST /admin/minor-departments',
    'POST /admin/schedules',
    'POST /admin/schedules/stop-preview',
    'PUT /admin/clinics/{}',
    'PUT /admin/config',
    'PUT /admin/consultation/config',
    'PUT /admin/doctors/{}',
    'PUT /admin/doctors/{}/transfer',
    'PUT /admin/feedbacks/{}/status',
    'PUT /admin/global-prices',
    'PUT /admin/hospital-areas/{}',
    'PUT /admin/major-departments/{}',
    'PUT /admin/minor-departments/{}',
    'PUT /admin/patient-identity-discounts',
    'PUT /admin/schedules/{}',
  ],
}

/** The table has the paths of the administration once, with `/admin`; those without it are the same operations. */
function nameOf(operation: Operation): string {
  const name = tableName(operation)
  return known.has(name) ? name : name.replace(' /', ' /admin/')
}
const known = new Set(roles.flatMap((role) => leastRole[role]))

const ENDS_THE_ACCESS = '/auth/logout'

/** Refusals with 102 that come after the check of permissions: the account is no doctor's, or is somebody else's. */
const LATER = ['当前账号未关联医生信息', '只能查看自己的信息']

describe('Permissions of the clinic', () => {
  it('are written down for every operation, and for no others', () => {
    const written = roles.flatMap((role) => leastRole[role])
    expect(written).toHaveLength(known.size)
    expect([...new Set(operations.map(nameOf))].sort()).toEqual([...written].sort())
  })

  it('are enforced by every operation for every role: 401 without a log-in, 403 without the permission', {
    timeout: 60_000,
  }, async () => {
    const cast: readonly (readonly [Role, Person | undefined])[] = [
      ['nobody', undefined],
      ['patient', world.clinicPatient],
      // Users of the other products have accounts, and no rights here.
      ['patient', world.employee],
      ['patient', world.venueAdministrator],
      ['patient', world.roomAdministrator],
      ['doctor', world.clinicDoctors[0]],
      ['desk', world.clinicDesk],
      ['administrator', world.clinicAdministrator],
      ['administrator', world.administrator],
    ]
    const wrong: string[] = []
    for (const operation of operations) {
      const needed = roles.find((role) => leastRole[role].includes(nameOf(operation)))
      if (needed === undefined) throw new Error(`${operation.name} is not written down`)
      for (const [role, person] of cast) {
        // No object has this id, and there is no body: a caller with permission is refused for that.
        const url = operation.path.replaceAll(/\{\w+\}/g, '999999')
        const as = person && operation.path === ENDS_THE_ACCESS ? await world.person() : person
        const headers = as && { authorization: `Bearer ${as.token}` }
        const answer = await world.app.inject({ method: operation.method, url, ...(headers && { headers }) })
        const code = codeOf(operation, answer)
        const isIn = (code !== 401 && code !== 403) || LATER.some((sentence) => answer.body.includes(sentence))
        const isRight = isIn ? includes[role].includes(needed) : code === (person ? 403 : 401)
        if (!isRight || (!isIn && includes[role].includes(needed)))
          wrong.push(`${operation.name} to ${role}: ${answer.body}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('are checked first: a caller without permission learns nothing from a body, a bad id or a missing object', async () => {
    for (const id of ['1', '999999', 'abc']) {
      const refused = await world.call('PUT', `/admin/schedules/${id}`, { as: world.clinicPatient, payload: [] })
      expect(refused).toMatchObject({ status: 403, body: { code: 102 } })
      expect(await world.call('PUT', `/schedules/${id}`, { payload: [] })).toMatchObject({
        status: 401,
        body: { code: 105 },
      })
    }
  })
})
