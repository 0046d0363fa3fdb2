import type { FieldError } from '../../kernel/errors.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { fieldError } from '../refusals.ts'
import { crmSettings } from '../settings.ts'
import { phoneInE164 } from './phones.ts'

/** What people say about a member. Absent: it stays as it is. Null: it is emptied. */
export interface MemberFields {
  readonly first_name?: string | null
  readonly last_name?: string | null
  readonly gender?: 'male' | 'female' | 'other' | null
  /** YYYY-MM-DD */
  readonly birthday?: string | null
  readonly email?: string | null
  readonly phone?: string | null
  readonly id_number?: string | null
  readonly accept_marketing?: boolean
  readonly notes?: string | null
  readonly line_uid?: string | null
  readonly line_display_name?: string | null
  readonly line_picture_url?: string | null
}

/** The columns of `members` that follow from fields. */
export interface MemberColumns extends Omit<MemberFields, 'id_number'> {
  readonly phone_e164?: string | null
  readonly id_number?: string | null
  readonly id_number_index?: string | null
  readonly id_number_masked?: string | null
}

/** The form of an id number by which it is compared: NFKC, trimmed, upper case. */
export function plainIdNumber(text: string): string {
  return text.normalize('NFKC').trim().toUpperCase()
}

/** `A12****789`: enough to recognise a known number. */
export function maskIdNumber(plain: string): string {
  const shown = Math.min(3, Math.floor(plain.length / 4))
  const [head, tail] = [plain.slice(0, shown), plain.slice(plain.length - shown)]
  return `${head}${'*'.repeat(plain.length - head.length - tail.length)}${tail}`
}

/** Whether a text is a masked id number that a client sent back: it changes nothing. */
export function isMasked(text: string): boolean {
  return text.includes('*')
}

/** The blind index of an id number in any notation. */
export function idNumberIndex({ secrets }: Pick<Kernel, 'secrets'>, text: string): string {
  return secrets.cipher.blindIndex(plainIdNumber(text), 'members.id_number')
}

/**
 * The columns for a member's fields: phone number in E.164, id number encrypted, with its index and mask. A masked id
 * number is left out. E-mail addresses and names are trimmed; empty texts are null.
 * @returns the columns, and the faults of fields that can't be used
 */
export function memberColumns(
  kernel: Pick<Kernel, 'config' | 'secrets'>,
  fields: MemberFields,
): { readonly columns: MemberColumns; readonly errors: readonly FieldError[] } {
  const { phone, id_number: idNumber, ...rest } = fields
  const errors: FieldError[] = []
  const columns: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(rest))
    columns[name] = typeof value === 'string' ? value.trim() || null : value
  if (phone !== undefined) {
    const typed = phone?.trim() || null
    const number = typed === null ? null : phoneInE164(typed, crmSettings.of(kernel.config).phoneCountry)
    if (number === undefined) errors.push(fieldError('/phone', 'must be a phone number'))
    Object.assign(columns, { phone: typed, phone_e164: number ?? null })
  }
  if (idNumber === null || idNumber?.trim() === '')
    Object.assign(columns, { id_number: null, id_number_index: null, id_number_masked: null })
  else if (idNumber !== undefined && !isMasked(idNumber)) {
    const plain = plainIdNumber(idNumber)
    if (!/^[A-Z0-9-]{5,50}$/.test(plain)) errors.push(fieldError('/id_number', 'must be 5 to 50 letters and digits'))
    Object.assign(columns, {
      id_number: kernel.secrets.cipher.encrypt(plain),
      id_number_index: idNumberIndex(kernel, plain),
      id_number_masked: maskIdNumber(plain),
    })
  }
  return { columns, errors }
}
