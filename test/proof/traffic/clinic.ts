import { call, keyed } from '../client.ts'
import type { Family, Hospital, Practice } from '../clinic/hospital.ts'
import type { ClinicAction } from '../history/history.ts'
import type { Person } from '../site.ts'
import type { Journal } from './ask.ts'
import type { Step } from './lives.ts'

/** A generator of numbers from 0 to 1. */
type Random = () => number

/** Sends one request of a person. */
type Send = (
  action: ClinicAction,
  method: 'POST' | 'PUT' | 'DELETE',
  path: string,
  about: { readonly target: number; readonly place?: number; readonly made?: string },
  body?: unknown,
  key?: boolean,
) => Promise<void>

/** `made` names the member of the answer with the id of the order. */
function sender(journal: Journal, { id: by, token }: Person): Send {
  return async (action, method, path, { target, place, made }, body, key = false) => {
    const headers = keyed(key)
    await journal.ask(
      { action, by, target, ...(place !== undefined && { place }) },
      (url) => call(url, method, path, { token, headers, ...(body !== undefined && { body }) }),
      { again: key, made: (answer) => (made === undefined ? undefined : answer.body.message[made]) },
    )
  }
}

const chooser = (random: Random) => {
  const oneOf = <T>(all: readonly T[]): T => {
    const one = all[Math.floor(random() * all.length)]
    if (one === undefined) throw new Error('there is nothing to choose from')
    return one
  }
  return oneOf
}

interface Shown {
  readonly id: number
  readonly status: string
  readonly scheduleId: number
}

/**
 * Somebody who registers, pays, cancels, moves, waits in line and leaves it, for themself and their relatives.
 * Persistent people repeat registrations without an answer, with an Idempotency-Key.
 */
function registrant(
  journal: Journal,
  family: Family,
  practices: readonly Practice[],
  random: Random,
  persistent: boolean,
): Step {
  const send = sender(journal, family)
  const oneOf = chooser(random)
  const read = async (path: string): Promise<readonly Shown[]> =>
    (await journal.look((url) => call(url, 'GET', path, family))).body.message.list

  const register = async () => {
    const { today, sessions } = oneOf(practices)
    const [target, place] = [random() < 0.4 ? today : oneOf(sessions), oneOf(family.patientIds)]
    const body = { scheduleId: target, patientId: place }
    const made = 'id'
    await (random() < 0.75
      ? send('clinic.register', 'POST', '/patient/appointments', { target, place, made }, body, persistent)
      : send('clinic.join', 'POST', '/patient/waitlist', { target, place, made }, body))
  }
  const change = async ({ id, status, scheduleId }: Shown) => {
    const path = `/patient/appointments/${id}`
    const what = random()
    if (status === 'pending' && what < 0.6)
      await send('clinic.pay', 'POST', `${path}/pay`, { target: id }, { method: 'wechat' })
    else if (what < 0.8) await send('clinic.cancel', 'PUT', `${path}/cancel`, { target: id }, {})
    else {
      const own = practices.find(({ sessions }) => sessions.includes(scheduleId)) ?? oneOf(practices)
      const place = oneOf(own.sessions)
      await send('clinic.move', 'PUT', `${path}/reschedule`, { target: id, place }, { scheduleId: place })
    }
  }
  return async () => {
    const what = random()
    if (what < 0.45) return await register()
    if (what < 0.55) {
      const line = await read('/patient/waitlist')
      if (line.length === 0) return await register()
      const { id } = oneOf(line)
      return await send('clinic.leave', 'DELETE', `/patient/waitlist/${id}`, { target: id })
    }
    const orders = await read('/patient/my-initiated-appointments?page_size=100')
    const open = orders.filter(({ status }) => status === 'pending' || status === 'confirmed')
    await (open.length === 0 ? register() : change(oneOf(open)))
  }
}

/** The desk: checks in, registers walk-ins, takes money and gives it back. */
function clerk(journal: Journal, { desk, practices, families }: Hospital, random: Random): Step {
  const send = sender(journal, desk)
  const oneOf = chooser(random)
  return async () => {
    const { today } = oneOf(practices)
    const what = random()
    if (what < 0.25) {
      const place = oneOf(families).patientId
      const body = { schedule_id: today, patient_id: place }
      return await send('clinic.walk_in', 'POST', '/admin/walk-ins', { target: today, place, made: 'order_id' }, body)
    }
    const state = what < 0.5 ? 'pending' : 'confirmed'
    const path = `/admin/orders?schedule_id=${today}&status=${state}&page_size=50`
    const { orders } = (await journal.look((url) => call(url, 'GET', path, desk))).body.message
    if (orders.length === 0) return
    const { order_id: target } = oneOf<{ readonly order_id: number }>(orders)
    const order = `/admin/orders/${target}`
    if (state === 'pending')
      return await send('clinic.confirm', 'POST', `${order}/confirm-payment`, { target }, { method: 'cash' })
    if (what < 0.75) return await send('clinic.check_in', 'POST', `${order}/check-in`, { target })
    await send('clinic.refund', 'POST', `${order}/refund`, { target }, { reason: '窗口退号' })
  }
}

/** A doctor who calls, passes and sees the patients of today. */
function physician(journal: Journal, { doctor, today }: Practice, random: Random): Step {
  const send = sender(journal, doctor)
  return async () => {
    const { currentPatient } = (
      await journal.look((url) => call(url, 'GET', `/doctor/consultation/queue?schedule_id=${today}`, doctor))
    ).body.message
    const calling: number | undefined = currentPatient?.orderId
    if (calling === undefined) {
      const made = 'orderId'
      return await send(
        'clinic.call',
        'POST',
        '/doctor/consultation/next',
        { target: today, made },
        { schedule_id: today },
      )
    }
    const target = calling
    if (random() < 0.6)
      await send('clinic.complete', 'POST', '/doctor/consultation/complete', { target }, { order_id: target })
    else
      await send(
        'clinic.pass',
        'POST',
        '/doctor/consultation/pass',
        { target },
        { order_id: target, max_pass_count: 2 },
      )
  }
}

/** An administrator who adds numbers for patients, and changes totals. */
function administrator(journal: Journal, { admin, practices, families }: Hospital, random: Random): Step {
  const send = sender(journal, admin)
  const oneOf = chooser(random)
  return async () => {
    const target = oneOf(oneOf(practices).sessions)
    if (random() < 0.5) {
      const total_slots = 2 + Math.floor(random() * 5)
      return await send('clinic.total', 'PUT', `/admin/schedules/${target}`, { target }, { total_slots })
    }
    const place = oneOf(families).patientId
    const body = { schedule_id: target, patient_id: place }
    await send('clinic.add', 'POST', '/schedules/add-slot', { target, place, made: 'order_id' }, body)
  }
}

/** A chief who stops a session, and opens it again. */
function chief(journal: Journal, { chief, practices }: Hospital, random: Random): Step {
  const send = sender(journal, chief)
  const oneOf = chooser(random)
  let stopped: number | undefined
  return async () => {
    if (stopped !== undefined) {
      await send('clinic.open', 'PUT', `/admin/schedules/${stopped}`, { target: stopped }, { status: '正常' })
      stopped = undefined
    } else if (random() < 0.3) {
      const target = oneOf(oneOf(practices).sessions)
      stopped = target
      await send('clinic.stop', 'PUT', `/admin/schedules/${target}`, { target }, { status: '停诊' })
    }
  }
}

/** The steps of everybody in a hospital. */
export function hospitalLife(journal: Journal, hospital: Hospital, random: Random = Math.random): readonly Step[] {
  return [
    ...hospital.families.map((family, n) => registrant(journal, family, hospital.practices, random, n % 2 === 0)),
    ...hospital.practices.map((practice) => physician(journal, practice, random)),
    clerk(journal, hospital, random),
    administrator(journal, hospital, random),
    chief(journal, hospital, random),
  ]
}
