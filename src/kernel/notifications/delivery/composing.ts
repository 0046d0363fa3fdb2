import type { Kernel } from '../../kernel.ts'
import { cutText } from '../../text.ts'
import type { ProviderMessage } from '../providers/provider.ts'
import type { Catalogue, ChannelText } from '../texts/catalogue.ts'
import { isMandatory } from '../texts/types.ts'
import type { Claimed } from './deliveryStore.ts'
import { htmlOf, trackedHtml, unsubscribeUrl, withFooter } from './tracking.ts'

const NAME_LENGTH = 100

/** Whether a delivery can't be switched off: it or its type is urgent, or the type is about the account. */
export function isMandatoryFor(catalogue: Catalogue, claimed: Claimed): boolean {
  const type = catalogue.typeOf(claimed.type)
  return claimed.urgent || (type !== undefined && isMandatory(type))
}

/** The decrypted address of a delivery; null when there is none or it can't be decrypted. */
export function addressFor(
  { secrets }: Pick<Kernel, 'secrets'>,
  { channels }: Catalogue,
  claimed: Claimed,
): string | null {
  const { address_encrypted: bare, address: own } = claimed
  const encrypted = bare !== null || channels.delivery(claimed.channel)?.address.encrypted === true
  const stored = bare ?? own
  if (stored === null || !encrypted) return stored
  try {
    return secrets.cipher.decrypt(stored)
  } catch {
    // The key that encrypted it is gone. One such row must not hold up the others.
    return null
  }
}

/** Composes the message of a delivery for its provider. */
export function messageFor(
  kernel: Pick<Kernel, 'config' | 'secrets'>,
  catalogue: Catalogue,
  claimed: Claimed,
  address: string,
): ProviderMessage {
  const text = textFor(catalogue, claimed)
  const locale = claimed.locale ?? 'zh-CN'
  const message = {
    id: claimed.id,
    at: claimed.created_at,
    to: address,
    toName: cutText((claimed.display_name ?? '').replace(/\s+/g, ' '), NAME_LENGTH),
    subject: text.subject,
    text: text.body,
    ...(text.template && { template: text.template }),
  }
  if (!catalogue.channels.delivery(claimed.channel)?.richText) return message
  const mandatory = isMandatoryFor(catalogue, claimed)
  const unsubscribe = mandatory ? undefined : { url: unsubscribeUrl(kernel, claimed.id), locale }
  return {
    ...message,
    text: withFooter(text.body, unsubscribe),
    html: trackedHtml(kernel, claimed.id, text.html ?? htmlOf(text.body), unsubscribe),
    unsubscribeUrl: unsubscribe?.url,
  }
}

/** The text for the channel in the person's language, or the text of the inbox if the type is gone or has changed. */
function textFor(catalogue: Catalogue, claimed: Claimed): ChannelText {
  if (claimed.content) return claimed.content
  const type = catalogue.typeOf(claimed.type)
  const inbox = { subject: claimed.subject ?? '', body: claimed.body ?? '' }
  if (!type) return inbox
  try {
    return catalogue.write(type, claimed.channel, claimed.locale ?? 'zh-CN', claimed.data ?? {})
  } catch {
    return inbox
  }
}
