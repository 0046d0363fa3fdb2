import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { faultsOf, type WeeklyHours } from '../../../booking/openingHours.ts'
import { tagsText } from '../../core/places/rules.ts'
import { COLUMNS, hoursOf, hoursText, orderedHours, roomLines } from './rules.ts'

const minute = (n: number) => `${String(Math.floor(n / 60)).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`
const hours = fc
  .array(
    fc.record({
      weekday: fc.integer({ min: 1, max: 7 }),
      opens: fc.nat(1439).map(minute),
      closes: fc.integer({ min: 1, max: 1440 }).map(minute),
    }),
    { maxLength: 10 },
  )
  .filter((weekly: WeeklyHours[]) => faultsOf({ weekly, exceptions: [] }).length === 0)

const HEADER = { number: 1, cells: [...COLUMNS] }
const line = (number: number, ...cells: (string | number | boolean | null)[]) => ({ number, cells })

describe('Opening hours in a workbook', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(hours, (weekly) => {
        const ordered = orderedHours(weekly)
        expect(hoursOf(hoursText(ordered))).toEqual(ordered)
      }),
    )
  })

  it('are read with other separators and spaces, and in any order', () => {
    expect(hoursOf(' 周日 08:00至24:00; 周一 14:00 - 18:00\n周一 08:00-12:00；')).toEqual([
      { weekday: 1, opens: '08:00', closes: '12:00' },
      { weekday: 1, opens: '14:00', closes: '18:00' },
      { weekday: 7, opens: '08:00', closes: '24:00' },
    ])
    expect(hoursOf('')).toBeNull()
  })

  it.each([
    '每天',
    '周八 08:00-12:00',
    '周一 8:00-12:00',
    '周一 12:00-08:00',
    '周一 08:00-25:00',
    '周一 08:00-12:00；周一 11:00-13:00',
  ])('are refused: %s', (text) => {
    expect(hoursOf(text)).toBeUndefined()
  })
})

describe('Tags', () => {
  it('are separated by Western or Chinese commas, and listed once', () => {
    expect(tagsText(' 白板，电视 ,, 白板')).toBe('白板,电视')
    expect(tagsText(' , ')).toBeNull()
  })
})

describe('The lines of a workbook', () => {
  it('are read as rooms for any order of the columns and any types of cells', () => {
    const header = { number: 3, cells: ['备注', ...COLUMNS.toReversed()] }
    const sheet = [header, line(4, 'x', null, '禁用', '白板，电视', '20', 201, -1, ' 信息楼 ')]
    expect(roomLines(sheet)).toEqual({
      faults: [],
      lines: [
        {
          line: 4,
          buildingName: '信息楼',
          floorNo: -1,
          roomName: '201',
          capacity: 20,
          equipmentTags: '白板,电视',
          status: '1',
          openHours: null,
        },
      ],
    })
  })

  it('are not read if a column is missing', () => {
    expect(roomLines([])).toBeUndefined()
    expect(roomLines([{ number: 1, cells: COLUMNS.slice(1) }])).toBeUndefined()
  })

  it.each([
    [[null, 1, 'a', 5], '缺少楼房名称'],
    [['楼', 1, ' ', 5], '缺少房间名称'],
    [['楼', 1, 'x'.repeat(101), 5], '房间名称超过 100 个字符'],
    [['楼', 1, 'a\u0000b', 5], '房间名称含有不允许的字符'],
    [['楼', 1, '\u200B', 5], '房间名称含有不允许的字符'],
    [['楼', 1.5, 'a', 5], '楼层应为 -100 到 1000 的整数'],
    [['楼', '二', 'a', 5], '楼层应为 -100 到 1000 的整数'],
    [['楼', 1, 'a', 0], '容量应为 1 到 100000 的整数'],
    [['楼', 1, 'a', 1e9], '容量应为 1 到 100000 的整数'],
    [['楼', 1, 'a', 5, 'x'.repeat(501)], '设备标签超过 500 个字符或含有不允许的字符'],
    [['楼', 1, 'a', 5, '', '也许'], '状态应为「启用」或「禁用」'],
    [['楼', 1, 'a', 5, '', '', '随时'], '开放时间应形如「周一 08:00-12:00；周一 14:00-18:00」，且不能颠倒或重叠'],
  ])('are reported with the error if they are wrong: %j', (cells, message) => {
    expect(roomLines([HEADER, line(2, ...cells)])).toEqual({ lines: [], faults: [{ line: 2, message }] })
  })

  it('are reported if they repeat a room', () => {
    const sheet = [HEADER, line(2, '楼', 1, 'a', 5), line(3, '楼', 2, 'a', 5), line(4, '楼', '1', 'a ', 6)]
    expect(roomLines(sheet)?.faults).toEqual([{ line: 4, message: '与前面的行重复' }])
  })
})
