import type { JobDefinition } from '../../jobs/jobs.ts'
import { makeFile } from './run.ts'
import { EXPORT_FILE_JOB, keepExports } from './service.ts'

/** Background jobs of exports. */
export const exportJobs: readonly JobDefinition[] = [
  { name: EXPORT_FILE_JOB, run: makeFile },
  { name: 'kernel.exports', cron: '* * * * *', run: keepExports },
]
