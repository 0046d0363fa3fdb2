import type { JobDefinition } from '../jobs/jobs.ts'
import { EXPORT_JOB, keepDataExports, makeExport } from './dataExport.ts'
import { deleteLeavers } from './leaving.ts'

/** Background jobs of privacy. */
export const privacyJobs: readonly JobDefinition[] = [
  { name: EXPORT_JOB, run: makeExport },
  { name: 'kernel.data-exports', cron: '12 * * * *', run: keepDataExports },
  { name: 'kernel.leavers', cron: '22 * * * *', run: deleteLeavers },
]
