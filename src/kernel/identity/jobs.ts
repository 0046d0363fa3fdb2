import type { JobDefinition } from '../jobs/jobs.ts'
import { remindOfExpiry, SEND_CODE_JOB, sendCode } from './logIn/passwordReset/service.ts'
import { deleteOldResets } from './logIn/passwordReset/store.ts'
import { deleteOldStates } from './logIn/thirdParty/store.ts'
import { deleteOldSessions } from './sessions/sessionStore.ts'

/** Background jobs of identity. */
export const identityJobs: readonly JobDefinition[] = [
  {
    name: 'kernel.sessions',
    cron: '27 3 * * *',
    run: async (kernel) => void (await deleteOldSessions(kernel.db, kernel.clock.now())),
  },
  { name: SEND_CODE_JOB, run: sendCode },
  { name: 'kernel.password-resets', cron: '47 3 * * *', run: ({ db, clock }) => deleteOldResets(db, clock.now()) },
  { name: 'kernel.sign-in-states', cron: '57 3 * * *', run: ({ db, clock }) => deleteOldStates(db, clock.now()) },
  { name: 'kernel.password-expiry', cron: '7 9 * * *', run: remindOfExpiry },
]
