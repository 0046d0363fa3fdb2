import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSystem } from './app.ts'
import { loadConfig } from './config.ts'
import { systemClock } from './kernel/clock.ts'
import { openDatabase } from './kernel/database/database.ts'
import { MIGRATIONS, migrate } from './kernel/database/migrate.ts'
import { templateFile, writeTemplate } from './kernel/database/template.ts'
import { installQueues } from './kernel/jobs/queues.ts'
import { createLog } from './kernel/log.ts'
import { ensureSecrets } from './kernel/secrets/stored.ts'

/**
 * Prepares a quick first start: makes the template of the embedded database and, by assembling the program once, Node's
 * compile cache. `npm ci` runs it. Without it, starts are only slower.
 */
export async function prepare(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'yuyue-prepare-'))
  const config = ensureSecrets(loadConfig({ NODE_ENV: 'production', LOG_LEVEL: 'warn', DATA_DIR: folder }))
  const log = createLog(config)
  const database = await openDatabase({ dataDir: 'memory', poolSize: 1, log })
  try {
    await migrate(database.pool, MIGRATIONS, log)
    await installQueues(database)
    await writeTemplate(await templateFile(MIGRATIONS), await database.dump())
    const system = await createSystem(config, systemClock, log, database, { serve: true, work: false })
    await system.start()
    await system.stop()
  } finally {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  }
}
