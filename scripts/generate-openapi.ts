import { readFile, writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import { createSystem } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { openDatabase } from '../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../src/kernel/database/migrate.ts'
import { describe } from '../src/kernel/http/reference/openapi.ts'
import type { Config } from '../src/kernel/settings.ts'

// Writes openapi.json from the routes of all products; with --check only says whether it is fresh.
const file = new URL('../openapi.json', import.meta.url)
const log = pino({ level: 'silent' })
const config: Config = {
  ...loadConfig({ NODE_ENV: 'production', DATA_DIR: 'data' }),
  secretKey: 'only for describing routes, never listening',
  fieldKeys: [{ id: 'k1', key: Buffer.alloc(32) }],
}
const database = await openDatabase({ dataDir: 'memory', poolSize: 1, log })
await migrate(database.pool, MIGRATIONS, log)
const { app, stop } = await createSystem(config, systemClock, log, database, { serve: true, work: false })
if (!app) throw new Error('there is no application to describe')
const fresh = `${JSON.stringify(describe(app), null, 2)}\n`
await stop()
await database.close()

if (!process.argv.includes('--check')) await writeFile(file, fresh)
else if (fresh !== (await readFile(file, 'utf8').catch(() => ''))) {
  console.error('openapi.json is stale: run npm run generate')
  process.exitCode = 1
}
