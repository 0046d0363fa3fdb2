// The columns of files with members, for exports, for the template and for imports: what is exported can be imported.

/** Words in cells for values of a column. */
export const GENDER_WORDS = { male: '男', female: '女', other: '其他' } as const
export const YES = '是'
export const NO = '否'
export const SOURCE_WORDS = { line: 'LINE', crm: 'CRM', system: '系統' } as const

/** The headings of the columns that are both exported and imported, by field. */
export const COLUMN_HEADINGS = {
  last_name: '姓',
  first_name: '名',
  gender: '性別',
  birthday: '生日',
  email: '電子信箱',
  phone: '手機號碼',
  id_number: '身分證/護照號碼',
  accept_marketing: '接受優惠通知',
  tags: '標籤',
  notes: '備註',
} as const

export type ColumnField = keyof typeof COLUMN_HEADINGS

/** Separates the tags in a cell. */
export const TAG_SEPARATOR = '、'
