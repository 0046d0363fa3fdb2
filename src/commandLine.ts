import { createSystem, type Duties, type System } from './app.ts'
import { ConfigurationError } from './config/read.ts'
import { loadConfig } from './config.ts'
import { ManualClock, systemClock } from './kernel/clock.ts'
import { type OpenDatabase, openDatabase } from './kernel/database/database.ts'
import { FolderInUse } from './kernel/database/lock.ts'
import { MIGRATIONS, MigrationMismatch, migrate } from './kernel/database/migrate.ts'
import { DatabaseUnusable } from './kernel/database/server.ts'
import { templateFile } from './kernel/database/template.ts'
import { createConfiguredAdministrator, issueSetupToken } from './kernel/identity/accounts/firstAdministrator.ts'
import { createLog } from './kernel/log.ts'
import type { DemoLogin } from './kernel/product.ts'
import { releaseStartMemory } from './kernel/releaseMemory.ts'
import { ensureSecrets } from './kernel/secrets/stored.ts'
import type { Config } from './kernel/settings.ts'
import { reached } from './kernel/startTimes.ts'
import { prepare } from './prepare.ts'

reached('modules loaded')

const USAGE = `Usage: node bin/yuyue.mjs COMMAND

  start     serve and do background work in one process; migrates first (npm start)
  server    serve only; migrates first
  worker    background work only; migrates first
  migrate   update the database schema
  demo      fill the database with a realistic data set, then start (npm run demo)
  prepare   make the template of the embedded database, for quick starts (npm ci does it)
  verify    recompute every counter, ledger and state; exit 1 and name each difference

Variables: docs/configuration.md`

const DUTIES: Readonly<Record<string, Duties>> = {
  start: { serve: true, work: true },
  demo: { serve: true, work: true },
  server: { serve: true, work: false },
  worker: { serve: false, work: true },
}

const AT_REST: Duties = { serve: false, work: false }

/** Runs a command; answers the exit code, or undefined if the process keeps running (servers end by SIGTERM). */
async function run(command: string | undefined): Promise<number | undefined> {
  const duties = DUTIES[command ?? '']
  if (command === 'prepare') {
    await prepare()
    return 0
  }
  if (!duties && command !== 'migrate' && command !== 'verify') {
    console.log(USAGE)
    return command === undefined || command === 'help' ? 0 : 2
  }
  // The demo has its own data folder, because its passwords are public.
  const env = command === 'demo' ? { DATA_DIR: './data-demo', ...process.env } : process.env
  const config = ensureSecrets(loadConfig(env))
  const log = createLog(config)
  for (const warning of config.warnings) log.warn(warning)
  reached('configuration read')
  const database = await openDatabase({
    url: config.databaseUrl,
    readUrl: config.databaseReadUrl,
    waitSeconds: config.databaseWaitSeconds,
    dataDir: config.dataDir,
    poolSize: config.databasePoolSize,
    template: await templateFile(MIGRATIONS),
    timeZone: config.timeZone,
    onBroken: endBroken,
    log,
  })
  reached('database opened')
  try {
    const { applied } = await migrate(database.pool, MIGRATIONS, log)
    reached('migrations applied')
    if (!duties) {
      if (command === 'migrate')
        console.log(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`)
      return command === 'verify' ? await verify(config, log, database) : 0
    }
    const clock = config.clock === 'manual' ? new ManualClock(new Date()) : systemClock
    const logins = command === 'demo' ? await playDemos(await createSystem(config, clock, log, database, AT_REST)) : []
    const system = await createSystem(config, clock, log, database, duties)
    reached('system put together')
    endBySignal(system, database)
    await system.start()
    reached('job queues ready')
    printLogins(logins)
    await open(system, config)
    reached('listening')
    releaseStartMemory()
    return undefined
  } catch (error) {
    await database.close()
    throw error
  } finally {
    if (!duties) await database.close()
  }
}

/** Starts to listen, and prints the addresses and the first steps. */
async function open({ app, kernel }: System, config: Config): Promise<void> {
  const administered = await createConfiguredAdministrator(kernel)
  if (!app) return kernel.log.info('worker ready')
  const listening = await app.listen({ host: config.host, port: config.port })
  const url = config.port === 0 ? listening : config.publicUrl
  console.log(`\nYuyue is ready:  ${url}`)
  console.log(`API reference:   ${url}/docs`)
  if (!administered) {
    const setupToken = await issueSetupToken(kernel)
    console.log(`\nThere is no administrator yet. Create the first one with this one-time set-up token:\n`)
    console.log(`  curl -X POST ${url}/api/v1/setup -H 'content-type: application/json' \\`)
    console.log(`    -d '{"token":"${setupToken}","username":"admin","password":"CHOOSE ONE"}'\n`)
  }
}

/**
 * Runs the demos and stops the system again; answers the log-ins without duplicates, because all products share the
 * administrator. No jobs run meanwhile: a demo plays in the past, and jobs would use today's clock.
 */
async function playDemos({ kernel, parts, start, drain, stop }: System): Promise<readonly DemoLogin[]> {
  const logins = new Map<string, DemoLogin>()
  await start()
  for (const part of parts) for (const login of (await part.demo?.(kernel)) ?? []) logins.set(login.username, login)
  await drain()
  await stop()
  return [...logins.values()]
}

function printLogins(logins: readonly DemoLogin[]): void {
  if (logins.length > 0) console.log('\nDemo log-ins:')
  for (const { role, username, password } of logins) {
    console.log(`  ${role.padEnd(20)} ${username.padEnd(16)} ${password}`)
  }
}

async function verify(config: Config, log: ReturnType<typeof createLog>, database: OpenDatabase): Promise<number> {
  const { kernel, parts } = await createSystem(config, systemClock, log, database, AT_REST)
  let count = 0
  for (const { name, verify: differencesOf } of parts) {
    for (const { check, subject, stored, computed } of (await differencesOf?.(kernel)) ?? []) {
      count += 1
      console.log(`${name}: ${check}: ${subject}: stored ${stored}, computed ${computed}`)
    }
  }
  console.log(count === 0 ? 'Everything agrees.' : `${count} difference${count === 1 ? '' : 's'}.`)
  return count === 0 ? 0 : 1
}

/** Ends the process when the embedded database has failed: only a new start can open it again. */
function endBroken(reason: unknown): void {
  console.error(`The embedded database has failed: ${reason instanceof Error ? reason.message : String(reason)}`)
  process.exit(1)
}

/** On SIGTERM and SIGINT: finishes work in flight, closes, exits with 0. A second signal ends the process at once. */
function endBySignal(system: System, database: OpenDatabase): void {
  let ending = false
  const end = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(1)
    ending = true
    system.kernel.log.info({ signal }, 'stopping')
    system
      .stop()
      .then(() => database.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          system.kernel.log.fatal({ err: error }, 'could not stop in order')
          process.exit(1)
        },
      )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

try {
  const code = await run(process.argv[2])
  if (code !== undefined) process.exitCode = code
} catch (error) {
  const known = [ConfigurationError, DatabaseUnusable, FolderInUse, MigrationMismatch].some(
    (kind) => error instanceof kind,
  )
  console.error(known && error instanceof Error ? error.message : error)
  process.exit(1)
}
