import { issueSetupToken } from '../../src/kernel/identity/accounts/firstAdministrator.ts'
import type { Answer, Person, Process, World } from './world.ts'

// Builders of the site part: accounts made through the API, and rows of the outbox.

export const PASSWORD = 'violet-harbour-42'

/** The address from which people log in unless a test names another. */
export const HOME = '192.0.2.10'

/** Logs in with the password `PASSWORD` unless another is given. */
export function logIn(process: Process, username: string, password = PASSWORD, address = HOME): Promise<Answer> {
  return process.call('POST', '/api/v1/users/login', { payload: { username, password }, address })
}

async function signedIn(process: Process, id: number, username: string): Promise<Person> {
  return { id, token: (await logIn(process, username)).body.access_token }
}

/** Registers a person with the password `PASSWORD` and logs in. */
export async function register(process: Process, username: string): Promise<Person> {
  const payload = { username, password: PASSWORD }
  const { body } = await process.call('POST', '/api/v1/users/register', { payload, address: HOME })
  return await signedIn(process, body.id, username)
}

/** Sets the site up with its first administrator, `root`. */
export async function setUpAdministrator(process: Process): Promise<Person> {
  const payload = { token: await issueSetupToken(process.kernel), username: 'root', password: PASSWORD }
  const { body } = await process.call('POST', '/api/v1/setup', { payload, address: HOME })
  return await signedIn(process, body.id, 'root')
}

/** The last entry for the operation log that is still in the outbox. */
export async function lastOperation(world: World): Promise<unknown> {
  const [row] = await world.rows<{ operation: unknown }>(
    'SELECT operation FROM outbox WHERE operation IS NOT NULL ORDER BY id DESC LIMIT 1',
  )
  return row?.operation
}

/** The messages of a type that are still in the outbox, oldest first. */
export async function pendingMessages(world: World, type: string) {
  const found = await world.rows<{ message: { userIds: number[]; data: Record<string, unknown>; key: string } }>(
    `SELECT message FROM outbox WHERE message ->> 'type' = '${type}' ORDER BY id`,
  )
  return found.map(({ message }) => message)
}
