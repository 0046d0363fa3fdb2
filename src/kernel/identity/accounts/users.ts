import type { Config } from '../../../config.ts'
import { onceFor } from '../../onceFor.ts'
import { createFieldCipher, type FieldCipher } from '../../secrets/fields.ts'

export type UserStatus = 'active' | 'disabled'

/** A person with an account, as services hand it on. */
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
  /** The stored file that shows the person. */
  readonly avatarFileId: number | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

const cipherOf = onceFor(createFieldCipher)

/** The cipher for fields of people. */
export const fieldCipher = ({ fieldKeys }: Pick<Config, 'fieldKeys'>): FieldCipher => cipherOf(fieldKeys)

/** The stored form of a phone number in E.164, or of none. */
export function storedPhone(config: Pick<Config, 'fieldKeys'>, phone: string | null | undefined) {
  if (!phone) return { phone_encrypted: null, phone_index: null }
  return { phone_encrypted: fieldCipher(config).encrypt(phone), phone_index: phoneIndex(config, phone) }
}

/** By which a phone number in E.164 is found. */
export function phoneIndex(config: Pick<Config, 'fieldKeys'>, phone: string): string {
  return fieldCipher(config).blindIndex(phone, 'users.phone')
}
