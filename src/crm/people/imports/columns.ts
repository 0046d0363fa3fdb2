import { COLUMN_HEADINGS, type ColumnField } from '../../core/memberColumns.ts'

/** A field that a column can hold. `name` is a whole name in one cell. */
export type ImportField = ColumnField | 'name'

const WORDS: Readonly<Record<ImportField, readonly string[]>> = {
  last_name: ['姓', '姓氏', 'last name', 'surname', 'family name'],
  first_name: ['名', '名字', 'first name', 'given name'],
  name: ['姓名', '全名', '會員姓名', '客戶姓名', '姓名全名', 'name', 'full name'],
  gender: ['性別', 'gender', 'sex'],
  birthday: ['生日', '出生日期', '出生年月日', 'birthday', 'birth date', 'date of birth', 'dob'],
  email: ['電子信箱', '電子郵件', '信箱', '電郵', 'email', 'e-mail', 'email address', 'mail'],
  phone: [
    '手機號碼',
    '手機',
    '電話',
    '電話號碼',
    '行動電話',
    '聯絡電話',
    'phone',
    'phone number',
    'mobile',
    'cell',
    'tel',
  ],
  id_number: [
    ...['身分證/護照號碼', '身分證字號', '身份證字號', '身分證號碼', '身分證', '身份證', '護照號碼', '證件號碼'],
    ...['id number', 'id no', 'passport', 'passport number', 'national id'],
  ],
  accept_marketing: ['接受優惠通知', '接受行銷', '優惠通知', '行銷同意', 'accept marketing', 'marketing', 'opt in'],
  tags: ['標籤', '會員標籤', 'tags', 'tag'],
  notes: ['備註', '內部備註', '註記', 'notes', 'note', 'remark', 'remarks'],
}

/** A heading without spaces, marks and case. */
function plainHeading(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_\-–—/\\()（）:：*.'"]+/gu, '')
}

const FIELDS: ReadonlyMap<string, ImportField> = new Map(
  Object.entries(WORDS).flatMap(([field, words]) =>
    [...words, field, isColumn(field) ? COLUMN_HEADINGS[field] : field].flatMap((word) => {
      const known = fieldNamed(field)
      return known ? [[plainHeading(word), known] as const] : []
    }),
  ),
)

function isColumn(field: string): field is ColumnField {
  return Object.hasOwn(COLUMN_HEADINGS, field)
}

function fieldNamed(field: string): ImportField | undefined {
  if (field === 'name') return field
  return isColumn(field) ? field : undefined
}

/** What a file's first row says. */
export interface Columns {
  /** By position: the field of a column; undefined for columns that are ignored. */
  readonly fields: readonly (ImportField | undefined)[]
  readonly known: readonly { readonly heading: string; readonly field: ImportField }[]
  readonly ignored: readonly string[]
}

/** Reads the headings. A field that has two columns is in `twice`. */
export function readColumns(headings: readonly string[]): Columns & { readonly twice: readonly ImportField[] } {
  const fields = headings.map((heading) => FIELDS.get(plainHeading(heading)))
  const known = headings.flatMap((heading, n) => {
    const field = fields[n]
    return field === undefined ? [] : [{ heading: heading.trim(), field }]
  })
  const ignored = headings.filter((heading, n) => heading.trim() !== '' && fields[n] === undefined)
  const seen = new Set<ImportField>()
  const twice = new Set<ImportField>()
  for (const { field } of known) (seen.has(field) ? twice : seen).add(field)
  return { fields, known, ignored: ignored.map((heading) => heading.trim().slice(0, 100)), twice: [...twice] }
}

/** Whether the columns hold something by which a member is known. */
export function hasKeys({ known }: Columns): boolean {
  const keys: readonly ImportField[] = ['name', 'last_name', 'first_name', 'email', 'phone', 'id_number']
  return known.some(({ field }) => keys.includes(field))
}
