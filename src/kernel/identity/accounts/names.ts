import type { FieldCipher } from '../../secrets/fields.ts'
import { maskEmail, maskPhone, normalizePhone } from './phones.ts'

/** What somebody typed to say who they are: a username, an e-mail address, a phone number, or something else by mistake. */
export interface TypedName {
  readonly text: string
  /** E.164, when it is a phone number. */
  readonly phone: string | undefined
  /** By which the log finds it however it was written, and tells nobody what it was. */
  readonly index: string
}

/** Reads what was typed for a name. */
export function typedName(cipher: FieldCipher, given: string): TypedName {
  const text = given.normalize('NFKC').trim()
  const phone = normalizePhone(text)
  return { text, phone, index: cipher.blindIndex(phone ?? text.toLowerCase(), 'login_log.name') }
}

/**
 * As the log shows it: contact data masked. Of what nobody has for a name only the beginning: it may be a password in the wrong field.
 */
export function shownName({ text, phone }: TypedName, isSomebodys: boolean): string {
  const plain = text.toLowerCase()
  if (!isSomebodys) return `${[...plain][0] ?? ''}***`
  if (plain.includes('@')) return maskEmail(plain)
  return phone === undefined ? plain : maskPhone(phone)
}
