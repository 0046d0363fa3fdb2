import { ensurePartitions } from './audit/partitions.ts'
import { dropOldLogs } from './audit/retention.ts'
import { exportJobs } from './exports/jobs/jobs.ts'
import { sweepFiles } from './files/service.ts'
import { forgetOldKeys } from './http/request/idempotency.ts'
import { identityJobs } from './identity/jobs.ts'
import type { JobDefinition } from './jobs/jobs.ts'
import { forgetOldPaces } from './notifications/delivery/pace.ts'
import { privacyJobs } from './privacy/jobs.ts'

/** Background jobs of the kernel. */
export const upkeep: readonly JobDefinition[] = [
  {
    name: 'kernel.partitions',
    cron: '17 3 * * *',
    run: async (kernel) => void (await ensurePartitions(kernel.db, kernel.clock.now())),
  },
  { name: 'kernel.log-retention', cron: '32 3 * * *', run: dropOldLogs },
  ...identityJobs,
  ...privacyJobs,
  ...exportJobs,
  { name: 'kernel.files', cron: '7 * * * *', run: sweepFiles },
  {
    name: 'kernel.notification-pace',
    cron: '47 3 * * *',
    run: async (kernel) => void (await forgetOldPaces(kernel.db, kernel.clock.now())),
  },
  {
    name: 'kernel.idempotency-keys',
    cron: '37 * * * *',
    run: async (kernel) => void (await forgetOldKeys(kernel.db, kernel.clock.now())),
  },
]
