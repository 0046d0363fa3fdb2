import type { Product } from '../kernel/product.ts'
import './constraints.ts'
import { contract } from './contract.ts'
import { decisionNotificationTypes } from './core/decisions/notificationTypes.ts'
import { orderNotificationTypes } from './core/notificationTypes.ts'
import { deliverCode, SEND_PROOF_JOB, sweepProofs, voidProofs } from './core/proofs/service.ts'
import { fillDemo } from './demo/service.ts'
import { statisticsRoutes } from './figures/statistics/routes.ts'
import { findDifferences } from './figures/verify/service.ts'
import { visitorRoutes } from './figures/visitors/routes.ts'
import { sweepViews } from './figures/visitors/service.ts'
import { accountRoutes } from './people/accounts/routes.ts'
import { SEND_LINK_JOB, sendLink } from './people/accounts/verification.ts'
import { banRoutes } from './people/bans/routes.ts'
import { refuseBanned } from './people/bans/service.ts'
import { feedbackRoutes } from './people/feedback/routes.ts'
import { healthRoutes } from './people/health/routes.ts'
import { identityRoutes } from './people/identity/routes.ts'
import { sweepTries } from './people/identity/service.ts'
import { leaveClinic } from './people/leaving.ts'
import { patientRoutes } from './people/patients/routes.ts'
import { personalRecords } from './people/privacy/store.ts'
import { uploadRoutes } from './people/uploads/routes.ts'
import { wechatRoutes } from './people/wechat/routes.ts'
import { PATIENT_ROLE, permissions, roles } from './permissions.ts'
import { placeRoutes } from './places/routes.ts'
import { tags } from './tags.ts'
import { expireOrders } from './visits/appointments/service.ts'
import { checkPayments, sendRefunds } from './visits/payments/service.ts'
import { noteNoShows } from './visits/queue/service.ts'
import { remindPatients } from './visits/reminders/service.ts'
import { visitRoutes } from './visits/routes.ts'
import { endClosedWaiting } from './visits/waitingList/service.ts'

/** The manifest of the clinic product. */
export const clinic: Product = {
  name: 'clinic',
  title: 'Clinic 校医院挂号',
  description: 'A hospital’s outpatient numbers: schedules, registration, payment, the doctor’s day.',
  tags,
  permissions,
  roles,
  registerRole: PATIENT_ROLE,
  notificationTypes: [...orderNotificationTypes, ...decisionNotificationTypes],
  jobs: [
    { name: 'clinic.orders', cron: '* * * * *', run: expireOrders },
    { name: 'clinic.payments', cron: '* * * * *', run: checkPayments },
    { name: 'clinic.refunds', cron: '* * * * *', run: sendRefunds },
    { name: 'clinic.waiting', cron: '*/5 * * * *', run: endClosedWaiting },
    { name: 'clinic.no-shows', cron: '*/10 * * * *', run: noteNoShows },
    { name: 'clinic.reminders', cron: '*/5 * * * *', run: remindPatients },
    { name: SEND_PROOF_JOB, run: deliverCode },
    { name: 'clinic.contact-codes-sweep', cron: '20 3 * * *', run: sweepProofs },
    { name: SEND_LINK_JOB, run: sendLink },
    { name: 'clinic.identity-tries-sweep', cron: '25 * * * *', run: sweepTries },
    { name: 'clinic.visitors-sweep', cron: '35 3 * * *', run: sweepViews },
  ],
  contract,
  pathRoots: [
    ...['/auth', '/admin', '/doctor', '/patient', '/common', '/statistics', '/static'],
    ...['/global-prices', '/hospital-areas', '/major-departments', '/minor-departments', '/departments'],
    ...['/doctors', '/clinics', '/schedules', '/audit', '/config'],
    ...[
      '/patient-identity-discounts',
      '/patients',
      '/orders',
      '/walk-ins',
      '/anti-scalper',
      '/feedbacks',
      '/attendance',
      '/displays',
      '/consultation',
    ],
  ],
  beforeUserLeaves: leaveClinic,
  beforeLogIn: refuseBanned,
  afterContactChange: voidProofs,
  personalRecords: ({ reads }, userId) => personalRecords(reads, userId),
  tokenUrl: '/auth/swagger-login',
  routes(app, kernel, live) {
    visitorRoutes(app, kernel)
    accountRoutes(app, kernel)
    patientRoutes(app, kernel)
    identityRoutes(app, kernel)
    healthRoutes(app, kernel)
    banRoutes(app, kernel)
    feedbackRoutes(app, kernel)
    uploadRoutes(app, kernel)
    wechatRoutes(app)
    placeRoutes(app, kernel)
    visitRoutes(app, kernel, live)
    statisticsRoutes(app, kernel)
  },
  verify: ({ db }) => findDifferences(db),
  demo: fillDemo,
}
