import type { OpenDatabase } from '../../src/kernel/database/database.ts'
import { transaction, withRetries } from '../../src/kernel/database/transaction.ts'
import { openStorage } from '../../src/kernel/files/place.ts'
import type { Ground } from '../../src/kernel/ground.ts'
import { createThirdParties } from '../../src/kernel/identity/logIn/thirdParty/providers.ts'
import { createSessionCache } from '../../src/kernel/identity/sessions/sessionCache.ts'
import { accessTokens } from '../../src/kernel/identity/sessions/tokens.ts'
import { createJobs } from '../../src/kernel/jobs/queues.ts'
import type { Collected, Kernel } from '../../src/kernel/kernel.ts'
import type { Catalogue } from '../../src/kernel/notifications/texts/catalogue.ts'
import { createSecrets } from '../../src/kernel/secrets/secrets.ts'

const noParts: Collected = {
  roles: [],
  registerRole: '',
  beforeUserLeaves: [],
  afterRightsChange: [],
  exportSources: [],
  audienceConditions: [],
  personalRecords: [],
}

/** A kernel for tests of single pieces: no part of the program unless given, no job, no provider, and nothing that runs by itself. */
export async function bareKernel(
  { config, clock, log }: Pick<Ground, 'clock' | 'config' | 'log'>,
  database: OpenDatabase,
  catalogue: Catalogue,
  parts: Collected = noParts,
): Promise<Kernel> {
  const { db, reads } = database
  return {
    ...parts,
    config,
    clock,
    log,
    db,
    reads,
    transaction: (work) => transaction(db, work),
    withRetries: (work) => withRetries(db, work),
    jobs: createJobs({ config, clock, log }, database, [], { work: false }),
    notifications: { catalogue, providers: [] },
    secretCodes: {},
    sessions: createSessionCache(),
    accessTokens: accessTokens(config),
    thirdParties: createThirdParties(config),
    files: await openStorage(config),
    secrets: createSecrets(config),
    nudge: () => {},
  }
}
