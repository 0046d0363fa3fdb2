import type { Transaction } from '../../../kernel/database/database.ts'
import { changeFor, present } from '../../../kernel/identity/accounts/accounts.ts'
import { changesOf } from '../../../kernel/identity/accounts/changes.ts'
import { afterContactChange } from '../../../kernel/identity/accounts/contactChange.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { isFinal, Refused } from '../../../kernel/notifications/providers/provider.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { beginLink, useLink } from '../../core/proofs/service.ts'
import { CODES, refusal } from '../../sentences.ts'

// An e-mail address counts for resets and notices only after its owner has opened the link that was sent there. A link
// works once, and not any more after the account's address or number has changed.

/** Name of the job that sends the link. */
export const SEND_LINK_JOB = 'clinic.verify-email'

const PURPOSE = 'clinic verify e-mail'
const VALID_DAYS = 7

/**
 * Asks the owner of an address to verify it for a user, in the transaction that names it.
 * @throws Invalid `too_many_codes`.
 */
export async function askToVerify(kernel: Kernel, tx: Transaction, userId: number, email: string): Promise<void> {
  const id = await beginLink(kernel, tx, { userId, email, days: VALID_DAYS })
  await kernel.jobs.send(tx, SEND_LINK_JOB, { id, userId, to: kernel.secrets.cipher.encrypt(email) })
}

/** Job: sends the link. */
export async function sendLink(kernel: Kernel, payload: unknown): Promise<void> {
  if (typeof payload !== 'object' || payload === null) return
  if (!('id' in payload) || !('userId' in payload) || !('to' in payload)) return
  const userId = Number(payload.userId)
  const email = kernel.secrets.cipher.decrypt(String(payload.to))
  const token = kernel.secrets.signer.sign(`${Number(payload.id)} ${userId} ${email}`, PURPOSE)
  const link = `${kernel.config.publicUrl}/auth/verify-email?token=${token}`
  try {
    await kernel.secretCodes.email?.send({
      id: -userId,
      at: kernel.clock.now(),
      to: email,
      toName: '',
      subject: '请验证您的邮箱',
      text: `请打开以下链接验证您的邮箱（${VALID_DAYS} 天内有效）：\n\n${link}\n\n如果不是您本人操作，请忽略本邮件。`,
    })
  } catch (error) {
    const permanent = error instanceof Refused && (isFinal(error.kind) || error.kind === 'unheard')
    kernel.log.warn({ userId, permanent }, 'a link to verify an address was not taken')
    if (!permanent) throw error
  }
}

/**
 * Sets the address of a link for its user; the old address is told. A link works once.
 * @throws Invalid `bad_link`; Conflict `email_taken`.
 */
export async function verifyEmail(kernel: Kernel, token: string): Promise<void> {
  const [id = '', user = '', email = ''] = (kernel.secrets.signer.verify(token, PURPOSE) ?? '').split(' ')
  if (email === '') throw badLink()
  const userId = Number(user)
  const now = kernel.clock.now()
  await kernel.transaction(async (tx) => {
    const before = await users.lockUser(tx, kernel.secrets.cipher, userId)
    if (!before || !(await useLink(kernel, tx, Number(id), userId))) throw badLink()
    await users.updateUser(tx, userId, changeFor(kernel, { email }), now)
    const after = present(await users.findUser(tx, kernel.secrets.cipher, userId))
    await afterContactChange(tx, kernel, before, after, now)
    const changes = changesOf(before, after)
    const action = 'user.verify_email'
    await record(tx, now, { actorId: userId, action, resource: 'user', resourceId: userId, changes })
  })
  kernel.nudge()
}

const badLink = () => refusal(CODES.request, 'bad_link', '链接无效、已过期或已使用过，请重新申请验证邮件')
