import { normalizePhone } from '../../kernel/identity/accounts/phones.ts'
import { phoneIndex } from '../../kernel/identity/accounts/users.ts'
import type { Kernel } from '../../kernel/kernel.ts'

const PATIENT_PHONE = 'clinic.patient.phone'

/** Blind indexes of a phone number: of an account, and of a patient without one. */
export interface PhoneIndexes {
  readonly account: string
  readonly patient: string
}

/** The blind index of the phone number of a patient without an account. */
export function patientPhoneIndex({ secrets: { cipher } }: Pick<Kernel, 'secrets'>, phone: string): string {
  return cipher.blindIndex(phone, PATIENT_PHONE)
}

/** The blind indexes by which a phone number is found; undefined if the text is no phone number. */
export function phoneIndexes(kernel: Pick<Kernel, 'secrets'>, text: string): PhoneIndexes | undefined {
  const phone = normalizePhone(text)
  if (phone === undefined) return undefined
  return { account: phoneIndex(kernel.secrets.cipher, phone), patient: patientPhoneIndex(kernel, phone) }
}
