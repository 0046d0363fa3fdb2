import { isLocalDate } from '../../../kernel/http/request/formats.ts'
import { addDays } from '../../../kernel/time.ts'
import { isMasked, plainIdNumber } from '../../core/members.ts'
import { type PhoneCountry, phoneInE164 } from '../../core/phones.ts'

// Reading the cells of files that people made with a spreadsheet: what it does to phone numbers, dates and long numbers
// is undone where that is certain, and refused where it is not.

/** The value of a cell: texts of CSV, and what a workbook stores. */
export type Cell = string | number | boolean | null

/** A value, or why the cell has none. Sentences never repeat what is in the cell. */
export type Reading<Value> = { readonly value: Value | null } | { readonly fault: string }

const EMPTY = { value: null } as const
const fault = (sentence: string) => ({ fault: sentence })

const sheetErrors = /^#(N\/A|REF!|VALUE!|NAME\?|DIV\/0!|NULL!|NUM!|SPILL!|CALC!)/i
/** Characters that nobody sees and that come along with pasted text: bidi marks, zero-width spaces, soft hyphens. */
const invisible = /[\u00AD\u200B-\u200F\u2028-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]/g
const nothing = /^(-+|[—–―－]+|n\/a|無|沒有|none|null)$/i

/** The text of a cell, without what spreadsheets put around it: `="0912"`, `'=cmd`. */
export function textOf(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return Number.isInteger(cell) ? cell.toFixed(0) : String(cell)
  const text = String(cell)
    .toWellFormed()
    .replace(invisible, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are replaced
    .replace(/[\u0000-\u0008\u000B-\u001F\u007F]/g, ' ')
    .trim()
  const literal = /^="(.*)"$/s.exec(text)?.[1]
  if (literal !== undefined) return literal.replaceAll('""', '"').trim()
  return /^'[=+\-@＝＋－＠\t]/.test(text) ? text.slice(1).trim() : text
}

const plain = (cell: Cell): string => textOf(cell).normalize('NFKC').trim()

/** Faults that any column can have. */
function commonFault(cell: Cell): string | undefined {
  if (typeof cell === 'boolean') return 'must be a text'
  return typeof cell === 'string' && sheetErrors.test(cell.trim()) ? 'is an error of the spreadsheet' : undefined
}

/** A name, or another text of one line. */
export function readName(cell: Cell, most: number): Reading<string> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = textOf(cell).normalize('NFC').replace(/\s+/g, ' ')
  if (text === '' || nothing.test(text)) return EMPTY
  if (/^[=+@＝＋＠]/.test(text)) return fault('looks like a formula')
  return [...text].length > most ? fault(`must have at most ${most} characters`) : { value: text }
}

/** A text of several lines. */
export function readNotes(cell: Cell, most: number): Reading<string> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = textOf(cell).normalize('NFC')
  if (text === '') return EMPTY
  return text.length > most ? fault(`must have at most ${most} characters`) : { value: text }
}

/** A number that a spreadsheet has rounded: `9.12E+08`. */
const rounded = /^\d(\.\d+)?E\+?\d+$/i
const ROUNDED = 'was rounded by the spreadsheet: format the column as text'

/** The digits of a number that belongs into a text: a phone or passport number. */
function digitsOf(cell: Cell): Reading<string> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  if (typeof cell === 'number' && !Number.isSafeInteger(cell)) return fault(ROUNDED)
  const text = plain(cell).replace(/^(\d+)\.0+$/, '$1')
  if (text === '' || nothing.test(text)) return EMPTY
  return rounded.test(text) ? fault(ROUNDED) : { value: text }
}

/** A phone number. The zero that a spreadsheet has dropped is put back. */
export function readPhone(cell: Cell, country: PhoneCountry): Reading<string> {
  const digits = digitsOf(cell)
  if ('fault' in digits || digits.value === null) return digits
  const known = phoneInE164(digits.value, country) !== undefined
  const text = !known && /^[1-9]\d+$/.test(digits.value) ? `0${digits.value}` : digits.value
  if (text.length > 20) return fault('must have at most 20 characters')
  return phoneInE164(text, country) === undefined ? fault('must be a phone number') : { value: text }
}

/** An id or passport number. A masked one, as our own files have it, says nothing. */
export function readIdNumber(cell: Cell): Reading<string> {
  const digits = digitsOf(cell)
  if ('fault' in digits || digits.value === null || isMasked(digits.value)) return 'fault' in digits ? digits : EMPTY
  const text = plainIdNumber(digits.value).replaceAll(' ', '')
  return /^[A-Z0-9-]{5,50}$/.test(text) ? { value: text } : fault('must be 5 to 50 letters and digits')
}

// The format `email` of requests.
const address =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i

export function readEmail(cell: Cell): Reading<string> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = plain(cell).replace(/^mailto:/i, '')
  if (text === '' || nothing.test(text)) return EMPTY
  return text.length <= 100 && address.test(text) ? { value: text } : fault('must be an e-mail address')
}

const GENDERS: ReadonlyMap<string, 'male' | 'female' | 'other'> = new Map([
  ...(['male', 'm', '男', '男性', '先生', 'mr', 'mr.'] as const).map((word) => [word, 'male'] as const),
  ...(['female', 'f', '女', '女性', '小姐', '女士', 'ms', 'ms.', 'mrs', 'mrs.'] as const).map(
    (word) => [word, 'female'] as const,
  ),
  ...(['other', 'o', 'x', '其他', '其它'] as const).map((word) => [word, 'other'] as const),
])

export function readGender(cell: Cell): Reading<'male' | 'female' | 'other'> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = plain(cell).toLowerCase()
  if (text === '' || nothing.test(text)) return EMPTY
  const value = GENDERS.get(text)
  return value === undefined ? fault('must be 男, 女 or 其他 (male, female, other)') : { value }
}

const YES = new Set(['是', '要', '同意', 'yes', 'y', 'true', '1', 'v', '✓', 'o'])
const NO = new Set(['否', '不', '不要', '不同意', 'no', 'n', 'false', '0', 'x', '✗'])

export function readYesNo(cell: Cell): Reading<boolean> {
  if (typeof cell === 'boolean') return { value: cell }
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = plain(cell).toLowerCase()
  if (text === '' || nothing.test(text)) return EMPTY
  if (YES.has(text)) return { value: true }
  return NO.has(text) ? { value: false } : fault('must be 是 or 否 (yes, no)')
}

const NOT_A_DAY = 'must be a day, as 1988-05-20'
const AMBIGUOUS = 'may be read in two ways: write it as 1988-05-20'
/** Day 0 of spreadsheets, for days after the 29 February 1900 that they invented. */
const DAY_ZERO = '1899-12-30'

/** A birthday: as a text in the usual forms, or as the number that a spreadsheet stores for a day. */
export function readBirthday(cell: Cell, today: string): Reading<string> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = plain(cell).replace(/[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?Z?$/, '')
  if (text === '' || nothing.test(text)) return EMPTY
  const day = dayOf(text)
  if (day === 'ambiguous') return fault(AMBIGUOUS)
  if (day === undefined || !isLocalDate(day)) return fault(NOT_A_DAY)
  return day > today ? fault('must not be in the future') : { value: day }
}

function dayOf(text: string): string | undefined {
  const serial = /^(\d{1,5})(\.\d+)?$/.exec(text)?.[1]
  if (serial !== undefined) return Number(serial) > 60 ? addDays(DAY_ZERO, Number(serial)) : undefined
  const republic = /^(?:民國|民国)\s*(\d{1,3})\s*[年/.-]\s*(\d{1,2})\s*[月/.-]\s*(\d{1,2})\s*日?$/.exec(text)
  if (republic) return written(Number(republic[1]) + 1911, republic[2], republic[3])
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(text)
  if (compact) return written(Number(compact[1]), compact[2], compact[3])
  const yearFirst = /^(\d{4})\s*[年/.-]\s*(\d{1,2})\s*[月/.-]\s*(\d{1,2})\s*日?$/.exec(text)
  if (yearFirst) return written(Number(yearFirst[1]), yearFirst[2], yearFirst[3])
  const yearLast = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(text)
  if (!yearLast) return undefined
  const [a, b] = [Number(yearLast[1]), Number(yearLast[2])]
  if (a > 12) return written(Number(yearLast[3]), yearLast[2], yearLast[1])
  return b > 12 || a === b ? written(Number(yearLast[3]), yearLast[1], yearLast[2]) : 'ambiguous'
}

function written(year: number, month = '', day = ''): string {
  return `${String(year).padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
}

const COMPOUND_SURNAMES = new Set([
  '歐陽',
  '司馬',
  '上官',
  '諸葛',
  '司徒',
  '東方',
  '皇甫',
  '尉遲',
  '公孫',
  '令狐',
  '慕容',
  '端木',
  '夏侯',
  '南宮',
  '張簡',
  '范姜',
])

/** Splits a whole name. Chinese names begin with the surname; others end with it, unless there is a comma. */
export function splitName(name: string): { readonly last_name: string | null; readonly first_name: string | null } {
  const [before = '', after] = name.split(/\s*[,，]\s*/, 2)
  if (after !== undefined && after !== '') return { last_name: before || null, first_name: after }
  if (/^\p{Script=Han}[\p{Script=Han}\s·]*$/u.test(name)) {
    const letters = [...name.replaceAll(/\s/g, '')]
    const length = letters.length > 2 && COMPOUND_SURNAMES.has(letters.slice(0, 2).join('')) ? 2 : 1
    return { last_name: letters.slice(0, length).join(''), first_name: letters.slice(length).join('') || null }
  }
  const words = name.split(' ')
  const last = words.length > 1 ? (words.at(-1) ?? null) : null
  return { last_name: last, first_name: (last === null ? words : words.slice(0, -1)).join(' ') }
}

/** The names of tags in a cell. A whole cell that is the name of a tag is one tag. */
export function readTags(cell: Cell, isTag: (name: string) => boolean): Reading<readonly string[]> {
  const common = commonFault(cell)
  if (common !== undefined) return fault(common)
  const text = textOf(cell).normalize('NFC')
  if (text === '' || nothing.test(text)) return EMPTY
  const names = isTag(text) ? [text] : text.split(/[、,，;；|｜\n]/).map((name) => name.trim())
  const unique = [...new Set(names.filter((name) => name !== ''))]
  if (unique.length > 20) return fault('must have at most 20 tags')
  if (unique.some((name) => [...name].length > 50)) return fault('must have tags of at most 50 characters')
  return { value: unique }
}
