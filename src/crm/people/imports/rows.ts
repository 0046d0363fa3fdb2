import type { MemberFields } from '../../core/members.ts'
import type { PhoneCountry } from '../../core/phones.ts'
import {
  type Cell,
  type Reading,
  readBirthday,
  readEmail,
  readGender,
  readIdNumber,
  readName,
  readNotes,
  readPhone,
  readTags,
  readYesNo,
  splitName,
} from './cells.ts'
import type { Columns, ImportField } from './columns.ts'
import type { ReadRow, RowFault } from './types.ts'

export interface ReadingFacts {
  readonly country: PhoneCountry
  /** The local day. */
  readonly today: string
  readonly isTag: (name: string) => boolean
  /** Whether unknown tags are to be made. */
  readonly createTags: boolean
}

const MOST_NAME = 50
const MOST_NOTES = 10_000

/** Reads one row. */
export function readRow(
  { number, cells }: { readonly number: number; readonly cells: readonly Cell[] },
  { fields: columns }: Columns,
  facts: ReadingFacts,
): ReadRow {
  const faults: RowFault[] = []
  const cellOf = (field: ImportField): Cell => cells[columns.indexOf(field)] ?? null
  const take = <Value>(field: ImportField, reading: Reading<Value>): Value | undefined => {
    if ('value' in reading) return reading.value ?? undefined
    faults.push({ field, message: reading.fault })
    return undefined
  }
  const fields = {
    ...namesOf(cellOf, take),
    ...given('gender', take('gender', readGender(cellOf('gender')))),
    ...given('birthday', take('birthday', readBirthday(cellOf('birthday'), facts.today))),
    ...given('email', take('email', readEmail(cellOf('email')))),
    ...given('phone', take('phone', readPhone(cellOf('phone'), facts.country))),
    ...given('id_number', take('id_number', readIdNumber(cellOf('id_number')))),
    ...given('accept_marketing', take('accept_marketing', readYesNo(cellOf('accept_marketing')))),
    ...given('notes', take('notes', readNotes(cellOf('notes'), MOST_NOTES))),
  }
  const tags = take('tags', readTags(cellOf('tags'), facts.isTag)) ?? []
  const unknown = facts.createTags ? [] : tags.filter((name) => !facts.isTag(name))
  if (unknown.length > 0) faults.push({ field: 'tags', message: `has unknown tags: ${unknown.join(', ')}` })
  const { first_name: first, last_name: last, email, phone, id_number: idNumber } = fields
  if (faults.length === 0 && [first, last, email, phone, idNumber].every((value) => value === undefined))
    faults.push({ field: '', message: 'has neither a name, e-mail address, phone number nor id number' })
  return { line: number, member: { fields, tags }, faults }
}

function namesOf(
  cellOf: (field: ImportField) => Cell,
  take: (field: ImportField, reading: Reading<string>) => string | undefined,
): Pick<MemberFields, 'first_name' | 'last_name'> {
  const last = take('last_name', readName(cellOf('last_name'), MOST_NAME))
  const first = take('first_name', readName(cellOf('first_name'), MOST_NAME))
  const whole = take('name', readName(cellOf('name'), MOST_NAME))
  if (last !== undefined || first !== undefined || whole === undefined)
    return { ...given('last_name', last), ...given('first_name', first) }
  const { last_name, first_name } = splitName(whole)
  return { ...given('last_name', last_name ?? undefined), ...given('first_name', first_name ?? undefined) }
}

function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [K in Name]?: Value }
function given(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value }
}
