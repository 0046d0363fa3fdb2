import { createHash } from 'node:crypto'
import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { openDatabase } from '../../src/kernel/database/database.ts'
import { migrate } from '../../src/kernel/database/migrate.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where each test file gets its database from. */
    databaseSource:
      | { readonly kind: 'embedded'; readonly snapshot: string }
      | { readonly kind: 'server'; readonly url: string; readonly run: string }
  }
}

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const migrations = root('migrations')
const log = { info: () => {}, warn: console.warn, error: console.error }
const hour = 3_600_000

/** Makes a snapshot file of the migrated embedded database, unless one exists for these migrations and this PGlite. */
async function makeSnapshot(): Promise<string> {
  const hash = createHash('sha256')
  hash.update(await readFile(root('node_modules/@electric-sql/pglite/package.json')))
  for (const file of (await readdir(migrations)).sort())
    hash.update(file).update(await readFile(`${migrations}/${file}`))
  const folder = root('node_modules/.cache/yuyue')
  const path = `${folder}/snapshot-${hash.digest('hex').slice(0, 16)}.tar`
  const known = await access(path).then(
    () => true,
    () => false,
  )
  if (known) return path
  const database = await openDatabase({ dataDir: 'memory', poolSize: 1, log })
  await migrate(database.pool, migrations, log)
  const dump = await database.dump()
  await database.close()
  await mkdir(folder, { recursive: true })
  // Another run may be reading or making the same file.
  const own = `${path}.${process.pid}`
  await writeFile(own, dump.stream())
  await rename(own, path)
  return path
}

/** Makes a template database on a server. Its name and those of its copies start with `run`. */
async function makeTemplate(url: string, run: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const old = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname ~ '^yuyue_test_[0-9]+_'`,
  )
  for (const { datname } of old.rows) {
    const age = Date.now() - Number(datname.split('_')[2])
    if (age > hour) await admin.query(`drop database if exists ${datname} with (force)`)
  }
  await admin.query(`create database ${run}_template`)
  await admin.end()
  const template = new URL(url)
  template.pathname = `/${run}_template`
  const database = await openDatabase({ url: template.href, dataDir: 'memory', poolSize: 1, log })
  await migrate(database.pool, migrations, log)
  await database.close()
}

async function dropRun(url: string, run: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const left = await admin.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [run],
  )
  for (const { datname } of left.rows) await admin.query(`drop database if exists ${datname} with (force)`)
  await admin.end()
}

/** Runs once before all test files; returns the clean-up to run after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const url = process.env.TEST_DATABASE_URL
  if (!url) {
    project.provide('databaseSource', { kind: 'embedded', snapshot: await makeSnapshot() })
    return async () => {}
  }
  // `makeTemplate` reads the time from this name to drop databases that were left over.
  const run = `yuyue_test_${Date.now()}_${process.pid}`
  await makeTemplate(url, run)
  project.provide('databaseSource', { kind: 'server', url, run })
  return () => dropRun(url, run)
}
