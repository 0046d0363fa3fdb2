import { isInstant, isLocalDate } from '../../../kernel/http/request/formats.ts'
import { parseInstant } from '../../../kernel/time.ts'
import { plainIdNumber } from '../../core/members.ts'
import { type PhoneCountry, phoneInE164 } from '../../core/phones.ts'
import type { Guest, Order, PmsRow, SyncType } from './types.ts'

// The rows of the PMS, as JSON or CSV: the only file that knows their columns. The names are those of the document's
// tables. `id` of a member, and `member_id` of a consumption record, is the number that the PMS gives a guest. Columns
// that are not named here are ignored.

/** A column that can't be used. The sentence never repeats the value. */
export interface RowFault {
  readonly field: string
  readonly message: string
}

export interface RowContext {
  /** Zone of instants without an offset. */
  readonly zone: string
  readonly country: PhoneCountry
  readonly now: Date
}

/** A row in the form that is used, or all its faults. */
export type RowReading =
  | { readonly row: PmsRow; readonly faults?: undefined }
  | { readonly row?: undefined; readonly faults: readonly RowFault[] }

const MOST_NIGHTS = 3650
const DAY_MS = 86_400_000

/** Columns without which a CSV file can't be read: one of each list. */
export const NEEDED: Readonly<Record<SyncType, readonly (readonly string[])[]>> = {
  members: [['id', 'id_number', 'phone', 'email']],
  consumption_records: [['order_number'], ['amount'], ['member_id', 'id_number', 'phone', 'email']],
}

const GENDERS = new Map<string, 'male' | 'female' | 'other'>([
  ...(['male', 'm', '男', '先生'] as const).map((word) => [word, 'male'] as const),
  ...(['female', 'f', '女', '小姐', '女士'] as const).map((word) => [word, 'female'] as const),
  ...(['other', 'o', 'x', '其他'] as const).map((word) => [word, 'other'] as const),
])

/** Reads a row of the PMS, whatever it is. */
export function readRow(type: SyncType, value: unknown, context: RowContext): RowReading {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { faults: [{ field: '', message: 'must be an object' }] }
  const cells = reader(value)
  const guest = readGuest(cells, type === 'members' ? 'id' : 'member_id', context)
  const order = type === 'members' ? null : readOrder(cells, context)
  if (cells.faults.length > 0) return { faults: cells.faults }
  if (!guest.id && !guest.id_number && !guest.phone && !guest.email)
    return { faults: [{ field: '', message: 'has neither number, id number, phone number nor e-mail address' }] }
  return { row: { guest, order } }
}

/** A row in the columns of the PMS again: `readRow` gives the same row. */
export function columnsOf({ guest: { id, ...guest }, order }: PmsRow): Readonly<Record<string, unknown>> {
  return order === null ? { id, ...guest } : { member_id: id, ...guest, ...order }
}

type Cells = ReturnType<typeof reader>

function reader(value: object) {
  const faults: RowFault[] = []
  const refuse = (field: string, message: string): null => {
    faults.push({ field, message })
    return null
  }
  return {
    faults,
    refuse,
    /** A text or number as trimmed text; null if it is missing or empty. */
    text(field: string, most: number): string | null {
      const cell: unknown = Object.hasOwn(value, field) ? Reflect.get(value, field) : null
      if (cell === null || cell === undefined) return null
      if (typeof cell !== 'string' && typeof cell !== 'number') return refuse(field, 'must be a text')
      if (typeof cell === 'string' && (cell.includes('\0') || !cell.isWellFormed()))
        return refuse(field, 'must not have broken characters')
      const text = String(cell)
        .replace(/\p{Cc}+/gu, ' ')
        .trim()
      if (text.length > most && [...text].length > most) return refuse(field, `must have at most ${most} characters`)
      return text || null
    },
    date(field: string): string | null {
      const text = this.text(field, 40)
      // Some systems write the midnight of a date.
      const date = text?.replace(/[T ]00:00(:00(\.0+)?)?Z?$/, '').replaceAll('/', '-') ?? null
      return date === null || isLocalDate(date) ? date : refuse(field, 'must be a date YYYY-MM-DD')
    },
  }
}

function readGuest(cells: Cells, idField: string, { country }: RowContext): Guest {
  const gender = cells.text('gender', 20)
  const known = gender === null ? null : (GENDERS.get(gender.toLowerCase()) ?? undefined)
  if (known === undefined) cells.refuse('gender', 'must be male, female or other')
  const email = cells.text('email', 100)
  if (email !== null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) cells.refuse('email', 'must be an e-mail address')
  const phone = cells.text('phone', 20)
  if (phone !== null && phoneInE164(phone, country) === undefined) cells.refuse('phone', 'must be a phone number')
  const typed = cells.text('id_number', 60)
  const idNumber = typed === null ? null : plainIdNumber(typed)
  if (idNumber !== null && !/^[A-Z0-9-]{5,50}$/.test(idNumber))
    cells.refuse('id_number', 'must be 5 to 50 letters and digits')
  return {
    id: cells.text(idField, 100),
    first_name: cells.text('first_name', 50),
    last_name: cells.text('last_name', 50),
    gender: known ?? null,
    birthday: cells.date('birthday'),
    email,
    phone,
    id_number: idNumber,
  }
}

function readOrder(cells: Cells, { zone, now }: RowContext): Order {
  const number = cells.text('order_number', 50)
  if (number === null && !cells.faults.some(({ field }) => field === 'order_number'))
    cells.refuse('order_number', 'is missing')
  const [from, to] = [cells.date('check_in_date'), cells.date('check_out_date')]
  if (from !== null && to !== null && to < from) cells.refuse('check_out_date', 'must not be before check_in_date')
  const nights = cells.text('nights', 20)
  if (nights !== null && !(/^\d{1,4}$/.test(nights) && Number(nights) <= MOST_NIGHTS))
    cells.refuse('nights', `must be a number from 0 to ${MOST_NIGHTS}`)
  return {
    order_number: number ?? '',
    room_type: cells.text('room_type', 100),
    amount: readAmount(cells),
    check_in_date: from,
    check_out_date: to,
    nights: nights === null ? null : Number(nights),
    created_at: readCreatedAt(cells, zone, now),
  }
}

/** The exact amount: JSON numbers of ten digits are exact, too. A refund is negative. */
function readAmount(cells: Cells): string {
  const before = cells.faults.length
  const text = cells.text('amount', 40)
  const [, units, cents = ''] = /^(-?\d{1,8})(?:\.(\d{1,2})0*)?$/.exec(text ?? '') ?? []
  if (units !== undefined) return `${units}.${cents.padEnd(2, '0')}`
  if (cells.faults.length === before)
    cells.refuse('amount', text === null ? 'is missing' : 'must be a number below 100,000,000 with two decimals')
  return '0.00'
}

function readCreatedAt(cells: Cells, zone: string, now: Date): string | null {
  const text = cells.text('created_at', 40)
  if (text === null) return null
  if (!isInstant(text)) return cells.refuse('created_at', 'must be a time YYYY-MM-DDTHH:MM:SS')
  const at = parseInstant(text, zone)
  // The clocks of two systems differ, but not by a day.
  if (at.getTime() > now.getTime() + DAY_MS) return cells.refuse('created_at', 'must not be in the future')
  return at.toISOString()
}
