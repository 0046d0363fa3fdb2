import type { Product } from '../kernel/product.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { PATIENT_ROLE, permissions, roles } from './permissions.ts'
import { placeRoutes } from './places/routes.ts'
import { tags } from './tags.ts'

/** The manifest of the clinic product. */
export const clinic: Product = {
  name: 'clinic',
  title: 'Clinic 校医院挂号',
  description: 'A hospital’s outpatient numbers: schedules, registration, payment, the doctor’s day.',
  tags,
  permissions,
  roles,
  registerRole: PATIENT_ROLE,
  notificationTypes: [],
  jobs: [],
  contract,
  pathRoots: [
    ...['/auth', '/admin', '/doctor', '/patient', '/common', '/statistics', '/static'],
    ...['/global-prices', '/hospital-areas', '/major-departments', '/minor-departments', '/departments'],
    ...['/doctors', '/clinics', '/schedules', '/audit', '/config'],
    ...['/patient-identity-discounts'],
  ],
  tokenUrl: '/auth/swagger-login',
  routes(app, kernel) {
    placeRoutes(app, kernel)
  },
  verify: async () => [],
  demo: async () => [],
}
