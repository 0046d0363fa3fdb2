import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { sql } from 'kysely'
import { ConfigurationError } from '../../../config/read.ts'
import type { Database, Transaction } from '../../database/database.ts'
import { Conflict, type DomainError, Forbidden, Invalid } from '../../errors.ts'
import type { Kernel } from '../../kernel.ts'
import { record } from '../../outbox/outbox.ts'
import type { Visitor } from '../logIn/visitor.ts'
import { ADMIN } from '../roles.ts'
import { newUserRow, present, type Registration } from './accounts.ts'
import * as store from './store.ts'
import type { User } from './users.ts'

const SETTING = 'setup_tokens'
/**
 * Number of set-up tokens that are valid at once: processes that start together each print one. Using one voids all.
 */
const MOST_TOKENS = 5

/**
 * Creates the administrator of ADMIN_USERNAME if it is configured and there is no administrator yet. Called at every
 * start, by any number of processes. Answers false if a set-up token is the only way left to create one.
 * @throws ConfigurationError if ADMIN_USERNAME or ADMIN_PASSWORD cannot be used.
 */
export async function createConfiguredAdministrator(kernel: Kernel): Promise<boolean> {
  if ((await store.countAdministrators(kernel.db)) > 0) return true
  const { adminUsername: username, adminPassword: password, adminEmail: email } = kernel.config
  if (username === undefined || password === undefined) return false
  try {
    await createAdministrator(kernel, { username, password, email: email?.replace(/^.*<(.*)>$/s, '$1') })
  } catch (error) {
    if (error instanceof Conflict && error.code === 'already_set_up') return true
    throw asConfigurationError(error)
  }
  kernel.log.info({ username }, 'the first administrator was created')
  return true
}

function asConfigurationError(error: unknown): unknown {
  if (error instanceof Invalid && error.code === 'weak_password') {
    return new ConfigurationError([`ADMIN_PASSWORD: is not strong enough (value not shown): ${error.message}`])
  }
  if (error instanceof Invalid || error instanceof Conflict)
    return new ConfigurationError([`ADMIN_USERNAME: ${error.message}`])
  return error
}

/**
 * Creates the first administrator for the holder of a set-up token. Of two parallel calls, one wins.
 * @throws Conflict `already_set_up`; Forbidden `bad_setup_token`; Invalid and Conflict like `register`.
 */
export async function setUp(
  kernel: Kernel,
  token: string,
  registration: Registration,
  visitor: Visitor,
): Promise<User> {
  // Creating the administrator deletes the hashes, so they are read before the administrators are counted.
  const isGood = await isSetupToken(kernel.db, token)
  if ((await store.countAdministrators(kernel.db)) > 0) throw alreadySetUp()
  if (!isGood) {
    throw new Forbidden('bad_setup_token', 'This is not the set-up token in the log of the latest start.')
  }
  return await createAdministrator(kernel, registration, visitor)
}

async function createAdministrator(kernel: Kernel, registration: Registration, visitor?: Visitor): Promise<User> {
  const row = await newUserRow(kernel, registration)
  const at = kernel.clock.now()
  const user = await kernel.transaction(async (tx) => {
    await store.lockAdministrators(tx)
    if ((await store.countAdministrators(tx)) > 0) throw alreadySetUp()
    const id = await store.insertUser(tx, row, at)
    await store.grantRole(tx, id, ADMIN, null, at)
    await tx.deleteFrom('settings').where('key', '=', SETTING).execute()
    await recordSetup(tx, at, id, visitor)
    return present(await store.findUser(tx, kernel.secrets.cipher, id))
  })
  kernel.nudge()
  return user
}

async function recordSetup(tx: Transaction, at: Date, id: number, visitor?: Visitor): Promise<void> {
  await record(tx, at, {
    actorId: visitor ? id : null,
    action: 'administrator.create_first',
    resource: 'user',
    resourceId: id,
    ...(visitor && { address: visitor.address, requestId: visitor.requestId }),
  })
}

/**
 * Makes a one-time token for creating the first administrator; only its hash is stored. Only the latest few tokens are
 * valid.
 */
export async function issueSetupToken(kernel: Kernel): Promise<string> {
  const setupToken = randomBytes(24).toString('base64url')
  const hash = hashOf(setupToken).toString('hex')
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    await store.lockAdministrators(tx)
    const hashes = JSON.stringify([hash, ...(await storedHashes(tx))].slice(0, MOST_TOKENS))
    await sql`
      INSERT INTO settings (key, value, updated_at)
      VALUES (${SETTING}, ${hashes}::text::jsonb, ${at})
      ON CONFLICT (key) DO UPDATE
        SET value = excluded.value, updated_at = excluded.updated_at`.execute(tx)
  })
  return setupToken
}

/** Whether a text is one of the set-up tokens that are valid now. */
export async function isSetupToken(db: Database, token: string): Promise<boolean> {
  return matches(await storedHashes(db), token)
}

async function storedHashes(db: Database): Promise<string[]> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', SETTING).executeTakeFirst()
  return Array.isArray(row?.value) ? row.value.filter((hash) => typeof hash === 'string') : []
}

function matches(hashes: readonly string[], token: string): boolean {
  const given = hashOf(token)
  // Compare with every hash, so that the time does not tell which one matched.
  return hashes.filter((hash) => timingSafeEqual(Buffer.from(hash, 'hex'), given)).length > 0
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function alreadySetUp(): DomainError {
  return new Conflict('already_set_up', 'There is an administrator already.')
}
