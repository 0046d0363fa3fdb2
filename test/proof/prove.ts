import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openCluster } from '../support/cluster.ts'
import type { Proof, ProofResult } from './proof.ts'
import { PROOFS } from './proofs.ts'

/** `npm run prove` lists the proofs; `npm run prove -- NAME [--minutes N]` runs one, with exit code 1 if it fails. */
async function main(): Promise<number> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { minutes: { type: 'string' } } })
  const [name] = positionals
  if (name === undefined) {
    list()
    return 0
  }
  const proof = PROOFS.find((one) => one.name === name)
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  if (!proof || positionals.length > 1 || (minutes !== undefined && !(minutes > 0))) {
    console.error(proof ? 'Usage: npm run prove -- NAME [--minutes N]' : `There is no proof '${name}'.\n`)
    if (!proof) list()
    return 2
  }
  return await prove(proof, minutes)
}

function list(): void {
  console.log('npm run prove -- NAME [--minutes N]\n')
  for (const { name, what, takes } of PROOFS) console.log(`  ${name.padEnd(12)} ${what} (${takes})`)
  console.log('\nTEST_DATABASE_URL names the server to use; without it each proof starts one of its own.')
}

async function prove(proof: Proof, minutes: number | undefined): Promise<number> {
  const asked = new AbortController()
  // The second signal ends the process at once, and its child processes with it.
  const end = () => {
    if (asked.signal.aborted) process.exit(130)
    console.log('Ending…')
    asked.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const started = performance.now()
  const say = (line: string) =>
    console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}`)
  let made: ReturnType<typeof openDatabase> | undefined
  say(`${proof.name}: ${proof.what}`)
  try {
    const database = async () => {
      made ??= openDatabase()
      return (await made).url
    }
    const result = await proof.run({ minutes, database, say, signal: asked.signal })
    if (asked.signal.aborted) return 130
    print(result)
    return result.broken.length === 0 ? 0 : 1
  } catch (error) {
    if (!asked.signal.aborted) console.error(error)
    return asked.signal.aborted ? 130 : 1
  } finally {
    await (await made)?.close()
  }
}

/** Makes an empty database, on the server of TEST_DATABASE_URL or on a new one. */
async function openDatabase(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const cluster = process.env.TEST_DATABASE_URL ? undefined : await openCluster()
  const server = process.env.TEST_DATABASE_URL ?? cluster?.url ?? ''
  const name = `yuyue_test_${Date.now()}_${randomBytes(4).toString('hex')}`
  const onServer = async (statement: string) => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await onServer(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    async close() {
      if (cluster) await cluster.close()
      else await onServer(`drop database if exists ${name} with (force)`)
    },
  }
}

function print({ figures, broken }: ProofResult): void {
  const rows = Object.entries(figures).map(([name, value]) => [name, value.toLocaleString('en')] as const)
  const width = Math.max(...rows.map(([name]) => name.length))
  const figure = Math.max(...rows.map(([, value]) => value.length))
  console.log()
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value.padStart(figure)}`)
  console.log()
  for (const sentence of broken) console.log(`  BROKEN: ${sentence}`)
  console.log(broken.length === 0 ? '  Every promise held.' : `  ${broken.length} broken.`)
}

process.exitCode = await main()
process.exit()
