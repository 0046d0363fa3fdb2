import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { pino } from 'pino'
import { createSystem } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { openDatabase } from '../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../src/kernel/database/migrate.ts'
import { describe, documentedParts } from '../src/kernel/http/reference/openapi.ts'
import type { Config } from '../src/kernel/settings.ts'
import { compactJson } from './compactJson.ts'

// Writes openapi/*.json, one document per part, from the routes of all products. With --check it only compares them.
const folder = new URL('../openapi/', import.meta.url)
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
const fresh = new Map(
  documentedParts(app.documentation).map(({ name }) => [`${name}.json`, `${compactJson(describe(app, name))}\n`]),
)
await stop()
await database.close()

await mkdir(folder, { recursive: true })
const stale = (await readdir(folder)).filter((name) => !fresh.has(name))
if (!process.argv.includes('--check')) {
  for (const [name, text] of fresh) await writeFile(new URL(name, folder), text)
  for (const name of stale) await rm(new URL(name, folder))
} else {
  for (const [name, text] of fresh) {
    if (text !== (await readFile(new URL(name, folder), 'utf8').catch(() => ''))) stale.push(name)
  }
  for (const name of stale) console.error(`openapi/${name} is stale: run npm run generate`)
  if (stale.length > 0) process.exitCode = 1
}
