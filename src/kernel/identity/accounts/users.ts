import type { FieldCipher } from '../../secrets/fields.ts'

export type UserStatus = 'active' | 'disabled'

/** A person with an account, as services return it. */
export interface User {
  readonly id: number
  readonly username: string
  readonly email: string | null
  /** E.164. */
  readonly phone: string | null
  readonly displayName: string
  readonly department: string | null
  readonly status: UserStatus | 'deleted'
  readonly locale: 'zh-CN' | 'zh-TW' | 'en'
  readonly roles: readonly string[]
  /** Id of the stored picture of the person. */
  readonly avatarFileId: number | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The columns of a phone number in E.164, or of none. */
export function storedPhone(cipher: FieldCipher, phone: string | null | undefined) {
  if (!phone) return { phone_encrypted: null, phone_index: null }
  return { phone_encrypted: cipher.encrypt(phone), phone_index: phoneIndex(cipher, phone) }
}

/** Blind index of a phone number (E.164). */
export function phoneIndex(cipher: Pick<FieldCipher, 'blindIndex'>, phone: string): string {
  return cipher.blindIndex(phone, 'users.phone')
}
