import type { FieldCipher } from '../../secrets/fields.ts'
import { withoutInvisible } from '../../text.ts'
import { maskEmail, maskPhone, normalizePhone } from './phones.ts'

/** A name typed at log-in: a username, an e-mail address, a phone number, or something else by mistake. */
export interface TypedName {
  readonly text: string
  /** E.164, when it is a phone number. */
  readonly phone: string | undefined
  /** Blind index for the log: equal for all notations of a name, without revealing it. */
  readonly index: string
}

/** Parses a typed name. */
export function typedName(cipher: FieldCipher, given: string): TypedName {
  const text = withoutInvisible(given.normalize('NFKC')).trim()
  const phone = normalizePhone(text)
  return { text, phone, index: cipher.blindIndex(phone ?? text.toLowerCase(), 'login_log.name') }
}

/**
 * The name as the log shows it, with contact data masked. Of unknown names only the first character is kept, because
 * they may be a password in the wrong field.
 */
export function shownName({ text, phone }: TypedName, isKnown: boolean): string {
  const plain = text.toLowerCase()
  if (!isKnown) return `${[...plain][0] ?? ''}***`
  if (plain.includes('@')) return maskEmail(plain)
  return phone === undefined ? plain : maskPhone(phone)
}
