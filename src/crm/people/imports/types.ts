import type { MemberFields } from '../../core/members.ts'

/** A fault of a row. The field is a column's; empty for the whole row. */
export interface RowFault {
  readonly field: string
  readonly message: string
}

/** A member as a row of a file describes them. Absent fields are empty cells. */
export interface ImportedMember {
  readonly fields: MemberFields
  readonly tags: readonly string[]
}

/** A row that was read: the number of its line, and the member or what is wrong. */
export interface ReadRow {
  readonly line: number
  readonly member: ImportedMember
  readonly faults: readonly RowFault[]
}

/** The values by which a row is compared with members and other rows. */
export interface RowKeys {
  readonly id_number: string | null
  readonly phone: string | null
  readonly email: string | null
}

/** A member whose id number, phone number or e-mail address a row has. */
export interface Match {
  readonly id: number
  readonly by: 'id_number' | 'phone' | 'email'
  /** Blind index; null without an id number. */
  readonly idNumberIndex: string | null
}

export type OnExisting = 'skip' | 'fill' | 'overwrite'
