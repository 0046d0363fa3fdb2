import type { DomainError } from '../../kernel/errors.ts'
import { plainMoment } from '../fields.ts'
import { CODES, missing, notAllowed, refusal as refusedBy } from '../sentences.ts'
import type { Order } from './ordersStore.ts'
import { type Facts, noShowBlockEnds, type Refusal, releasedAt } from './rules.ts'
import type { OrderStatus } from './states.ts'

/** The sentence for numbers that are all taken. Clients offer the waiting list on its first words. */
const SOLD_OUT = '号源不足，该时段号源已约满，可加入候补'

/**
 * The error for a schedule whose numbers are all taken. Always the same object: thousands are refused at the release of
 * numbers, and recording where an error was made is the larger part of refusing.
 */
export const soldOut: DomainError = refusedBy(CODES.soldOut, 'sold_out', SOLD_OUT)

export const noSuchSchedule = () => missing('排班')
export const noSuchPatient = () => missing('患者')
export const noSuchOrder = () => missing('挂号订单')

const STATE_WORDS: Readonly<Record<OrderStatus, string>> = {
  pending: '待支付',
  confirmed: '已预约',
  cancelled: '已取消',
  timeout: '已超时',
  completed: '已完成',
  no_show: '已爽约',
  waitlist: '候补中',
}

/** The error for a change that the state of an order forbids. */
export function badState({ status }: Pick<Order, 'status'>) {
  return refusedBy(CODES.request, 'bad_state', `订单${STATE_WORDS[status]}，不能进行此操作`)
}

/** The error for a refused registration. Its sentence says what the patient can do. */
export function refused(refusal: Refusal, facts: Facts, now: Date, zone: string): DomainError {
  const { registration } = facts.configuration
  switch (refusal) {
    case 'not_own_patient':
      return notAllowed('只能为本人或您的就诊人挂号')
    case 'banned': {
      const until = facts.ban?.until
      const words = until ? `，${plainMoment(until, zone)} 后恢复` : ''
      return refusedBy(CODES.request, 'banned', `您的账号已被限制挂号${words}，如有疑问请联系医院`)
    }
    case 'stopped':
      return refusedBy(CODES.request, 'stopped', '该排班已停诊，请选择其他时间或医生')
    case 'over':
      return refusedBy(CODES.request, 'over', '该时段已停止挂号，请选择其他时段')
    case 'not_released':
      return refusedBy(
        CODES.request,
        'not_released',
        `该号源将于 ${plainMoment(releasedAt(facts, zone), zone)} 放号，请届时再来`,
      )
    case 'already_registered':
      return refusedBy(CODES.duplicate, 'already_registered', '该患者已预约此号源，请勿重复挂号')
    case 'already_waiting':
      return refusedBy(CODES.duplicate, 'already_waiting', '该患者已在此号源的候补队列中')
    case 'no_show_block':
      return refusedBy(
        CODES.request,
        'no_show_block',
        `该患者 90 天内爽约 ${facts.patient.noShows} 次，${noShowBlockEnds(facts, now, zone) ?? ''} 起可重新挂号`,
      )
    case 'same_department':
      return refusedBy(
        CODES.duplicate,
        'same_department',
        `该患者已有 ${facts.patient.nearVisit ?? ''} 的${facts.schedule.deptName}挂号，同一科室 ${registration.sameClinicInterval} 天内只能挂一次号`,
      )
    case 'too_many':
      return refusedBy(
        CODES.tooMany,
        'too_many',
        `该患者 ${registration.appointmentPeriodDays} 天内已挂号 ${facts.patient.recentOrders} 次，达到上限`,
      )
    case 'sold_out':
      return soldOut
  }
}
