import type { Transaction } from '../../database/database.ts'
import type { Kernel } from '../../kernel.ts'
import { queueForAddresses } from '../../notifications/bareAddresses.ts'
import { notify } from '../../outbox/outbox.ts'
import { localTimestamp } from '../../time.ts'
import { voidResetsOf } from '../logIn/passwordReset/store.ts'
import type { User } from './users.ts'

const TYPE = 'account.contact_changed'

/**
 * Handles a change of a person's e-mail address or phone number: voids open reset codes, calls the parts, and tells the person. The
 * message also goes to the previous addresses, because somebody else may have made the change. Does nothing if both are
 * unchanged.
 */
export async function afterContactChange(
  tx: Transaction,
  kernel: Kernel,
  before: User,
  after: User,
  at: Date,
): Promise<void> {
  const email = before.email !== after.email
  const phone = before.phone !== after.phone
  if (!email && !phone) return
  await voidResetsOf(tx, after.id, at)
  for (const hook of kernel.afterContactChange) await hook(tx, kernel, after.id)
  const { username, locale } = after
  const data = { username, time: localTimestamp(at, kernel.config.timeZone), email, phone }
  await notify(tx, at, { type: TYPE, userIds: [after.id], data })
  const catalogue = kernel.notifications.catalogue
  const type = catalogue.typeOf(TYPE)
  if (!type) throw new Error(`${TYPE} is not registered`)
  for (const { key: channel, address: of } of catalogue.channels.delivered) {
    const address = of.account && before[of.account] !== after[of.account] ? before[of.account] : null
    if (address === null) continue
    const { subject, body } = catalogue.write(type, channel, locale, data)
    const send = { channel, type: TYPE, addresses: [address], subject, body }
    await queueForAddresses(tx, kernel, send, { userId: after.id, urgent: type.urgent, at })
  }
}
