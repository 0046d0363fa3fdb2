import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
  textOf,
} from './cells.ts'
import { hasKeys, readColumns } from './columns.ts'
import { NotCsv, readCsv } from './csv.ts'
import { judge, repeated } from './rules.ts'
import type { Match } from './types.ts'

/** The value of a reading, null for an empty cell, or its fault in brackets. */
const seen = <Value>(reading: Reading<Value>) => ('fault' in reading ? `[${reading.fault}]` : reading.value)
const TODAY = '2026-03-02'
const birthday = (cell: Cell) => seen(readBirthday(cell, TODAY))
const phone = (cell: Cell) => seen(readPhone(cell, 'TW'))

describe('a phone number', () => {
  test.each<[Cell, string | null]>([
    ['0912-345-678', '0912-345-678'],
    [912345678, '0912345678'],
    ['912345678', '0912345678'],
    ['912345678.0', '0912345678'],
    ['+886 912 345 678', '+886 912 345 678'],
    ["'+886912345678", '+886912345678'],
    ['="0912345678"', '0912345678'],
    ['０９１２３４５６７８', '0912345678'],
    ['\u202d0912345678\u202c', '0912345678'],
    [886912345678, '886912345678'],
    [227208889, '0227208889'],
    ['—', null],
    ['', null],
    [null, null],
    ['無', null],
  ])('%j is %j', (cell, value) => expect(phone(cell)).toBe(value))

  test.each<Cell>(['12', 'abc', 912345678.5, '9.12E+08', 9.12e21, '#N/A', true, '0912345678 / 0922333444 / 1'])(
    '%j is refused',
    (cell) => expect(phone(cell)).toMatch(/^\[/),
  )

  test('rounded numbers are named as such', () => {
    expect(phone('9.12346E+08')).toBe('[was rounded by the spreadsheet: format the column as text]')
    expect(phone('#REF!')).toBe('[is an error of the spreadsheet]')
  })
})

describe('a birthday', () => {
  test.each<[Cell, string | null]>([
    ['1988-05-20', '1988-05-20'],
    ['1988/5/20', '1988-05-20'],
    ['1988.5.20', '1988-05-20'],
    ['1988年5月20日', '1988-05-20'],
    ['１９８８／５／２０', '1988-05-20'],
    ['19880520', '1988-05-20'],
    [19880520, '1988-05-20'],
    [32283, '1988-05-20'],
    [32283.75, '1988-05-20'],
    ['32283', '1988-05-20'],
    [61, '1900-03-01'],
    ['1988-05-20 00:00:00', '1988-05-20'],
    ['1988-05-20T00:00:00.000Z', '1988-05-20'],
    ['民國77年5月20日', '1988-05-20'],
    ['民國 77/05/20', '1988-05-20'],
    ['20/5/1988', '1988-05-20'],
    ['5/20/1988', '1988-05-20'],
    ['5/5/1988', '1988-05-05'],
    ['2024-02-29', '2024-02-29'],
    [TODAY, TODAY],
    ['-', null],
  ])('%j is %j', (cell, value) => expect(birthday(cell)).toBe(value))

  test.each<[Cell, string]>([
    ['5/6/1988', '[may be read in two ways: write it as 1988-05-20]'],
    ['2026-03-03', '[must not be in the future]'],
    ['2023-02-29', '[must be a day, as 1988-05-20]'],
    ['1899-12-31', '[must be a day, as 1988-05-20]'],
    ['77/5/20', '[must be a day, as 1988-05-20]'],
    [60, '[must be a day, as 1988-05-20]'],
    [-5, '[must be a day, as 1988-05-20]'],
    ['1988-13-01', '[must be a day, as 1988-05-20]'],
    [1e300, '[must be a day, as 1988-05-20]'],
  ])('%j is %j', (cell, fault) => expect(birthday(cell)).toBe(fault))

  test('is the day that a spreadsheet stores, for every day', () => {
    fc.assert(
      fc.property(fc.integer({ min: 61, max: 46_083 }), (serial) => {
        const day = new Date(Date.UTC(1899, 11, 30) + serial * 86_400_000).toISOString().slice(0, 10)
        expect(birthday(serial)).toBe(day)
      }),
    )
  })
})

test('names are one line of at most 50 characters, and no formulas', () => {
  expect(seen(readName(' 王\u200b 小\n明 ', 50))).toBe('王 小 明')
  expect(seen(readName('𠮷'.repeat(50), 50))).toBe('𠮷'.repeat(50))
  expect(seen(readName('🏀'.repeat(51), 50))).toBe('[must have at most 50 characters]')
  expect(seen(readName('=1+1', 50))).toBe('[looks like a formula]')
  expect(seen(readName('＝1', 50))).toBe('[looks like a formula]')
  expect(seen(readName(true, 50))).toBe('[must be a text]')
  expect(seen(readName('#NAME?', 50))).toBe('[is an error of the spreadsheet]')
  expect(seen(readName('\ud800x', 50))).toBe('\ufffdx')
  expect(seen(readNotes('a\n=b', 10))).toBe('a\n=b')
  expect(seen(readNotes('x'.repeat(11), 10))).toBe('[must have at most 10 characters]')
  expect(textOf("'=cmd()")).toBe('=cmd()')
  expect(textOf("'quoted")).toBe("'quoted")
  expect(textOf('a\u0000b')).toBe('a b')
})

test('e-mail addresses, genders, yes and no, id numbers', () => {
  expect(seen(readEmail('ＷＡＮＧ@example.com'))).toBe('WANG@example.com')
  expect(seen(readEmail('mailto:a@b.tw'))).toBe('a@b.tw')
  expect(seen(readEmail('a@b'))).toBe('[must be an e-mail address]')
  expect(seen(readEmail(`${'a'.repeat(95)}@b.tw`))).toBe(`${'a'.repeat(95)}@b.tw`)
  expect(seen(readEmail(`${'a'.repeat(96)}@b.tw`))).toBe('[must be an e-mail address]')
  expect(['男', 'F', ' 其他 ', '小姐', '', 'Mr.'].map((cell) => seen(readGender(cell)))).toEqual([
    'male',
    'female',
    'other',
    'female',
    null,
    'male',
  ])
  expect(seen(readGender('constructor'))).toMatch(/^\[must be/)
  expect([true, '是', 'N', 0, 1, '', 'ｙ'].map((cell) => seen(readYesNo(cell)))).toEqual([
    true,
    true,
    false,
    false,
    true,
    null,
    true,
  ])
  expect(seen(readYesNo('maybe'))).toMatch(/^\[must be/)
  expect(seen(readIdNumber(' ａ123456789 '))).toBe('A123456789')
  expect(seen(readIdNumber(300123456))).toBe('300123456')
  expect(seen(readIdNumber('A1******89'))).toBe(null)
  expect(seen(readIdNumber('1234'))).toBe('[must be 5 to 50 letters and digits]')
  expect(seen(readIdNumber('12345'))).toBe('12345')
  expect(seen(readIdNumber(1.5))).toMatch(/^\[was rounded/)
})

test('tags are separated by the usual marks; a whole cell that is a tag is one', () => {
  const isTag = (name: string) => name === 'A、B'
  expect(seen(readTags('貴賓、常客，常客 ; x', isTag))).toEqual(['貴賓', '常客', 'x'])
  expect(seen(readTags('A、B', isTag))).toEqual(['A、B'])
  expect(seen(readTags('x'.repeat(51), isTag))).toBe('[must have tags of at most 50 characters]')
  const names = (count: number) => Array.from({ length: count }, (_, n) => n).join('、')
  expect(seen(readTags(names(20), isTag))).toHaveLength(20)
  expect(seen(readTags(names(21), isTag))).toBe('[must have at most 20 tags]')
})

test.each([
  ['王小明', '王', '小明'],
  ['歐陽娜娜', '歐陽', '娜娜'],
  ['歐陽', '歐', '陽'],
  ['王 小明', '王', '小明'],
  ['王', '王', null],
  ['Ming Wang', 'Wang', 'Ming'],
  ['Mary Ann Lee', 'Lee', 'Mary Ann'],
  ['Wang, Ming', 'Wang', 'Ming'],
  ['Cher', null, 'Cher'],
])('the name %j has the surname %j', (name, last_name, first_name) => {
  expect(splitName(name)).toEqual({ last_name, first_name })
})

test('headings are known in Chinese and English, in any order and notation', () => {
  const { fields, ignored, twice } = readColumns([
    'E-Mail',
    ' 手機號碼*',
    '身分證/護照號碼',
    'First_Name',
    '會員編號',
    '',
    'ＮＯＴＥＳ',
  ])
  expect(fields).toEqual(['email', 'phone', 'id_number', 'first_name', undefined, undefined, 'notes'])
  expect([ignored, twice]).toEqual([['會員編號'], []])
  expect(readColumns(['手機', '電話', 'constructor']).twice).toEqual(['phone'])
  expect(hasKeys(readColumns(['標籤', '備註']))).toBe(false)
  expect(hasKeys(readColumns(['備註', '名']))).toBe(true)
})

describe('CSV', () => {
  const cells = (text: string, most = 100) => readCsv(text, { most }).map((row) => [row.number, ...row.cells])

  test('has quotes, line breaks in cells, all line ends, and other separators', () => {
    expect(cells('a,b\r\n"x ""y""","1\n2"\n\n  ,\nc,')).toEqual([
      [1, 'a', 'b'],
      [2, 'x "y"', '1\n2'],
      [6, 'c', ''],
    ])
    expect(cells('a;b\r1;2')).toEqual([
      [1, 'a', 'b'],
      [2, '1', '2'],
    ])
    expect(cells('a\tb,c\t\n1\t2\t3')).toEqual([
      [1, 'a', 'b,c', ''],
      [2, '1', '2', '3'],
    ])
    expect(cells('')).toEqual([])
  })

  test('is refused with the line of the fault', () => {
    expect(() => cells('a\n"b')).toThrow(new NotCsv('line 2: a quote is not closed'))
    expect(() => cells('a\n"b"c')).toThrow(new NotCsv('line 2: text follows a closing quote'))
    expect(cells('a\nb\nc', 3)).toHaveLength(3)
    expect(() => cells('a\nb\nc\nd', 3)).toThrow(new NotCsv('has more than 2 rows'))
  })

  test('reads back every table that is written', () => {
    const written = (rows: string[][]) =>
      rows.map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',')).join('\r\n')
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string(), { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
        (rows) => {
          const table = [['h', 'h'], ...rows]
          const visible = table.filter((row) => row.some((cell) => cell.trim() !== ''))
          expect(readCsv(written(table), { most: 100 }).map((row) => [...row.cells])).toEqual(visible)
        },
      ),
    )
  })
})

describe('what becomes of a row', () => {
  const keys = { id_number: 'x', phone: 'p', email: null }
  const match = (id: number, by: Match['by'], idNumberIndex: string | null = null): Match => ({ id, by, idNumberIndex })

  test('is decided by the members that fit', () => {
    expect(judge(keys, [], 'fill')).toEqual({ action: 'create' })
    expect(judge(keys, [match(1, 'phone')], 'fill')).toEqual({ action: 'update', memberId: 1 })
    expect(judge(keys, [match(1, 'id_number', 'x'), match(1, 'phone', 'x')], 'overwrite')).toEqual({
      action: 'update',
      memberId: 1,
    })
    expect(judge(keys, [match(1, 'phone')], 'skip')).toEqual({ action: 'skip', memberId: 1 })
  })

  test('is a refusal when they are several, or when the id number contradicts', () => {
    expect(judge(keys, [match(1, 'id_number', 'x'), match(2, 'phone')], 'fill')).toEqual({
      faults: [
        { field: 'id_number', message: 'belongs to member 1; the row fits several' },
        { field: 'phone', message: 'belongs to member 2; the row fits several' },
      ],
    })
    expect(judge(keys, [match(1, 'phone', 'y')], 'overwrite')).toEqual({
      faults: [{ field: 'id_number', message: 'is not the one of member 1, who has this phone number' }],
    })
    expect(judge({ ...keys, id_number: null }, [match(1, 'phone', 'y')], 'fill')).toMatchObject({ action: 'update' })
  })

  test('the later of two rows with the same key is refused', () => {
    const row = (line: number, phone: string | null, email: string | null) => ({
      line,
      keys: { id_number: null, phone, email },
    })
    const found = repeated([row(2, 'p', 'e'), row(3, null, null), row(4, 'q', 'e'), row(5, 'p', 'e')])
    expect([...found]).toEqual([
      [
        5,
        [
          { field: 'phone', message: 'is the same as in line 2' },
          { field: 'email', message: 'is the same as in line 2' },
        ],
      ],
      [4, [{ field: 'email', message: 'is the same as in line 2' }]],
    ])
  })
})
