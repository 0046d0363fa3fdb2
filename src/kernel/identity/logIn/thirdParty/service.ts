import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { originOf } from '../../../audit/origin.ts'
import type { Transaction } from '../../../database/database.ts'
import { Conflict, Invalid, NotFound, Unauthenticated } from '../../../errors.ts'
import type { Caller } from '../../../http/request/caller.ts'
import type { Kernel } from '../../../kernel.ts'
import { notify, record } from '../../../outbox/outbox.ts'
import { present } from '../../accounts/accounts.ts'
import { typedName } from '../../accounts/names.ts'
import { findUser, grantRole, lockUser, passwordHashOf } from '../../accounts/store.ts'
import { findSession } from '../../sessions/sessionStore.ts'
import { enter, type LoggedIn } from '../logIn.ts'
import type { Visitor } from '../visitor.ts'
import { refused, type ThirdPartyPerson } from './provider.ts'
import { redirectUriOf, thirdPartyNamed } from './providers.ts'
import * as store from './store.ts'

/** Seconds for which a started log-in at a third party stays valid. */
export const HANDSHAKE_SECONDS = 600

export interface Begun {
  /** Address to which the browser is sent. */
  readonly url: string
  readonly state: string
  /** Secret that the callback must bring back from the same browser, as a cookie or in its body. */
  readonly binding: string
}

/**
 * Starts a log-in at a third party; for a signed-in caller, the linking of their account.
 * @throws NotFound; Unavailable `third_party_unavailable`
 */
export async function begin(kernel: Kernel, providerName: string, caller?: Caller): Promise<Begun> {
  const provider = thirdPartyNamed(kernel.thirdParties, providerName)
  const [state, binding, nonce, verifier] = [secret(), secret(), secret(), secret()]
  const url = await provider.authorizeUrl({
    state,
    nonce,
    verifier,
    redirectUri: redirectUriOf(kernel.config, provider.name),
  })
  const at = kernel.clock.now()
  await kernel.withRetries((db) =>
    store.insertState(
      db,
      {
        state_hash: hashOf(state),
        binding_hash: hashOf(binding),
        provider: provider.name,
        user_id: caller?.userId ?? null,
        session_id: caller?.sessionId ?? null,
        secrets: kernel.secrets.cipher.encrypt(JSON.stringify([nonce, verifier])),
        expires_at: new Date(at.getTime() + HANDSHAKE_SECONDS * 1000),
      },
      at,
    ),
  )
  return { url, state, binding }
}

export interface CameBack {
  readonly state: string
  readonly binding: string | undefined
  /** The other parameters of the third party's answer: `code`, `error`, `iss` … */
  readonly answer: Readonly<Record<string, string>>
}

/**
 * Completes a log-in at a third party. If the caller was signed in when it started, their account is linked. Otherwise
 * the linked account is used, or a new account with the given role is created.
 * @throws NotFound; Invalid `bad_state`; Unauthenticated `third_party_refused`, `account_disabled`; Unavailable
 * `third_party_unavailable`; Conflict `identity_taken`, `already_linked`
 */
export async function finish(
  kernel: Kernel,
  providerName: string,
  came: CameBack,
  role: string,
  visitor: Visitor,
): Promise<LoggedIn> {
  const provider = thirdPartyNamed(kernel.thirdParties, providerName)
  const now = kernel.clock.now()
  const started = { state_hash: hashOf(came.state), binding_hash: hashOf(came.binding ?? ''), provider: provider.name }
  const begun = await kernel.withRetries((db) => store.takeState(db, started, now))
  if (!begun) throw badState()
  if (came.answer.error !== undefined || came.answer.code === undefined) throw refused(provider.title)

  const [nonce = '', verifier = ''] = secretsOf(kernel, begun)
  const redirectUri = redirectUriOf(kernel.config, provider.name)
  const handshake = { state: came.state, nonce, verifier, redirectUri }
  const person = await provider.identify(handshake, { ...came.answer, state: came.state }).catch((error: unknown) => {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined
    kernel.log.warn({ provider: provider.name, reason }, 'a third party did not confirm a log-in')
    throw error
  })

  const session = await kernel.transaction(async (tx) => {
    const at = kernel.clock.now()
    const userId = await whoIs(tx, kernel, { provider: provider.name, begun, person, role, visitor, at })
    const candidate = await store.holdPerson(tx, userId)
    if (candidate?.status !== 'active') throw new Unauthenticated('account_disabled', 'This account is disabled.')
    const name = typedName(kernel.secrets.cipher, `${provider.name}:${candidate.username}`)
    // The password was not used, so its age does not matter.
    const entered = await enter(tx, kernel, { ...candidate, password_changed_at: null }, { name, visitor, at })
    return { ...entered, user: present(await findUser(tx, kernel.secrets.cipher, userId)) }
  })
  kernel.nudge()
  return session
}

interface Arrival {
  readonly provider: string
  readonly begun: store.State
  readonly person: ThirdPartyPerson
  readonly role: string
  readonly visitor: Visitor
  readonly at: Date
}

/** Finds the account of an arrival: the linked one, the one being linked, or a new one. */
async function whoIs(tx: Transaction, kernel: Kernel, arrival: Arrival): Promise<number> {
  const { provider, begun, person, at } = arrival
  const linked = await store.useIdentity(tx, provider, person.subject, at)
  if (begun.user_id === null) return linked ?? (await open(tx, arrival))
  const session = begun.session_id && (await findSession(tx, begun.session_id, begun.user_id, at))
  // The session of the start has ended.
  if (!session) throw badState()
  if (linked !== undefined && linked !== begun.user_id) throw identityTaken()
  if (linked === undefined) await link(tx, kernel, arrival, begun.user_id)
  return begun.user_id
}

async function link(tx: Transaction, kernel: Kernel, arrival: Arrival, userId: number): Promise<void> {
  const { provider, person, visitor, at } = arrival
  await lockUser(tx, kernel.secrets.cipher, userId)
  await insert(tx, arrival, userId)
  await record(tx, at, {
    actorId: userId,
    action: 'user.link',
    resource: 'user',
    resourceId: userId,
    changes: { [provider]: [null, person.displayName] },
    address: visitor.address,
    requestId: visitor.requestId,
  })
}

async function open(tx: Transaction, arrival: Arrival): Promise<number> {
  const { provider, person, role, visitor, at } = arrival
  const username = `${provider}-${randomUUID().slice(0, 13)}`
  const displayName = person.displayName?.slice(0, 100) ?? username
  // An e-mail address is no proof of owning the account that has it: the person must log in there and link it.
  const email = person.email !== null && (await store.isEmailFree(tx, person.email)) ? person.email : null
  const userId = await store.insertPerson(tx, { username, email, display_name: displayName }, at)
  await grantRole(tx, userId, role, null, at)
  await insert(tx, arrival, userId)
  await record(tx, at, {
    actorId: userId,
    action: 'user.register',
    resource: 'user',
    resourceId: userId,
    changes: { provider: [null, provider] },
    address: visitor.address,
    requestId: visitor.requestId,
  })
  await notify(tx, at, {
    type: 'account.welcome',
    userIds: [userId],
    data: { username, display_name: displayName },
    key: `account.welcome:${userId}`,
  })
  return userId
}

async function insert(tx: Transaction, { provider, person, at }: Arrival, userId: number): Promise<void> {
  const { subject, displayName } = person
  await store.insertIdentity(tx, { user_id: userId, provider, subject, display_name: displayName }, at)
}

/**
 * Unlinks a third party from the caller's account.
 * @throws NotFound; Conflict `last_log_in` if the person could not log in any more.
 */
export async function unlink(kernel: Kernel, caller: Caller, provider: string): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    // Parallel requests wait for each other here; the second sees the links that are left.
    await lockUser(tx, kernel.secrets.cipher, caller.userId)
    if (!(await store.deleteIdentity(tx, caller.userId, provider))) {
      throw new NotFound('not_found', 'Your account is not linked to this provider.')
    }
    const hasPassword = (await passwordHashOf(tx, caller.userId)) !== null
    if (!hasPassword && (await store.listIdentities(tx, caller.userId)).length === 0) {
      throw new Conflict('last_log_in', 'There would be no way left to log in. Set a password first.')
    }
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.unlink',
      resource: 'user',
      resourceId: caller.userId,
      changes: { [provider]: ['linked', null] },
    })
  })
  kernel.nudge()
}

function secretsOf(kernel: Kernel, { secrets }: store.State): string[] {
  const value: unknown = JSON.parse(kernel.secrets.cipher.decrypt(secrets))
  return Array.isArray(value) ? value.map(String) : []
}

function secret(): string {
  return randomBytes(32).toString('base64url')
}

/** A plain hash is enough for 256 random bits: no key is needed. */
function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}

function badState(): Invalid {
  return new Invalid('bad_state', 'This log-in was not begun here, took too long, or has ended already. Begin again.')
}

function identityTaken(): Conflict {
  return new Conflict('identity_taken', 'This third-party account is linked to another account.')
}
