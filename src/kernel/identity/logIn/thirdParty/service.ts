import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { originOf } from '../../../audit/origin.ts'
import type { Transaction } from '../../../database/database.ts'
import { Conflict, Invalid, NotFound, Unauthenticated } from '../../../errors.ts'
import type { Caller } from '../../../http/request/caller.ts'
import type { Kernel } from '../../../kernel.ts'
import { notify, record } from '../../../outbox/outbox.ts'
import { cutText } from '../../../text.ts'
import { localTimestamp } from '../../../time.ts'
import { present } from '../../accounts/accounts.ts'
import { typedName } from '../../accounts/names.ts'
import { checkOwner, type Proof } from '../../accounts/owner.ts'
import { findUser, grantRole, lockUser, passwordHashOf } from '../../accounts/store.ts'
import type { User } from '../../accounts/users.ts'
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
 * Starts the linking of a third party to the caller's account. The link is a way to log in, so the caller must prove to
 * be the account's owner.
 * @throws NotFound; Unavailable `third_party_unavailable`; and what `checkOwner` throws
 */
export async function beginLink(kernel: Kernel, providerName: string, caller: Caller, proof: Proof): Promise<Begun> {
  thirdPartyNamed(kernel.thirdParties, providerName)
  await checkOwner(kernel, caller, proof)
  return await begin(kernel, providerName, caller)
}

/**
 * Starts a log-in at a third party; with a caller, the linking of their account (see `beginLink`).
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

/** The end of a log-in at a third party: a session, or the account to which the third party was linked. */
export type Finished =
  | { readonly session: LoggedIn; readonly linked?: never }
  | { readonly linked: User; readonly session?: never }

/**
 * Completes a log-in at a third party. If the caller was signed in when it started, their account is linked, and no new
 * session is opened: a session would count as proof of ownership that the caller never gave. Otherwise the linked
 * account is used, or a new account with the given role is created.
 * @throws NotFound; Invalid `bad_state`; Unauthenticated `third_party_refused`, `account_disabled`; Unavailable
 * `third_party_unavailable`; Conflict `identity_taken`, `already_linked`
 */
export async function finish(
  kernel: Kernel,
  providerName: string,
  came: CameBack,
  role: string,
  visitor: Visitor,
): Promise<Finished> {
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

  const finished = await kernel.transaction(async (tx): Promise<Finished> => {
    const at = kernel.clock.now()
    const userId = await whoIs(tx, kernel, { provider: provider.name, begun, person, role, visitor, at })
    const candidate = await store.holdPerson(tx, userId)
    if (candidate?.status !== 'active') throw new Unauthenticated('account_disabled', 'This account is disabled.')
    const user = present(await findUser(tx, kernel.secrets.cipher, userId))
    if (begun.user_id !== null) return { linked: user }
    const name = typedName(kernel.secrets.cipher, `${provider.name}:${candidate.username}`)
    // The password was not used, so its age does not matter.
    const entered = await enter(tx, kernel, { ...candidate, password_changed_at: null }, { name, visitor, at })
    return { session: { ...entered, user } }
  })
  kernel.nudge()
  return finished
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
  await tellOwner(tx, kernel, { userId, type: 'account.identity_linked', provider }, at)
}

/** Tells a person that a third party was linked to their account, or unlinked. */
async function tellOwner(
  tx: Transaction,
  kernel: Kernel,
  { userId, type, provider }: { readonly userId: number; readonly type: string; readonly provider: string },
  at: Date,
): Promise<void> {
  const { username } = present(await findUser(tx, kernel.secrets.cipher, userId))
  const title = kernel.thirdParties.find(({ name }) => name === provider)?.title ?? provider
  const time = localTimestamp(at, kernel.config.timeZone)
  await notify(tx, at, { type, userIds: [userId], data: { username, provider: title, time } })
}

async function open(tx: Transaction, arrival: Arrival): Promise<number> {
  const { provider, person, role, visitor, at } = arrival
  const username = `${provider}-${randomUUID().slice(0, 13)}`
  const displayName = person.displayName === null ? username : cutText(person.displayName, 100)
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
 * @throws NotFound; Conflict `last_log_in` if the person could not log in any more; and what `checkOwner` throws
 */
export async function unlink(kernel: Kernel, caller: Caller, provider: string, proof: Proof): Promise<void> {
  const linked = await kernel.withRetries((db) => store.listIdentities(db, caller.userId))
  if (!linked.some((one) => one.provider === provider)) throw notLinked()
  await checkOwner(kernel, caller, proof)
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    // Parallel requests wait for each other here; the second sees the links that are left.
    await lockUser(tx, kernel.secrets.cipher, caller.userId)
    if (!(await store.deleteIdentity(tx, caller.userId, provider))) throw notLinked()
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
    await tellOwner(tx, kernel, { userId: caller.userId, type: 'account.identity_unlinked', provider }, at)
  })
  kernel.nudge()
}

const notLinked = () => new NotFound('not_found', 'Your account is not linked to this provider.')

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
