import { plainContract } from '../kernel/http/answer/problem.ts'
import { identityNotificationTypes } from '../kernel/identity/notificationTypes.ts'
import { noticeNotificationTypes } from '../kernel/notifications/texts/builtInTypes.ts'
import { privacyNotificationTypes } from '../kernel/privacy/notificationTypes.ts'
import type { Part } from '../kernel/product.ts'
import { exportSources } from './exports/sources.ts'
import { permissions, roles } from './permissions.ts'
import { siteRoutes } from './routes.ts'
import { tags } from './tags.ts'

/** The manifest of the site: accounts, logs, notifications, privacy, exports. It is always on. */
export const site: Part = {
  name: 'site',
  title: 'Site 站点',
  description: 'What every installation has: accounts, roles, logs, notifications, privacy, exports, files.',
  tags,
  permissions,
  roles,
  notificationTypes: [...identityNotificationTypes, ...privacyNotificationTypes, ...noticeNotificationTypes],
  jobs: [],
  exports: exportSources,
  contract: plainContract,
  tokenUrl: '/api/v1/users/login',
  routes: siteRoutes,
}
