import { Agent, request as httpRequest } from 'node:http'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { addMember } from '../support/venue.ts'
import type { Person } from '../support/world.ts'
import type { RawAnswer } from './envelopes.ts'
import type { FilledWorld } from './filledWorld.ts'
import type { FuzzedRequest } from './fuzzed.ts'
import { type ApiDocument, expectDecent, type Operation } from './operations.ts'

/** Sends fuzzed requests to a world, and records wrong answers. */
interface Fuzzer {
  /** Sends one request; moves the clock after every hundred. */
  send(request: FuzzedRequest): Promise<void>
  readonly statuses: ReadonlyMap<number, number>
  /** Number of requests that each role has sent. */
  readonly roles: ReadonlyMap<string, number>
  /**
   * Each kind of failure once: a description, how often it occurred, and the smallest request found for it, as a curl
   * command.
   */
  failures(): readonly string[]
  close(): Promise<void>
}

interface Sender {
  readonly role: string
  readonly person: Person | undefined
}

/** Longest time of an answer in milliseconds. */
const ANSWER_LIMIT_MS = 10_000
/** Requests after which the clock moves on, so that visits begin, offers lapse and plans start. */
const REQUESTS_PER_STEP = 100
/** One request in this many goes through a real socket. */
const BY_SOCKET = 20
const MOST_FAILURES = 50
const JOBS = ['venue.waiting-list', 'venue.attendance', 'venue.reminders', 'support.forgotten', 'room.settle']
const ROLES = [
  'venue:visitor',
  'venue:employee',
  'venue:leader',
  'venue:admin',
  'room:user',
  'room:student_worker',
  'room:admin',
  'admin',
]

/** Makes a fuzzer. The caller must close the world, after the fuzzer. */
export async function createFuzzer(world: FilledWorld, api: ApiDocument): Promise<Fuzzer> {
  const address = await world.app.listen({ port: 0, host: '127.0.0.1' })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const senders = createSenders(world)
  const statuses = new Map<number, number>()
  const roles = new Map<string, number>()
  const found = new Map<string, { times: number; curl: string }>()
  let count = 0

  const ask = async (request: FuzzedRequest, person: Person | undefined, bySocket = false): Promise<RawAnswer> => {
    const headers = { ...(person && { authorization: `Bearer ${person.token}` }), ...request.headers }
    const sent = { method: request.method, url: request.url, headers, payload: request.payload }
    const answer = bySocket ? overSocket(address, agent, sent) : world.app.inject(sent as object)
    return await within(ANSWER_LIMIT_MS, Promise.resolve(answer))
  }

  /** Sends a request; returns the answer, and a message if the answer is wrong. */
  const fault = async (
    request: FuzzedRequest,
    person: Person | undefined,
    bySocket = false,
  ): Promise<{ answer?: RawAnswer; message?: string }> => {
    let answer: RawAnswer | undefined
    try {
      answer = await ask(request, person, bySocket)
      if (request.method === 'HEAD' || request.method === 'OPTIONS') {
        if (answer.statusCode >= 500) throw new Error(`${request.method}: ${answer.statusCode}`)
        return { answer }
      }
      // Node answers 431 itself if the headers are longer than 16 kB: the request never reaches the program.
      if (answer.statusCode === 431 && request.url.length > 10_000) return { answer }
      expectDecent(answer, request.operation.name, request.operation)
      const isSparse = /[?&]fields=/.test(request.url)
      if (request.isAtOperation && !isSparse) api.expectDocumented(request.operation, answer)
      return { answer }
    } catch (error) {
      return { ...(answer && { answer }), message: error instanceof Error ? error.message : String(error) }
    }
  }

  const keep = async (request: FuzzedRequest, sender: Sender, message: string) => {
    const key = kindOf(message)
    const known = found.get(key)
    if (known) known.times += 1
    if (known || found.size >= MOST_FAILURES) return
    const failsAlike = async (smaller: FuzzedRequest) => {
      const { message } = await fault(smaller, sender.person)
      return message !== undefined && kindOf(message) === key
    }
    const smallest = await shrunk(request, failsAlike)
    found.set(key, { times: 1, curl: `${message.slice(0, 600)}\nas ${sender.role}: ${curlOf(smallest)}` })
  }

  const moveOn = async () => {
    world.clock.advance(15)
    for (const job of JOBS) await world.system.jobs.runNow(job)
    await world.drain()
  }

  return {
    statuses,
    roles,
    async send(request) {
      count += 1
      const sender = await senders.of(request)
      roles.set(sender.role, (roles.get(sender.role) ?? 0) + 1)
      const { answer, message } = await fault(request, sender.person, count % BY_SOCKET === 0)
      if (answer) statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
      if (message !== undefined) await keep(request, sender, message)
      if (answer && isUnknown(answer) && !('authorization' in request.headers)) senders.forget(sender)
      if (count % REQUESTS_PER_STEP === 0) await moveOn()
    },
    failures: () => [...found.values()].map(({ times, curl }) => `${times} × ${curl}`),
    close: async () => agent.destroy(),
  }
}

const isUnknown = ({ statusCode, body }: RawAnswer) => statusCode === 401 || body.startsWith('{"code":401')

/** Chooses the senders of requests: one user per role, who is replaced when their token is no longer valid. */
function createSenders(world: FilledWorld) {
  const users = new Map<string, Person>()
  const userOf = async (role: string): Promise<Person> => {
    const person = users.get(role) ?? (await addMember(world, { role, points: 100 }))
    users.set(role, person)
    return person
  }
  return {
    async of({ operation, actor }: FuzzedRequest): Promise<Sender> {
      const among = rolesFor(operation)
      const role = actor % 10 < 6 ? among[actor % among.length] : ['nobody', ...ROLES][actor % (ROLES.length + 1)]
      if (role === undefined || role === 'nobody') return { role: 'nobody', person: undefined }
      if (role === 'doctor') return { role, person: world.clinicDoctors[actor % world.clinicDoctors.length] }
      if (role !== 'person') return { role, person: await userOf(role) }
      return { role, person: world.people[actor % world.people.length] }
    },
    forget({ role }: Sender) {
      users.delete(role)
    },
  }
}

/**
 * Roles that may call an operation, or most of them; a repeated role comes more often. `person` is one of the people
 * who own objects, `doctor` one of the clinic's doctors.
 */
function rolesFor({ product, permission }: Operation): readonly string[] {
  if (permission === 'public') return ['nobody', 'venue:employee', 'admin', 'person']
  if (product === 'room')
    return permission === 'signed-in' ? ['room:user', 'person', 'person'] : ['room:admin', 'admin']
  if (product === 'clinic')
    return permission === 'clinic:treat'
      ? ['doctor', 'doctor', 'admin']
      : permission === 'signed-in'
        ? ['person', 'person', 'doctor']
        : ['clinic:admin', 'admin']
  const isForAll = permission === 'signed-in' || permission === 'venue:reservations.book'
  return isForAll ? ['venue:employee', 'venue:leader', 'admin', 'person', 'person'] : ['admin', 'admin', 'venue:admin']
}

interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string | Buffer | undefined
}

function overSocket(address: string, agent: Agent, { method, url, headers, payload }: Sent): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const length = payload === undefined ? 0 : Buffer.byteLength(payload)
    const all = { ...headers, ...(payload !== undefined && { 'content-length': length }) }
    const outgoing = httpRequest(`${address}${url}`, { method, headers: all, agent }, (incoming) => {
      const parts: Buffer[] = []
      incoming.on('data', (part: Buffer) => parts.push(part))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({
          statusCode: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(parts).toString(),
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

/** A key for failures of the same kind: ids and long numbers are replaced. */
const kindOf = (message: string) => message.slice(0, 160).replaceAll(/[0-9a-f-]{36}|\d{4,}/g, '#')

/** Removes parts that the failure does not need: headers, parameters, members of the body. */
async function shrunk(
  request: FuzzedRequest,
  failsAlike: (smaller: FuzzedRequest) => Promise<boolean>,
): Promise<FuzzedRequest> {
  let smallest = request
  const attempt = async (smaller: FuzzedRequest) => {
    if (await failsAlike(smaller)) smallest = smaller
  }
  for (const name of Object.keys(request.headers)) {
    const { [name]: _, ...headers } = smallest.headers
    await attempt({ ...smallest, headers })
  }
  const [path = '', query = ''] = request.url.split('?')
  for (const one of query.split('&')) {
    const rest = (smallest.url.split('?')[1] ?? '').split('&').filter((other) => other !== one)
    await attempt({ ...smallest, url: rest.length === 0 ? path : `${path}?${rest.join('&')}` })
  }
  const body = membersOf(request.payload)
  for (const name of Object.keys(body)) {
    const { [name]: _, ...rest } = membersOf(smallest.payload)
    await attempt({ ...smallest, payload: JSON.stringify(rest) })
  }
  return smallest
}

function membersOf(payload: string | Buffer | undefined): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(String(payload))
    return isSchema(body) ? body : {}
  } catch {
    return {}
  }
}

function curlOf({ method, url, headers, payload }: FuzzedRequest): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
  const given = Object.entries(headers).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`)
  const data = payload === undefined ? '' : ` --data-binary ${quoted(String(payload).slice(0, 2000))}`
  return `curl -X ${method} "$SITE"${quoted(url)}${given.join('')}${data}`
}
