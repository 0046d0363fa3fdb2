import type { Transaction } from '../../../kernel/database/database.ts'
import { changeFor } from '../../../kernel/identity/accounts/accounts.ts'
import * as users from '../../../kernel/identity/accounts/store.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { isFinal, Refused } from '../../../kernel/notifications/providers/provider.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { CODES, refusal } from '../../sentences.ts'

// An e-mail address counts for resets and notices only after its owner has opened the link that was sent there.

/** Name of the job that sends the link. */
export const SEND_LINK_JOB = 'clinic.verify-email'

const PURPOSE = 'clinic verify e-mail'
const VALID_DAYS = 7
const DAY = 86_400_000

/** Asks the owner of an address to verify it for a user, in the transaction that names it. */
export async function askToVerify(kernel: Kernel, tx: Transaction, userId: number, email: string): Promise<void> {
  await kernel.jobs.send(tx, SEND_LINK_JOB, { userId, to: kernel.secrets.cipher.encrypt(email) })
}

/** Job: sends the link. */
export async function sendLink(kernel: Kernel, payload: unknown): Promise<void> {
  if (typeof payload !== 'object' || payload === null || !('userId' in payload) || !('to' in payload)) return
  const userId = Number(payload.userId)
  const email = kernel.secrets.cipher.decrypt(String(payload.to))
  const until = kernel.clock.now().getTime() + VALID_DAYS * DAY
  const token = kernel.secrets.signer.sign(`${userId} ${until} ${email}`, PURPOSE)
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

/** Sets the address of a link for its user. Opening it again changes nothing. @throws Invalid `bad_link`. */
export async function verifyEmail(kernel: Kernel, token: string): Promise<void> {
  const [id = '', until = '', email = ''] = (kernel.secrets.signer.verify(token, PURPOSE) ?? '').split(' ')
  const now = kernel.clock.now()
  if (email === '' || Number(until) <= now.getTime())
    throw refusal(CODES.request, 'bad_link', '链接无效或已过期，请重新申请验证邮件')
  const userId = Number(id)
  await kernel.transaction(async (tx) => {
    const user = await users.lockUser(tx, kernel.secrets.cipher, userId)
    if (!user) throw refusal(CODES.request, 'bad_link', '该账号已不存在')
    if (user.email === email) return
    await users.updateUser(tx, userId, changeFor(kernel, { email }), now)
    await record(tx, now, { actorId: userId, action: 'user.verify_email', resource: 'user', resourceId: userId })
  })
  kernel.nudge()
}
