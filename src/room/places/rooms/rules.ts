import { faultsOf, type WeeklyHours } from '../../../booking/openingHours.ts'
import { LIMITS, tagsText } from '../../core/places/rules.ts'

/** Weekly hours in order. Null if there are none, which means always open. */
export function orderedHours(hours: readonly WeeklyHours[]): readonly WeeklyHours[] | null {
  if (hours.length === 0) return null
  return hours
    .map(({ weekday, opens, closes }) => ({ weekday, opens, closes }))
    .sort((a, b) => a.weekday - b.weekday || (a.opens < b.opens ? -1 : 1))
}

const DAYS = '一二三四五六日'

/** Weekly hours as the text of a workbook cell: `周一 08:00-12:00；周一 14:00-18:00`. Empty for always open. */
export function hoursText(hours: readonly WeeklyHours[] | null): string {
  return (hours ?? []).map(({ weekday, opens, closes }) => `周${DAYS[weekday - 1]} ${opens}-${closes}`).join('；')
}

/** Parses a text of `hoursText`. Undefined if it can't be parsed, or times are in the wrong order or overlap. */
export function hoursOf(text: string): readonly WeeklyHours[] | null | undefined {
  const hours: WeeklyHours[] = []
  for (const part of text.split(/[;；\n]/)) {
    if (part.trim() === '') continue
    const found =
      /^周([一二三四五六日])\s*((?:[01]\d|2[0-3]):[0-5]\d)\s*[-–~至]\s*((?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.exec(
        part.trim(),
      )
    const [, day = '', opens, closes] = found ?? []
    if (opens === undefined || closes === undefined) return undefined
    hours.push({ weekday: DAYS.indexOf(day) + 1, opens, closes })
  }
  return faultsOf({ weekly: hours, exceptions: [] }).length > 0 ? undefined : orderedHours(hours)
}

/** The columns of the workbook that rooms are exported to and imported from. */
export const COLUMNS = ['楼房名称', '楼层', '房间名称', '容量', '设备标签', '状态', '开放时间'] as const

type Column = (typeof COLUMNS)[number]

/** A room in a line of a workbook. */
export interface RoomLine {
  /** The line's number in the sheet. */
  readonly line: number
  readonly buildingName: string
  readonly floorNo: number
  readonly roomName: string
  readonly capacity: number
  readonly equipmentTags: string | null
  readonly status: '0' | '1'
  readonly openHours: readonly WeeklyHours[] | null
}

/** A fault of a line, as a sentence for people. It never quotes the line, because pages show it as HTML. */
export interface LineFault {
  readonly line: number
  readonly message: string
}

interface SheetLine {
  readonly number: number
  readonly cells: readonly (string | number | boolean | null)[]
}

/**
 * Reads the rooms of a sheet whose first row names the columns, in any order. Undefined if a column is missing. A room
 * that occurs twice is a fault of the second line.
 */
export function roomLines(
  sheet: readonly SheetLine[],
): { readonly lines: readonly RoomLine[]; readonly faults: readonly LineFault[] } | undefined {
  const [header, ...rows] = sheet
  const places = COLUMNS.map(
    (column) => [column, header?.cells.findIndex((cell) => clean(cell) === column) ?? -1] as const,
  )
  if (places.some(([, place]) => place < 0)) return undefined
  const placeOf = new Map<Column, number>(places)
  const lines: RoomLine[] = []
  const faults: LineFault[] = []
  const seen = new Set<string>()
  for (const { number, cells } of rows) {
    const read = roomLine(number, (column) => clean(cells[placeOf.get(column) ?? -1] ?? null))
    if ('message' in read) {
      faults.push(read)
      continue
    }
    const key = keyOf(read)
    if (seen.has(key)) faults.push({ line: number, message: '与前面的行重复' })
    else lines.push(read)
    seen.add(key)
  }
  return { lines, faults }
}

/** The key that identifies a room: building, floor and name. */
export function keyOf(room: {
  readonly buildingName: string
  readonly floorNo: number
  readonly roomName: string
}): string {
  return JSON.stringify([room.buildingName, room.floorNo, room.roomName])
}

function clean(cell: string | number | boolean | null): string {
  return cell === null ? '' : String(cell).trim()
}

function roomLine(line: number, cell: (column: Column) => string): RoomLine | LineFault {
  const fault = (message: string): LineFault => ({ line, message })
  for (const column of ['楼房名称', '房间名称'] as const) {
    const name = cell(column)
    if (name === '') return fault(`缺少${column}`)
    if (name.length > LIMITS.name) return fault(`${column}超过 ${LIMITS.name} 个字符`)
    if (hasControls(name)) return fault(`${column}含有不允许的字符`)
  }
  const floorNo = integerOf(cell('楼层'))
  if (floorNo === undefined || floorNo < LIMITS.floor.lowest || floorNo > LIMITS.floor.highest) {
    return fault(`楼层应为 ${LIMITS.floor.lowest} 到 ${LIMITS.floor.highest} 的整数`)
  }
  const capacity = integerOf(cell('容量'))
  if (capacity === undefined || capacity < 1 || capacity > LIMITS.capacity) {
    return fault(`容量应为 1 到 ${LIMITS.capacity} 的整数`)
  }
  const tags = cell('设备标签')
  if (tags.length > LIMITS.tags || hasControls(tags))
    return fault(`设备标签超过 ${LIMITS.tags} 个字符或含有不允许的字符`)
  const status = statusOf(cell('状态'))
  if (status === undefined) return fault('状态应为「启用」或「禁用」')
  const openHours = hoursOf(cell('开放时间'))
  if (openHours === undefined || (openHours?.length ?? 0) > LIMITS.hours) {
    return fault('开放时间应形如「周一 08:00-12:00；周一 14:00-18:00」，且不能颠倒或重叠')
  }
  return {
    line,
    buildingName: cell('楼房名称'),
    floorNo,
    roomName: cell('房间名称'),
    capacity,
    equipmentTags: tagsText(tags),
    status,
    openHours,
  }
}

const integerOf = (text: string): number | undefined => (/^-?\d{1,6}(\.0+)?$/.test(text) ? Number(text) : undefined)

const STATUS_WORDS = { '0': '启用', '1': '禁用' } as const

/** The workbook's words for a room in use and out of use. */
export function statusText(status: '0' | '1'): string {
  return STATUS_WORDS[status]
}

function statusOf(text: string): '0' | '1' | undefined {
  if (text === '' || text === '0' || text === STATUS_WORDS['0']) return '0'
  return text === '1' || text === STATUS_WORDS['1'] ? '1' : undefined
}

/** True for a text with control characters, or without any visible character. */
function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text) || (text !== '' && !/[^\s\u200B-\u200F\u2060\uFEFF]/.test(text))
}
