import { createSystem, type Duties, type System } from './app.ts'
import { type Config, ConfigurationError, loadConfig } from './config.ts'
import { ManualClock, systemClock } from './kernel/clock.ts'
import { type OpenDatabase, openDatabase } from './kernel/database/database.ts'
import { FolderInUse } from './kernel/database/lock.ts'
import { MIGRATIONS, MigrationMismatch, migrate } from './kernel/database/migrate.ts'
import { prepareFirstAdministrator } from './kernel/identity/firstAdministrator.ts'
import { createLog } from './kernel/log.ts'
import { ensureSecrets } from './kernel/secrets/stored.ts'

const USAGE = `Usage: node src/main.ts COMMAND

  start     serve and work in one process; migrates first (npm start)
  server    serve only; migrates first
  worker    background work only; migrates first
  migrate   bring the database's schema up to date
  demo      fill the database with a believable data set, then start (npm run demo)
  verify    recompute every counter, ledger and state; exit 1 and name each difference

Variables: docs/configuration.md`

const DUTIES: Readonly<Record<string, Duties>> = {
  start: { serve: true, work: true },
  demo: { serve: true, work: true },
  server: { serve: true, work: false },
  worker: { serve: false, work: true },
}

/** Runs a command; answers the exit code, or undefined while it goes on (servers end by SIGTERM). */
async function run(command: string | undefined): Promise<number | undefined> {
  const duties = DUTIES[command ?? '']
  if (!duties && command !== 'migrate' && command !== 'verify') {
    console.log(USAGE)
    return command === undefined || command === 'help' ? 0 : 2
  }
  // The demo keeps to itself: its passwords are public.
  const env = command === 'demo' ? { DATA_DIR: './data-demo', ...process.env } : process.env
  const config = ensureSecrets(loadConfig(env))
  const log = createLog(config)
  for (const warning of config.warnings) log.warn(warning)
  const database = await openDatabase({
    url: config.databaseUrl,
    readUrl: config.databaseReadUrl,
    dataDir: config.dataDir,
    poolSize: config.databasePoolSize,
    timeZone: config.timeZone,
    log,
  })
  try {
    const { applied } = await migrate(database.pool, MIGRATIONS, log)
    if (!duties) {
      if (command === 'migrate')
        console.log(applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`)
      return command === 'verify' ? await verify(config, log, database) : 0
    }
    const clock = config.clock === 'manual' ? new ManualClock(new Date()) : systemClock
    const system = await createSystem(config, clock, log, database, duties)
    endBySignal(system, database)
    await system.start()
    if (command === 'demo') await printDemo(system)
    await open(system, config)
    return undefined
  } catch (error) {
    await database.close()
    throw error
  } finally {
    if (!duties) await database.close()
  }
}

/** Listens, and prints where to look and what to do first. */
async function open({ app, kernel }: System, config: Config): Promise<void> {
  const { setupToken } = await prepareFirstAdministrator(kernel)
  if (!app) return kernel.log.info('worker ready')
  const listening = await app.listen({ host: config.host, port: config.port })
  const url = config.port === 0 ? listening : config.publicUrl
  console.log(`\nYuyue is ready:  ${url}`)
  console.log(`API reference:   ${url}/docs`)
  if (setupToken !== undefined) {
    console.log(`\nThere is no administrator yet. Create the first one with this one-time set-up token:\n`)
    console.log(`  curl -X POST ${url}/api/v1/setup -H 'content-type: application/json' \\`)
    console.log(`    -d '{"token":"${setupToken}","username":"admin","password":"CHOOSE ONE"}'\n`)
  }
}

async function printDemo({ kernel, drain }: System): Promise<void> {
  console.log('\nDemo log-ins:')
  for (const product of kernel.products) {
    for (const { role, username, password } of await product.demo(kernel)) {
      console.log(`  ${role.padEnd(16)} ${username.padEnd(16)} ${password}`)
    }
  }
  await drain()
}

async function verify(config: Config, log: ReturnType<typeof createLog>, database: OpenDatabase): Promise<number> {
  const { kernel } = await createSystem(config, systemClock, log, database, { serve: false, work: false })
  let count = 0
  for (const product of kernel.products) {
    for (const { check, subject, stored, computed } of await product.verify(kernel)) {
      count += 1
      console.log(`${product.name}: ${check}: ${subject}: stored ${stored}, computed ${computed}`)
    }
  }
  console.log(count === 0 ? 'Everything agrees.' : `${count} difference${count === 1 ? '' : 's'}.`)
  return count === 0 ? 0 : 1
}

/** SIGTERM and SIGINT: finish what is in flight, close, exit 0. A second signal ends at once. */
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
  const known =
    error instanceof ConfigurationError || error instanceof FolderInUse || error instanceof MigrationMismatch
  console.error(known ? error.message : error)
  process.exit(1)
}
