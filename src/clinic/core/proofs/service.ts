import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Transaction } from '../../../kernel/database/database.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { isFinal, Refused } from '../../../kernel/notifications/providers/provider.ts'
import { CODES, refusal } from '../../sentences.ts'
import * as store from './store.ts'

// Ownership of a phone number or address is proved by a code that is sent there. The code is not stored: it follows from
// the row's salt by a keyed hash.

/** Minutes for which a code is valid, and for which a proof can be used afterwards. */
const CODE_MINUTES = 10
const PROOF_MINUTES = 30
const MOST_TRIES = 5
/** Most codes for one contact, so that neither mailboxes nor phones are flooded, and guessing stays hopeless. */
const MOST_CODES = { hour: 5, day: 10 } as const
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Name of the job that sends a code. */
export const SEND_PROOF_JOB = 'clinic.contact-code'

/** The keyed hash of a number in E.164 or an address. */
function contactOf({ secrets }: Pick<Kernel, 'secrets'>, channel: store.ProofChannel, contact: string): store.Contact {
  return { channel, contact: secrets.cipher.blindIndex(contact.toLowerCase(), `clinic.proof.${channel}`) }
}

/**
 * Sends a code to a number or address.
 * @throws Invalid `no_channel` if none can be sent; `too_many_codes`.
 */
export async function sendCode(
  kernel: Kernel,
  channel: 'sms' | 'email',
  contact: string,
  userId: number | null,
): Promise<void> {
  if (!kernel.secretCodes[channel])
    throw refusal(
      CODES.request,
      'no_channel',
      channel === 'sms' ? '短信服务未配置，请联系医院' : '邮件服务未配置，请联系医院',
    )
  await kernel.transaction(async (tx) => {
    const { id, salt } = await begin(kernel, tx, channel, contact, userId, CODE_MINUTES * MINUTE)
    await kernel.jobs.send(tx, SEND_PROOF_JOB, { id, salt, channel, to: kernel.secrets.cipher.encrypt(contact) })
  })
  kernel.nudge()
}

/** Begins a proof in the caller's transaction. `ms`: the time for which it is valid. @throws Invalid `too_many_codes`. */
async function begin(
  kernel: Kernel,
  tx: Transaction,
  channel: store.ProofChannel,
  contact: string,
  userId: number | null,
  ms: number,
): Promise<{ readonly id: number; readonly salt: string }> {
  const hashed = contactOf(kernel, channel, contact)
  const now = kernel.clock.now()
  await store.lockContact(tx, hashed)
  const lastHour = await store.countSince(tx, hashed, new Date(now.getTime() - HOUR))
  const lastDay = await store.countSince(tx, hashed, new Date(now.getTime() - DAY))
  if (lastHour >= MOST_CODES.hour || lastDay >= MOST_CODES.day)
    throw refusal(CODES.request, 'too_many_codes', '验证码或验证邮件发送过于频繁，请稍后再试')
  const salt = randomBytes(16).toString('base64url')
  const id = await store.insertProof(tx, { ...hashed, userId, salt, expiresAt: new Date(now.getTime() + ms) }, now)
  return { id, salt }
}

/** Begins the proof of an address by a link, and returns the link's id. @throws Invalid `too_many_codes`. */
export async function beginLink(
  kernel: Kernel,
  tx: Transaction,
  { userId, email, days }: { readonly userId: number; readonly email: string; readonly days: number },
): Promise<number> {
  return (await begin(kernel, tx, 'link', email, userId, days * DAY)).id
}

/** Uses a user's link, once. Returns false if it is used, void or expired. */
export async function useLink(kernel: Kernel, tx: Transaction, id: number, userId: number): Promise<boolean> {
  return await store.useLink(tx, id, userId, kernel.clock.now())
}

/** Voids a user's codes and links for e-mail addresses: their address or number has changed. */
export async function voidProofs(tx: Transaction, kernel: Kernel, userId: number): Promise<void> {
  await store.voidProofs(tx, userId, kernel.clock.now())
}

/** Job: sends a code. A code that may have arrived is not sent twice: another one can be asked for. */
export async function deliverCode(kernel: Kernel, payload: unknown): Promise<void> {
  if (typeof payload !== 'object' || payload === null) return
  const { id, salt, channel, to } = payload as { id: number; salt: string; channel: 'sms' | 'email'; to: string }
  const code = codeOf(kernel, { id, salt })
  try {
    await kernel.secretCodes[channel]?.send({
      id: -id,
      at: kernel.clock.now(),
      to: kernel.secrets.cipher.decrypt(to),
      toName: '',
      subject: '验证码',
      text: `您的验证码是 ${code}，${CODE_MINUTES} 分钟内有效。如果不是您本人操作，请忽略本消息。`,
    })
  } catch (error) {
    const permanent = error instanceof Refused && (isFinal(error.kind) || error.kind === 'unheard')
    kernel.log.warn({ proofId: id, permanent, channel }, 'a code was not taken')
    if (!permanent) throw error
  }
}

/**
 * Checks a code. Afterwards the contact counts as proved for half an hour. With a user, only a code that this user
 * asked for is right.
 * @throws Invalid `bad_code`.
 */
export async function checkCode(
  kernel: Kernel,
  channel: 'sms' | 'email',
  contact: string,
  code: string,
  userId: number | null = null,
): Promise<void> {
  const now = kernel.clock.now()
  const proof = await kernel.withRetries((db) =>
    store.takeTry(db, contactOf(kernel, channel, contact), userId, MOST_TRIES, now),
  )
  const expected = Buffer.from(codeOf(kernel, proof ?? { id: 0, salt: '' }))
  const given = Buffer.from(code.trim())
  if (!proof || given.length !== expected.length || !timingSafeEqual(given, expected))
    throw refusal(CODES.request, 'bad_code', '验证码错误或已过期，请重新获取')
  await kernel.withRetries((db) => store.markProved(db, proof.id, now))
}

/**
 * Uses the proof of a contact, in the transaction that needs it. With a user, only this user's own proof counts. Returns
 * false if it was not proved.
 */
export async function useProof(
  kernel: Kernel,
  tx: Transaction,
  channel: 'sms' | 'email',
  contact: string,
  userId: number | null = null,
): Promise<boolean> {
  const now = kernel.clock.now()
  const since = new Date(now.getTime() - PROOF_MINUTES * MINUTE)
  return await store.useProof(tx, contactOf(kernel, channel, contact), userId, since, now)
}

/** Job: deletes old codes and links. */
export async function sweepProofs(kernel: Kernel): Promise<void> {
  const now = kernel.clock.now()
  await store.deleteOldProofs(kernel.db, new Date(now.getTime() - 2 * DAY), now)
}

/** The six digits of a code. */
function codeOf(
  { secrets }: Pick<Kernel, 'secrets'>,
  { id, salt }: { readonly id: number; readonly salt: string },
): string {
  const number = secrets.keyedHash('clinic contact code', `${id} ${salt}`).readUIntBE(0, 6)
  return String(number % 1_000_000).padStart(6, '0')
}
