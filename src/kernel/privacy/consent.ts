import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { Invalid, NotFound } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import * as store from './legalStore.ts'

/** The versions of the texts that somebody says they agree to. */
export type Accepted = Readonly<Partial<Record<store.LegalKind, number | undefined>>>

/** A published text. @throws NotFound `not_published` */
export async function getText(kernel: Kernel, kind: store.LegalKind, version?: number): Promise<store.LegalText> {
  const text = await kernel.withRetries((db) => store.findText(db, kind, version))
  if (!text) throw new NotFound('not_published', 'No such text was published.')
  return text
}

/** Publishes the next version of a text: everybody is asked again. */
export async function publish(
  kernel: Kernel,
  caller: Caller,
  kind: store.LegalKind,
  text: { readonly title: string; readonly body: string },
): Promise<store.LegalText> {
  const at = kernel.clock.now()
  const published = await kernel.transaction(async (tx) => {
    const made = await store.insertText(tx, { ...text, kind, by: caller.userId }, at)
    const changes = { version: [made.version === 1 ? null : made.version - 1, made.version] as const }
    await record(tx, at, { ...originOf(caller), action: 'legal.publish', resource: 'legal', resourceId: kind, changes })
    return made
  })
  kernel.nudge()
  return published
}

/**
 * Notes what somebody who registers agrees to. Texts that were never published need no consent; with `consentLater` neither do those of which
 * nothing is said.
 * @throws Invalid `consent_required` with the versions that are, in `required`
 */
export async function consentAtRegistration(
  tx: Transaction,
  userId: number,
  {
    accepted = {},
    consentLater = false,
  }: { readonly accepted?: Accepted | undefined; readonly consentLater?: boolean },
  address: string,
  at: Date,
): Promise<void> {
  const published = await store.currentVersions(tx)
  const current = consentLater ? published.filter(({ kind }) => accepted[kind] !== undefined) : published
  const missing = current.filter(({ kind, version }) => accepted[kind] !== version)
  if (missing.length > 0) {
    throw new Invalid('consent_required', 'Registering needs consent to the current texts.', {
      errors: missing.map(({ kind, version }) => ({
        in: 'body',
        path: `/accepted_${kind}`,
        message: `must be ${version}, the current version`,
      })),
      facts: { required: missing },
    })
  }
  for (const { kind, version } of current) {
    await store.insertConsent(tx, { user_id: userId, kind, version, address }, at)
  }
}

/** Notes that the caller agrees to the current version of a text. @throws Invalid `not_current`; NotFound `not_published` */
export async function consent(kernel: Kernel, caller: Caller, wish: store.TextVersion): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { version } = (await store.findText(tx, wish.kind)) ?? {}
    if (version === undefined) throw new NotFound('not_published', 'No such text was published.')
    if (version !== wish.version) {
      throw new Invalid('not_current', `The current version is ${version}.`, { facts: { current_version: version } })
    }
    const given = { user_id: caller.userId, kind: wish.kind, version, address: caller.address }
    if (!(await store.insertConsent(tx, given, at))) return
    const changes = { version: [null, version] as const }
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.consent',
      resource: 'legal',
      resourceId: wish.kind,
      changes,
    })
  })
  kernel.nudge()
}

/** What the caller has agreed to, and what is to be agreed to. */
export async function consentsOf(kernel: Kernel, userId: number) {
  return await kernel.withRetries(async (db) => ({
    items: await store.listConsents(db, userId),
    required: await store.missingConsents(db, userId),
  }))
}
