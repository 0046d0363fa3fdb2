import type { Product } from '../kernel/product.ts'
import './constraints.ts'
import { campaignRoutes } from './campaigns/campaigns/routes.ts'
import { runDue } from './campaigns/campaigns/starting.ts'
import { campaignDifferences } from './campaigns/campaigns/store.ts'
import { deliverCampaigns } from './campaigns/delivery/service.ts'
import { lineSettingsRoutes } from './campaigns/lineSettings/routes.ts'
import { followLink, noteOpened } from './campaigns/links/service.ts'
import { templateRoutes } from './campaigns/templates/routes.ts'
import { uploadRoutes } from './campaigns/uploads/routes.ts'
import { contract } from './contract.ts'
import { DELIVER_JOB } from './core/campaigns/jobs.ts'
import { campaignNotificationTypes } from './core/campaigns/notificationTypes.ts'
import { zoneOf } from './core/days.ts'
import { analyticsExports } from './figures/analytics/reports.ts'
import { analyticsRoutes } from './figures/analytics/routes.ts'
import { findFigureDifferences } from './figures/analytics/store.ts'
import { accountRoutes } from './people/accounts/routes.ts'
import { bulkTagRoutes } from './people/bulkTags/routes.ts'
import { memberExportRoutes } from './people/exports/routes.ts'
import { members as exportedMembers } from './people/exports/sources.ts'
import { memberImportRoutes } from './people/imports/routes.ts'
import { IMPORT_JOB, runImport } from './people/imports/run.ts'
import { tendImports } from './people/imports/service.ts'
import { findImportDifferences } from './people/imports/store.ts'
import { findMemberDifferences } from './people/members/differencesStore.ts'
import { memberRoutes } from './people/members/routes.ts'
import { mergingRoutes } from './people/merging/routes.ts'
import { moveStragglers } from './people/merging/service.ts'
import { findMergeDifferences } from './people/merging/store.ts'
import { pmsRoutes } from './people/pms/routes.ts'
import { pmsJobs } from './people/pms/service.ts'
import { segmentRoutes } from './people/segments/routes.ts'
import { tagRoutes } from './people/tags/routes.ts'
import { GUEST_ROLE, permissions, roles } from './permissions.ts'
import { tags } from './tags.ts'

/** The manifest of the CRM product. */
export const crm: Product = {
  name: 'crm',
  title: 'CRM 飯店會員',
  description: 'A hotel’s members and campaigns over LINE.',
  tags,
  permissions,
  roles,
  registerRole: GUEST_ROLE,
  notificationTypes: campaignNotificationTypes,
  jobs: [
    { name: 'crm.campaigns', cron: '* * * * *', run: runDue },
    { name: DELIVER_JOB, run: deliverCampaigns },
    ...pmsJobs,
    { name: 'crm.merges', cron: '* * * * *', run: moveStragglers },
    { name: IMPORT_JOB, run: runImport },
    { name: 'crm.imports', cron: '* * * * *', run: tendImports },
  ],
  exports: [...analyticsExports, exportedMembers],
  trackedLinks: { follow: followLink, open: noteOpened },
  contract,
  pathRoots: [
    ...['/api/v1/auth/login', '/api/v1/auth/refresh', '/api/v1/auth/me', '/api/v1/system-users'],
    ...['/api/v1/members', '/api/v1/segments', '/api/v1/tags', '/api/v1/templates', '/api/v1/campaigns'],
    ...['/api/v1/auto-responses', '/api/v1/messages', '/api/v1/conversations', '/api/v1/quick-replies'],
    ...['/api/v1/analytics', '/api/v1/pms', '/api/v1/line', '/api/v1/settings/line', '/api/v1/upload'],
    '/static/uploads',
  ],
  tokenUrl: '/api/v1/auth/login',
  routes(app, kernel) {
    accountRoutes(app, kernel)
    memberRoutes(app, kernel)
    tagRoutes(app, kernel)
    templateRoutes(app, kernel)
    campaignRoutes(app, kernel)
    uploadRoutes(app, kernel)
    lineSettingsRoutes(app, kernel)
    pmsRoutes(app, kernel)
    analyticsRoutes(app, kernel)
    bulkTagRoutes(app, kernel)
    memberExportRoutes(app, kernel)
    memberImportRoutes(app, kernel)
    mergingRoutes(app, kernel)
    segmentRoutes(app, kernel)
  },
  verify: async (kernel) => [
    ...(await findMemberDifferences(kernel.db)),
    ...(await campaignDifferences(kernel.db, zoneOf(kernel))),
    ...(await findImportDifferences(kernel.db)),
    ...(await findMergeDifferences(kernel.db)),
    ...(await findFigureDifferences(kernel.db, zoneOf(kernel))),
  ],
  demo: async () => [],
}
