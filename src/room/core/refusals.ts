import type { Interval } from '../../booking/interval.ts'
import { Conflict, type Invalid, NotFound } from '../../kernel/errors.ts'
import { moment } from '../fields.ts'
import { refusal as businessRefusal } from '../sentences.ts'
import {
  type BookingFacts,
  doubleBooked,
  FEWEST_PEOPLE,
  type Order,
  type Refusal,
  type Setting,
  type TimeRefusal,
} from './rules.ts'
import { spanWords } from './spans.ts'
import { type BookingStatus, STATUS_TEXT } from './states.ts'

/** The greatest number of names or ids in a sentence. */
const MOST_NAMED = 5

/** The reader of a refusal: the applicant, or staff who decides about the booking. */
type Reader = 'applicant' | 'staff'

/** The error for a refused booking. Its sentence says how the person can correct the request. */
export function refused(
  refusal: Refusal,
  facts: BookingFacts,
  order: Order,
  zone: string,
  reader: Reader = 'applicant',
): Invalid {
  return businessRefusal(refusal, sentence(refusal, facts, order, zone, reader))
}

/** The error for times at which no room can be booked. */
export function timeRefused(refusal: TimeRefusal, setting: Setting): Invalid {
  return businessRefusal(refusal, timeSentence(refusal, setting))
}

function timeSentence(refusal: TimeRefusal, setting: Setting): string {
  switch (refusal) {
    case 'wrong_order':
      return '结束时间必须晚于开始时间'
    case 'in_the_past':
      return '开始时间不能早于当前时间'
    case 'off_grid':
      return `开始和结束时间必须是 ${setting.gridMinutes} 分钟的整数倍`
    case 'too_long':
      return `预约时长不能超过 ${setting.maxDurationMinutes} 分钟`
    case 'too_far_ahead':
      return `最多只能提前 ${setting.advanceDays} 天预约`
  }
}

function sentence(refusal: Refusal, facts: BookingFacts, order: Order, zone: string, reader: Reader): string {
  const { room, setting, participants, closure, occupied } = facts
  switch (refusal) {
    case 'banned': {
      const applicant = participants.find(({ userId }) => userId === order.applicantId)
      const who = reader === 'staff' ? `申请人 ${applicant?.name ?? ''} 已被封禁` : '您已被封禁，暂时不能预约'
      return `${who}（${banWords(applicant?.ban, zone)}）`
    }
    case 'building_out_of_use':
      return `${room.buildingName}已停用，不能预约`
    case 'room_out_of_use':
      return `${room.name}已禁用，不能预约`
    case 'invalid_people':
      return `使用人不存在或已停用：${listed(participants.filter(({ valid }) => !valid).map(({ userId }) => String(userId)))}`
    case 'too_few_people':
      return `使用人（含申请人）不能少于 ${FEWEST_PEOPLE} 人`
    case 'too_many_people':
      return `使用人共 ${order.userIds.length} 人，超过房间容量 ${room.capacity} 人`
    case 'participant_banned': {
      const banned = participants.find(({ ban }) => ban !== null)
      return `使用人 ${banned?.name ?? ''} 已被封禁（${banWords(banned?.ban, zone)}）`
    }
    case 'outside_hours':
      return '该时间不在房间的开放时间内'
    case 'closed':
      return `房间在该时间段关闭（${closure ? `${spanWords(closure, zone)}，${closure.reason}` : ''}）`
    case 'people_busy':
      return `以下使用人在该时间段已有其他预约：${listed(doubleBooked(facts))}`
    case 'time_taken':
      return timeTaken(occupied, zone)
    default:
      return timeSentence(refusal, setting)
  }
}

function timeTaken(occupied: Interval | null, zone: string): string {
  return `该时间段已被占用${occupied ? `（${spanWords(occupied, zone)}）` : ''}，请选择其他时间`
}

function banWords(ban: BookingFacts['participants'][number]['ban'] | undefined, zone: string): string {
  return ban ? `原因：${ban.reason}，${ban.until ? `至 ${moment(ban.until, zone)}` : '永久'}` : ''
}

function listed(names: readonly string[]): string {
  return names.slice(0, MOST_NAMED).join('、') + (names.length > MOST_NAMED ? ` 等 ${names.length} 人` : '')
}

/**
 * The error for an action that the state of a booking forbids (409). `rule` is the sentence that says when it is
 * allowed.
 */
export function badState(status: BookingStatus, rule: string): Conflict {
  return new Conflict('bad_state', `${rule}，当前状态：${STATUS_TEXT[status]}`, { facts: { status } })
}

export const noSuchBooking = () => new NotFound('not_found', '预约不存在')
export const noSuchRoom = () => new NotFound('not_found', '房间不存在')
export const noSuchBuilding = () => new NotFound('not_found', '楼房不存在')
