import { withoutInvisible } from '../../text.ts'

/**
 * The E.164 form (`+8613800138000`) of a phone number in any usual notation, or undefined if it is not one. Ignores
 * spaces, dashes, dots, brackets and invisible characters; `00` and a full-width plus mean `+`. Without a country code it
 * must be Chinese: a mobile number (11 digits, 13…19…) or a landline with its area code (`010-8888 8888`), also after a
 * bare `86` or `086`. Numbers of other countries are only checked for their length (E.164: at most 15 digits).
 */
export function normalizePhone(text: string): string | undefined {
  const compact = withoutInvisible(text)
    .normalize('NFKC')
    .replaceAll(/[\s().\-\u2010-\u2015]/g, '')
    .replace(/^00/, '+')
    .replace(/^0?86(?=1[3-9]\d{9}$|0\d{10,11}$)/, '+86')
    // The zero before an area code is not dialled after the country code: +86 (0)21 …
    .replace(/^\+860/, '+86')
  if (/^1[3-9]\d{9}$/.test(compact)) return `+86${compact}`
  if (/^0\d{2,3}\d{7,8}$/.test(compact)) return `+86${compact.slice(1)}`
  if (compact.startsWith('+86')) return /^\+86(1[3-9]\d{9}|[2-9]\d{8,10}|10\d{8})$/.test(compact) ? compact : undefined
  return /^\+[1-9]\d{6,14}$/.test(compact) ? compact : undefined
}

/** `+86*******8000`: enough for people to recognise their own number. */
export function maskPhone(phone: string): string {
  return phone.slice(0, 3) + '*'.repeat(Math.max(0, phone.length - 7)) + phone.slice(-4)
}

/** `z***@example.com`. */
export function maskEmail(email: string): string {
  return email.replace(/^(.).*(?=@)/su, '$1***')
}
