/** Country codes, and how national numbers are written: the prefix that is left out after the country code. */
const COUNTRIES = {
  TW: { code: '886', trunk: '0', national: /^[2-9]\d{7,8}$/ },
  CN: { code: '86', trunk: '0', national: /^(1[3-9]\d{9}|[1-9]\d{8,10})$/ },
  HK: { code: '852', trunk: '', national: /^[2-9]\d{7}$/ },
  MO: { code: '853', trunk: '', national: /^[268]\d{7}$/ },
  JP: { code: '81', trunk: '0', national: /^[1-9]\d{8,9}$/ },
  SG: { code: '65', trunk: '', national: /^[3689]\d{7}$/ },
  MY: { code: '60', trunk: '0', national: /^[1-9]\d{7,9}$/ },
} as const

export type PhoneCountry = keyof typeof COUNTRIES

/**
 * The forms under which a part of a phone number may be stored: as typed, and with the country code instead of the zero
 * before it. Other texts stay as they are.
 */
export function phoneForms(text: string, country: PhoneCountry): readonly string[] {
  const { code, trunk } = COUNTRIES[country]
  const isPart = trunk !== '' && /^\d{4,}$/.test(text) && text.startsWith(trunk)
  return isPart ? [text, `+${code}${text.slice(trunk.length)}`] : [text]
}

/**
 * The E.164 form (`+886912345678`) of a phone number in any usual notation, or undefined if it is none. Spaces, dashes,
 * dots and brackets don't matter; `00` and a full-width plus mean `+`. A number without a country code belongs to
 * `country`. Numbers of unknown countries are only checked for their length.
 */
export function phoneInE164(text: string, country: PhoneCountry): string | undefined {
  const compact = text
    .normalize('NFKC')
    .replaceAll(/[\s().\-‐-―/]/g, '')
    .replace(/^00/, '+')
  if (!/^\+?\d{6,17}$/.test(compact)) return undefined
  if (!compact.startsWith('+')) return nationalNumber(compact, country)
  const known = Object.values(COUNTRIES).find(({ code }) => compact.startsWith(`+${code}`))
  if (!known) return /^\+[1-9]\d{6,14}$/.test(compact) ? compact : undefined
  const rest = withoutTrunk(compact.slice(known.code.length + 1), known.trunk)
  return known.national.test(rest) ? `+${known.code}${rest}` : undefined
}

function nationalNumber(digits: string, country: PhoneCountry): string | undefined {
  const { code, trunk, national } = COUNTRIES[country]
  const rest = withoutTrunk(digits, trunk)
  if (national.test(rest) && (trunk === '' || rest !== digits || country === 'CN')) return `+${code}${rest}`
  // A country code without a plus: 886912345678.
  const bare = digits.startsWith(code) ? withoutTrunk(digits.slice(code.length), trunk) : ''
  return national.test(bare) ? `+${code}${bare}` : undefined
}

function withoutTrunk(digits: string, trunk: string): string {
  return trunk !== '' && digits.startsWith(trunk) ? digits.slice(trunk.length) : digits
}
