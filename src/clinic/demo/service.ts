import { minutesAfter } from '../../booking/interval.ts'
import { ManualClock } from '../../kernel/clock.ts'
import type { Transaction } from '../../kernel/database/database.ts'
import { demoLogins, enterDemo, perhaps, playOnce } from '../../kernel/demo.ts'
import type { Caller } from '../../kernel/http/request/caller.ts'
import { passwordHashOf } from '../../kernel/identity/accounts/store.ts'
import { storedPhone } from '../../kernel/identity/accounts/users.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import type { DemoLogin } from '../../kernel/product.ts'
import { localDate } from '../../kernel/time.ts'
import { register } from '../core/booking.ts'
import { readConfiguration } from '../core/configuration/store.ts'
import type { Discounts } from '../core/configuration/types.ts'
import { PATIENT_ROLE } from '../permissions.ts'
import { cancelMine, payMine } from '../visits/appointments/service.ts'
import { at, createDice } from './dice.ts'
import { type Booker, fillSessions } from './orders.ts'
import { CAST, type DemoPatient, inventPatients, isChild } from './people.ts'
import { addAccounts, buildHospital, type DemoDoctor } from './places.ts'
import { storeAttendance, storeLedger, storeSessions, storeVisits } from './records.ts'
import { addRequests, type Stored } from './requests.ts'
import { type DemoLeave, planSessions } from './sessions.ts'
import { insertRows } from './store.ts'

/**
 * Fills a database with a university hospital: two weeks back and two ahead of the clock. If it is filled already, only
 * returns the log-ins.
 * @throws Error if there are people from elsewhere, because the passwords are public.
 */
export async function fillDemo(kernel: Kernel): Promise<readonly DemoLogin[]> {
  await playOnce(kernel, 'clinic', async () => {
    const now = kernel.clock.now()
    const clock = new ManualClock(minutesAfter(now, -60 * 24 * 60))
    const past: Kernel = { ...kernel, clock, nudge: () => {} }
    const people: Caller[] = []
    for (const person of CAST) people.push(await enterDemo(past, person))
    const guest = await kernel.transaction((tx) => build(past, tx, people, now))
    clock.set(minutesAfter(now, -45))
    await playNow(past, clock, { patient: at(people, 5), ...guest })
  })
  return demoLogins(CAST)
}

/** Numbers that the patient of the cast takes with the program's own use cases. */
interface Guest {
  readonly patientId: number
  readonly scheduleIds: readonly number[]
}

/** Writes the whole hospital in one transaction. */
async function build(kernel: Kernel, tx: Transaction, people: readonly Caller[], now: Date): Promise<Guest> {
  const zone = kernel.config.timeZone
  const founded = kernel.clock.now()
  const dice = createDice(2026)
  const [, admin, head, doctor, , patient] = people
  if (!admin || !head || !doctor || !patient) throw new Error('the cast is incomplete')
  const passwordHash = (await passwordHashOf(tx, patient.userId)) ?? ''
  const configuration = await readConfiguration(tx)
  const hospital = await buildHospital({
    tx,
    now: founded,
    passwordHash,
    head: { userId: head.userId, name: at(CAST, 2).name },
    doctor: { userId: doctor.userId, name: at(CAST, 3).name },
  })
  const invented = inventPatients(dice, Number(localDate(now, zone).slice(0, 4)))
  const stage = { kernel, tx, now: founded, passwordHash, discounts: configuration.patientIdentityDiscounts }
  const bookers = await addPatients(stage, invented, patient.userId)
  const guest = at(bookers, 0)
  const leaves = planLeaves(hospital.doctors)
  const cast = new Set([head.userId, doctor.userId])
  const today = localDate(now, zone)
  const planned = planSessions({ hospital, today, now, zone, rules: configuration.schedule, cast, leaves })
  const { sameClinicInterval } = configuration.registration
  const filled = fillSessions({ dice, now, bookers, guest, sameClinicInterval }, planned)
  const { sessions, orders } = await storeSessions(tx, filled, now)
  await storeLedger(tx, orders)
  await storeVisits(tx, orders, bookers, dice)
  await storeAttendance(tx, sessions)
  await addRequests({
    tx,
    now,
    today,
    doctors: hospital.doctors,
    leaves,
    sessions,
    orders,
    patients: bookers,
    adminId: admin.userId,
  })
  return { patientId: guest.patientId, scheduleIds: freeSchedules(sessions) }
}

function planLeaves(doctors: readonly DemoDoctor[]): readonly DemoLeave[] {
  return [
    { doctor: at(doctors, 4), from: 2, to: 4, reason: '赴外院会诊' },
    { doctor: at(doctors, 12), from: -4, to: -3, reason: '病假' },
  ]
}

interface PatientStage {
  readonly kernel: Pick<Kernel, 'secrets'>
  readonly tx: Transaction
  readonly now: Date
  readonly passwordHash: string
  readonly discounts: Discounts
}

/** Stores the patients with their accounts and relatives. The first is the patient of the cast. */
async function addPatients(
  { kernel, tx, now, passwordHash, discounts }: PatientStage,
  invented: readonly DemoPatient[],
  castUserId: number,
): Promise<readonly Booker[]> {
  const year = Number(now.toISOString().slice(0, 4))
  const cast: DemoPatient = {
    name: at(CAST, 5).name,
    gender: '女',
    birthDate: `${year - 20}-05-12`,
    type: '学生',
    isVerified: true,
    number: 'patient',
    isIdentified: true,
    relation: null,
  }
  const { cipher } = kernel.secrets
  const withAccounts = invented.filter(({ number }) => number !== null)
  const accounts = withAccounts.map(({ name, number }, n) => {
    const phone = storedPhone(cipher, `+86199${String(10_000_000 + n * 37)}`)
    return { username: number ?? '', name, role: PATIENT_ROLE, phone }
  })
  const userIds = [castUserId, ...(await addAccounts(tx, accounts, passwordHash, now))]
  const all = [cast, ...invented]
  // Patients without an account come last. Teachers, staff and neighbours register for them.
  const ownerOf = (n: number) => at(userIds, n < userIds.length ? n : 1501 + (n - userIds.length))
  const ids = await insertRows(
    tx,
    'patient',
    all.map((one, n) => ({
      user_id: n < userIds.length ? at(userIds, n) : null,
      name: one.name,
      gender: one.gender,
      birth_date: one.birthDate,
      patient_type: one.type,
      is_verified: one.isVerified,
      identifier: one.isIdentified ? one.number : null,
      past_history: n % 19 === 0 ? ['高血压'] : [],
      allergy_history: n % 23 === 0 ? ['青霉素'] : [],
      family_history: [],
      revision: 0,
      create_time: now,
    })),
    'patient_id',
  )
  const relation = (userId: number, n: number) => ({
    user_id: userId,
    related_patient_id: at(ids, n),
    relation_type: all[n]?.relation ?? '其他',
    is_default: false,
    create_time: now,
    update_time: now,
  })
  const dependants = all.map((_, n) => n).filter((n) => n >= userIds.length)
  await insertRows(tx, 'patient_relation', [
    ...dependants.map((n) => relation(ownerOf(n), n)),
    ...dependants.slice(0, 2).map((n) => relation(castUserId, n)),
  ])
  return all.map((one, n) => ({
    patientId: at(ids, n),
    name: one.name,
    gender: one.gender,
    birthDate: one.birthDate,
    userId: ownerOf(n),
    factor: discounts[one.isVerified ? one.type : '校外'],
    audience: isChild(one, year) ? 'children' : one.gender === '女' ? 'women' : 'everybody',
  }))
}

/** Schedules of different departments in which some numbers are left. */
function freeSchedules(sessions: Stored['sessions']): readonly number[] {
  const free = sessions.filter(({ session, totalSlots, orders }) => {
    const { day, doctor, stopReason } = session
    const isForAdults = doctor.department.audience === 'everybody'
    return (
      day >= 3 && day <= 6 && isForAdults && stopReason === null && orders.length + 2 < totalSlots && session.price > 0
    )
  })
  const depts = new Map(free.map((one) => [one.session.doctor.deptId, one.scheduleId]))
  return [...depts.values()]
}

/** The patient of the cast registers four times now: two numbers are paid, one is cancelled, one waits for its payment. */
async function playNow(
  kernel: Kernel,
  clock: ManualClock,
  { patient, patientId, scheduleIds }: Guest & { readonly patient: Caller },
): Promise<void> {
  for (const [n, scheduleId] of scheduleIds.slice(0, 4).entries()) {
    if (n === 3) clock.set(minutesAfter(clock.now(), 44))
    const order = await perhaps(register(kernel, patient, { scheduleId, patientId, symptoms: '复诊' }))
    if (!order) continue
    if (n < 3) await payMine(kernel, patient, order.orderId, 'wechat')
    if (n === 2) await cancelMine(kernel, patient, order.orderId, '与课程冲突')
  }
}
