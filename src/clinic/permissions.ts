import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** The permissions of the clinic product. */
export const permissions = {
  'clinic:manage': 'Manage areas, departments, clinics, doctors, prices, schedules and the configuration',
  'clinic:audit': 'Decide about schedules, leaves and added numbers',
  'clinic:people': 'Read and change users, ban users, answer feedback',
  'clinic:patients': 'Find and enter patients',
  'clinic:statistics': 'Read the statistics of the hospital',
  'clinic:desk': 'Check patients in, register walk-ins, confirm payments, refund',
  'clinic:treat': 'See patients as a doctor',
} as const

export type ClinicPermission = keyof typeof permissions

/** The role of people who register at this product: they register for visits, which requires no permission. */
export const PATIENT_ROLE = 'clinic:patient'
export const DOCTOR_ROLE = 'clinic:doctor'
export const DESK_ROLE = 'clinic:desk'
export const ADMIN_ROLE = 'clinic:admin'

const desk: readonly ClinicPermission[] = ['clinic:desk', 'clinic:patients']
const doctor: readonly ClinicPermission[] = ['clinic:treat']

export const roles: readonly RoleDefinition[] = [
  { name: PATIENT_ROLE, title: '患者', permissions: [] },
  { name: DOCTOR_ROLE, title: '医生', permissions: doctor },
  { name: DESK_ROLE, title: '挂号收费员', permissions: desk },
  { name: ADMIN_ROLE, title: '医院管理员', permissions: Object.keys(permissions) },
]

/** Whether somebody is an administrator of the hospital (`is_admin`). */
export function isAdministrator({ permissions: held }: { readonly permissions: ReadonlySet<string> }): boolean {
  return held.has('clinic:manage')
}
