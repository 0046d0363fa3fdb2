import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { type Database, type OpenDatabase, openDatabase } from '../../../src/kernel/database/database.ts'
import { MIGRATIONS, migrate } from '../../../src/kernel/database/migrate.ts'
import { type Cluster, openCluster } from '../../support/cluster.ts'
import { type FakeSmtp, header, startSmtp } from '../../support/fakes/smtp.ts'
import { type Fleet, openFleet } from '../../support/processes.ts'
import { findFaults } from '../history/faults.ts'
import type { Request } from '../history/history.ts'
import { readRecord, startRecord, underWay } from '../history/record.ts'
import type { Proof, ProofOptions, ProofResult } from '../proof.ts'
import { addAdmin, addPeople, addRoom, addSlot, addVenue, allowMessages } from '../site.ts'
import { createJournal, createTargets, type Journal } from '../traffic/ask.ts'
import { announcer, caretaker } from '../traffic/house.ts'
import { type Step, startTraffic, type Traffic } from '../traffic/lives.ts'
import { applicant, approver } from '../traffic/room.ts'
import { type Slot, visitor } from '../traffic/venue.ts'
import { type Crew, openCrew } from './crew.ts'

const SERVERS = 2
const WORKERS = 2
const VISITORS = 16
const APPLICANTS = 8
const THINKING_MS = 60
/** Time after which another worker takes the deliveries of a killed one. */
const LEASE_SECONDS = 3
/** Highest number of answers before the next kill. */
const MOST_ANSWERS = 200
/** Longest time after the last kill until all messages are handed on and mailed. */
const QUIET_MS = 180_000
const MOST_FAULTS = 20
const printing = { info: () => {}, warn: () => {}, error: console.error }

/** The kinds of kills. `backend` is one process of the database, after which it ends all connections and recovers. */
const KILLS = ['server', 'worker', 'database', 'backend'] as const
type Kill = (typeof KILLS)[number]

/** Kills processes under traffic of both products, for 5 minutes by default. */
export const crash: Proof = {
  name: 'crash',
  what: 'servers, workers and PostgreSQL are killed at random under traffic of both products; the history is checked',
  takes: '6 minutes',
  run: (options) => proveCrash({ ...options, minutes: options.minutes ?? 5 }),
}

/** Runs the proof. With 0 minutes there is one kill of each kind. */
export async function proveCrash(
  options: Pick<ProofOptions, 'say' | 'signal'> & { readonly minutes: number },
): Promise<ProofResult> {
  const cluster = await openCluster()
  const fleet = await openFleet({ url: cluster.url })
  const smtp = await startSmtp()
  // An abort does not wait for the traffic, which waits for answers: it ends the processes.
  const asked = once(options.signal, 'abort').then(() => ({ figures: {}, broken: [] }))
  try {
    return await Promise.race([underKills({ ...options, cluster, fleet, smtp }), asked])
  } finally {
    await fleet.close()
    await smtp.close()
    await cluster.close()
  }
}

interface Scene {
  readonly cluster: Cluster
  readonly fleet: Fleet
  readonly smtp: FakeSmtp
  readonly minutes: number
  readonly say: ProofOptions['say']
}

async function underKills(scene: Scene): Promise<ProofResult> {
  const { cluster, fleet, smtp, say } = scene
  const targets = createTargets()
  const journal = createJournal(targets)
  const steps = await withDatabase(cluster, async ({ db, pool }) => {
    await migrate(pool, MIGRATIONS, printing)
    await startRecord(db)
    return await people(db, journal)
  })
  const env = {
    SMTP_URL: smtp.url,
    MAIL_FROM: 'Yuyue <no-reply@gym.example>',
    DELIVERY_LEASE_SECONDS: String(LEASE_SECONDS),
    DATABASE_POOL_SIZE: '5',
  }
  const servers = openCrew(fleet, 'server', SERVERS, env, targets)
  const workers = openCrew(fleet, 'worker', WORKERS, env)
  await Promise.all([servers.complete(), workers.complete()])
  say(`${SERVERS} servers and ${WORKERS} workers run; ${steps.length} people begin`)

  const traffic = [
    startTraffic(steps.quick, THINKING_MS),
    startTraffic(steps.slow, 2000),
    startTraffic(steps.rare, 8000),
  ]
  const kills = await strike(scene, journal, servers, workers)
  await Promise.all([servers.complete(), workers.complete()])
  await stopAll(traffic)
  say('the traffic has ended; what is left is handed on and mailed')
  return await judge(scene, journal, servers, workers, kills)
}

/** Adds the people of the traffic, grouped by how often they act. */
async function people(db: Database, journal: Journal) {
  await allowMessages(db)
  const venues = [
    await addVenue(db, { max_reservations_per_user: 100, waiting_hold_minutes: 1 }),
    await addVenue(db, { max_reservations_per_user: 100, waiting_hold_minutes: 1, points_cost: 1 }),
  ]
  const slots: Slot[] = []
  for (const [n, venue] of venues.entries()) {
    for (const hour of [9, 11, 13]) slots.push({ id: await addSlot(db, venue, { capacity: 4, hour: hour + n }), venue })
  }
  const rooms = [await addRoom(db), await addRoom(db)]
  const visitors = await addPeople(db, VISITORS, 100_000)
  const applicants = await addPeople(db, APPLICANTS)
  const admin = await addAdmin(db)
  await sql`UPDATE users SET email = username || '@example.com'`.execute(db)
  const quick: Step[] = [
    ...visitors.map((person, n) => visitor(journal, person, slots, n % 2 === 0)),
    ...applicants.map((person, n) => applicant(journal, person, applicants, rooms, n % 2 === 0)),
  ]
  const slow = [approver(journal, admin), caretaker(journal, admin, venues)]
  const rare = [announcer(journal, admin)]
  return { quick, slow, rare, length: quick.length + slow.length + rare.length }
}

/** Kills one of each kind in random order, then any until the time is over. Returns the numbers of kills by kind. */
async function strike(
  { cluster, minutes, say }: Scene,
  journal: Journal,
  servers: Crew,
  workers: Crew,
): Promise<Readonly<Record<Kill, number>>> {
  const counts: Record<Kill, number> = { server: 0, worker: 0, database: 0, backend: 0 }
  const first = KILLS.toSorted(() => Math.random() - 0.5)
  const until = performance.now() + minutes * 60_000
  const hit: Record<Kill, () => Promise<boolean>> = {
    server: () => servers.killOne(),
    worker: () => workers.killOne(),
    async database() {
      await cluster.crash()
      await pause(Math.random() * 1500)
      await cluster.start()
      return true
    },
    // There may be no process to kill while the database recovers from the last kill.
    backend: () => killBackend(cluster).catch(() => false),
  }
  for (let n = 0; n < first.length || performance.now() < until; n += 1) {
    await journal.answers(1 + Math.floor(Math.random() * MOST_ANSWERS))
    const kill = first[n] ?? KILLS[Math.floor(Math.random() * KILLS.length)] ?? 'server'
    if (!(await hit[kill]())) continue
    counts[kill] += 1
    if (n < first.length || n % 10 === 0) say(`kill ${n + 1}: ${kill}; ${journal.requests.length} requests so far`)
  }
  return counts
}

/** Sends SIGKILL to a database process that serves the program; then the postmaster ends all others and recovers. */
async function killBackend(cluster: Cluster): Promise<boolean> {
  return await withDatabase(cluster, async ({ db }) => {
    const { rows } = await sql<{ pid: number }>`
      SELECT pid FROM pg_stat_activity WHERE application_name = 'yuyue' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1`.execute(
      db,
    )
    const pid = rows[0]?.pid
    if (pid === undefined) return false
    process.kill(pid, 'SIGKILL')
    return true
  })
}

async function judge(
  { cluster, fleet, smtp, say }: Scene,
  journal: Journal,
  servers: Crew,
  workers: Crew,
  kills: Readonly<Record<Kill, number>>,
): Promise<ProofResult> {
  const broken: string[] = []
  const left = await withDatabase(cluster, ({ db }) => quiet(db))
  if (left > 0) broken.push(`${left} messages or mails were still under way after ${QUIET_MS / 1000} s`)
  const ends = [...(await servers.end()), ...(await workers.end())]
  if (ends.some((end) => end !== 0)) broken.push(`processes that were asked to end ended with ${ends.join(', ')}`)
  for (const output of [...servers.deserted, ...workers.deserted])
    broken.push(`a process ended by itself:\n${output.slice(-1500)}`)
  const verified = await fleet.run('verify')
  if (verified.code !== 0) broken.push(`verify: ${verified.output}`)

  return await withDatabase(cluster, async ({ db }) => {
    const stored = await readRecord(db)
    say(`${journal.requests.length} requests are compared with ${stored.changes.length} changes`)
    const faults = findFaults(journal.requests, stored)
    for (const { kind, text } of faults.slice(0, MOST_FAULTS)) broken.push(`${kind}: ${text}`)
    for (const { what, answer } of journal.wrong.slice(0, MOST_FAULTS)) {
      const log = logOf(servers.output(), String(answer.body?.request_id))
      broken.push(`${what} was answered ${answer.status} ${JSON.stringify(answer.body)}${log}`)
    }
    const failures = await sql`SELECT error FROM outbox_failures`.execute(db)
    if (failures.rows.length > 0) broken.push(`the relay set aside ${JSON.stringify(failures.rows)}`)
    const mails = await compareMails(db, smtp.mails)
    broken.push(...mails.broken)
    // A crash of the database makes each worker repeat at most one mail, as a kill does.
    const promised = kills.worker + (kills.database + kills.backend) * WORKERS
    if (mails.twice > promised) broken.push(`${mails.twice} mails came twice, ${promised} may`)
    return {
      figures: {
        ...figuresOf(journal, kills),
        ...mails.figures,
        'mails twice at most': promised,
        'faults found': faults.length,
      },
      broken,
    }
  })
}

/** The part of a server's output about a request. */
function logOf(output: string, requestId: string): string {
  const at = output.indexOf(requestId)
  return at < 0 ? '' : `\n${output.slice(Math.max(0, at - 300), at + 2000)}`
}

/** Waits until no work is left; returns the number of items left if that takes too long. */
async function quiet(db: Database): Promise<number> {
  const until = performance.now() + QUIET_MS
  for (;;) {
    const left = await underWay(db)
    if (left === 0 || performance.now() > until) return left
    await pause(200)
  }
}

/** Checks that every mail recorded as sent has arrived, and counts the mails that arrived twice. */
async function compareMails(db: Database, mails: readonly string[]) {
  const { rows } = await sql<{ state: string; provider_id: string | null; reason: string | null }>`
    SELECT state, provider_id, reason FROM deliveries WHERE channel = 'email'`.execute(db)
  const came = new Set(mails.map((mail) => header(mail, 'Message-ID')))
  const broken: string[] = []
  const unsent = rows.filter(({ state }) => state !== 'sent')
  if (unsent.length > 0) broken.push(`${unsent.length} mails were not sent, such as ${JSON.stringify(unsent[0])}`)
  const missing = rows.filter(({ state, provider_id: id }) => state === 'sent' && !came.has(id ?? ''))
  if (missing.length > 0) broken.push(`${missing.length} mails are noted as sent and never came`)
  if (came.size !== rows.length) broken.push(`${came.size} mails came, ${rows.length} were due`)
  const twice = mails.length - came.size
  return { broken, twice, figures: { mails: came.size, 'mails twice': twice } }
}

function figuresOf({ requests, cut }: Journal, kills: Readonly<Record<Kill, number>>): Record<string, number> {
  const count = (match: (request: Request) => boolean) => requests.filter(match).length
  const done = requests
    .filter(({ outcome }) => outcome === 'done')
    .map(({ answeredAt = 0 }) => answeredAt)
    .toSorted((a, b) => a - b)
  const gaps = done.map((at, n) => at - (done[n - 1] ?? at))
  const actions = [...new Set(requests.map(({ action }) => action))].toSorted()
  return {
    'servers killed': kills.server,
    'workers killed': kills.worker,
    'PostgreSQL stopped at once': kills.database,
    'PostgreSQL processes killed': kills.backend,
    requests: requests.length,
    ...Object.fromEntries(
      actions.map((action) => [`  ${action}: done`, count((one) => one.action === action && one.outcome === 'done')]),
    ),
    refused: count(({ outcome }) => outcome === 'refused'),
    'nobody knows': count(({ outcome }) => outcome === 'unknown'),
    'connections cut': cut(),
    'longest time without an acknowledged write, ms': Math.max(0, ...gaps),
  }
}

/** Opens the database for a short time, because its connections end with every crash. */
async function withDatabase<T>(cluster: Cluster, work: (database: OpenDatabase) => Promise<T>): Promise<T> {
  const database = await openDatabase({ url: cluster.url, dataDir: 'memory', poolSize: 2, log: printing })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

function stopAll(traffic: readonly Traffic[]): Promise<unknown> {
  return Promise.all(traffic.map((one) => one.stop()))
}
