import { originOf } from '../audit/origin.ts'
import type { Transaction } from '../database/database.ts'
import { Invalid, NotFound } from '../errors.ts'
import type { Caller } from '../http/request/caller.ts'
import type { Kernel } from '../kernel.ts'
import { record } from '../outbox/outbox.ts'
import * as store from './legalStore.ts'

/** The versions of the legal texts that a person agrees to. */
export type Accepted = Readonly<Partial<Record<store.LegalKind, number | undefined>>>

/** A published text. @throws NotFound `not_published` */
export async function getText(kernel: Kernel, kind: store.LegalKind, version?: number): Promise<store.LegalText> {
  const text = await kernel.withRetries((db) => store.findText(db, kind, version))
  if (!text) throw new NotFound('not_published', 'There is no such published text.')
  return text
}

/** Publishes the next version of a text: everybody must agree to it again. */
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
 * Records the consent of a person who registers. Texts that were never published need no consent; with `consentLater`,
 * neither do texts that `accepted` does not mention.
 * @throws Invalid `consent_required`, with the current versions in `required`
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
    throw new Invalid('consent_required', 'Registration requires consent to the current texts.', {
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

/**
 * Records that the caller agrees to the current version of a text.
 * @throws Invalid `not_current`; NotFound `not_published`
 */
export async function consent(kernel: Kernel, caller: Caller, accepted: store.TextVersion): Promise<void> {
  const at = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const { version } = (await store.findText(tx, accepted.kind)) ?? {}
    if (version === undefined) throw new NotFound('not_published', 'There is no such published text.')
    if (version !== accepted.version) {
      throw new Invalid('not_current', `The current version is ${version}.`, { facts: { current_version: version } })
    }
    const given = { user_id: caller.userId, kind: accepted.kind, version, address: caller.address }
    if (!(await store.insertConsent(tx, given, at))) return
    const changes = { version: [null, version] as const }
    await record(tx, at, {
      ...originOf(caller),
      action: 'user.consent',
      resource: 'legal',
      resourceId: accepted.kind,
      changes,
    })
  })
  kernel.nudge()
}

/** The texts the caller has agreed to, and those still to be agreed to. */
export async function consentsOf(kernel: Kernel, userId: number) {
  return await kernel.withRetries(async (db) => ({
    items: await store.listConsents(db, userId),
    required: await store.missingConsents(db, userId),
  }))
}
