import { pino } from 'pino'
import { createSystem, type System } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { openDatabase } from '../src/kernel/database/database.ts'
import { ensureSecrets } from '../src/kernel/secrets/stored.ts'
import type { Setting } from './processes.ts'

/** The program inside this process, serving but not working, so that its statements can be recorded. */
export async function openSystem(setting: Setting): Promise<System & { close(): Promise<void> }> {
  const config = ensureSecrets(loadConfig({ NODE_ENV: 'production', RATE_LIMIT: 'off', LOG_LEVEL: 'warn', ...setting }))
  const log = pino({ level: 'warn' })
  const { databaseUrl: url, dataDir, databasePoolSize: poolSize } = config
  const database = await openDatabase({ url, dataDir, poolSize, log })
  const system = await createSystem(config, systemClock, log, database, { serve: true, work: false })
  return {
    ...system,
    async close() {
      await system.stop()
      await database.close()
    },
  }
}
