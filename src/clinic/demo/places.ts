import type { Transaction } from '../../kernel/database/database.ts'
import { initialsOf } from '../core/initials.ts'
import { type Level, NO_PRICES, type Prices, resolvedPrice } from '../core/prices/rules.ts'
import { setPrices } from '../core/prices/store.ts'
import { type SlotType, slotTypeOf } from '../core/types.ts'
import { DOCTOR_ROLE } from '../permissions.ts'
import { at } from './dice.ts'
import { AREAS, DEPARTMENTS, type DemoDepartment, MAJORS, TITLES } from './hospital.ts'
import { nameOf } from './people.ts'
import { insertRows } from './store.ts'

/** A clinic of the demo. */
export interface DemoClinic {
  readonly id: number
  readonly type: number
}

/** A doctor of the demo. */
export interface DemoDoctor {
  readonly id: number
  readonly userId: number
  readonly name: string
  readonly isHead: boolean
  readonly deptId: number
  readonly department: DemoDepartment
  /** The clinics of the department, the general one first. */
  readonly clinics: readonly DemoClinic[]
}

/** The hospital of the demo. */
export interface DemoHospital {
  readonly doctors: readonly DemoDoctor[]
  /** The price of a kind of number in fen. */
  price(doctor: DemoDoctor, clinic: DemoClinic): number
}

/** Accounts of people who are not in the cast. */
export interface NewAccount {
  readonly username: string
  readonly name: string
  readonly role: string
  /** By `storedPhone`. */
  readonly phone: { readonly phone_encrypted: string | null; readonly phone_index: string | null }
}

/** Adds accounts that share one password, and returns their ids. */
export async function addAccounts(
  tx: Transaction,
  accounts: readonly NewAccount[],
  passwordHash: string,
  now: Date,
): Promise<readonly number[]> {
  const ids = await insertRows(
    tx,
    'users',
    accounts.map(({ username, name, phone }) => ({
      username,
      display_name: name,
      ...phone,
      password_hash: passwordHash,
      password_changed_at: now,
      status: 'active' as const,
      locale: 'zh-CN' as const,
      created_at: now,
      updated_at: now,
    })),
    'id',
  )
  const roles = accounts.map(({ role }, n) => ({ user_id: at(ids, n), role, granted_at: now }))
  await insertRows(tx, 'user_roles', roles)
  return ids
}

/** What the hospital needs from the stage. */
interface Builder {
  readonly tx: Transaction
  readonly now: Date
  readonly passwordHash: string
  /** Users of the cast: the head of the first department, and its last doctor. */
  readonly head: { readonly userId: number; readonly name: string }
  readonly doctor: { readonly userId: number; readonly name: string }
}

/** Builds areas, departments, clinics, doctors with accounts, and prices at every level. */
export async function buildHospital(builder: Builder): Promise<DemoHospital> {
  const { tx, now } = builder
  const areas = await insertRows(
    tx,
    'hospital_area',
    AREAS.map((area) => ({ ...area, create_time: now })),
    'area_id',
  )
  const majors = await insertRows(
    tx,
    'major_department',
    Object.entries(MAJORS).map(([name, description]) => ({ name, description, create_time: now })),
    'major_dept_id',
  )
  const majorNames = Object.keys(MAJORS)
  const depts = await insertRows(
    tx,
    'minor_department',
    DEPARTMENTS.map(({ major, name, description }) => ({
      major_dept_id: at(majors, majorNames.indexOf(major)),
      name,
      description,
      initials: initialsOf(name),
      create_time: now,
    })),
    'minor_dept_id',
  )
  const clinics = await addClinics(tx, areas, depts, now)
  const doctors = await addDoctors(builder, depts, clinics)
  return { doctors, price: await addPrices(tx, depts, doctors, now) }
}

const CLINIC_NAMES = ['普通门诊', '专家门诊', '特需门诊'] as const

async function addClinics(
  tx: Transaction,
  areas: readonly number[],
  depts: readonly number[],
  now: Date,
): Promise<readonly (readonly DemoClinic[])[]> {
  const planned = DEPARTMENTS.flatMap(({ name, address, further }, n) =>
    [0, ...further].map((type) => ({
      area_id: at(areas, n % 4 === 3 ? 1 : 0),
      minor_dept_id: at(depts, n),
      name: `${name}${at(CLINIC_NAMES, type)}`,
      address,
      clinic_type: type,
      create_time: now,
    })),
  )
  const ids = await insertRows(tx, 'clinic', planned, 'clinic_id')
  const made = planned.map((clinic, n) => ({ deptId: clinic.minor_dept_id, id: at(ids, n), type: clinic.clinic_type }))
  return depts.map((dept) => made.filter(({ deptId }) => deptId === dept))
}

async function addDoctors(
  { tx, now, passwordHash, head, doctor }: Builder,
  depts: readonly number[],
  clinics: readonly (readonly DemoClinic[])[],
): Promise<readonly DemoDoctor[]> {
  const planned = DEPARTMENTS.flatMap((department, n) =>
    department.specialties.map((specialty, rank) => ({ department, n, specialty, rank })),
  )
  const named = planned.map((one, n) => {
    const { n: dept, rank, department } = one
    const cast =
      dept > 0 ? undefined : rank === 0 ? head : rank === department.specialties.length - 1 ? doctor : undefined
    return { ...one, cast, name: cast?.name ?? nameOf(n % 3 === 1 ? '女' : '男', 200 + n * 5) }
  })
  const none = { phone_encrypted: null, phone_index: null }
  const others = named.filter(({ cast }) => cast === undefined)
  const accounts = others.map(({ name }, n) => ({
    username: `d${String(n + 1).padStart(3, '0')}`,
    name,
    role: DOCTOR_ROLE,
    phone: none,
  }))
  const userIds = await addAccounts(tx, accounts, passwordHash, now)
  const rows = named.map((one) => ({
    user_id: one.cast?.userId ?? at(userIds, others.indexOf(one)),
    dept_id: at(depts, one.n),
    name: one.name,
    title: at(TITLES, one.rank),
    specialty: one.specialty,
    introduction: `${at(TITLES, one.rank)}，从事${one.department.name}临床工作 ${24 - one.rank * 7} 年，擅长${one.specialty}。`,
    is_department_head: one.rank === 0,
    initials: initialsOf(one.name),
    create_time: now,
  }))
  const ids = await insertRows(tx, 'doctor', rows, 'doctor_id')
  return named.map(({ department, name, n }, index) => {
    const row = at(rows, index)
    return {
      id: at(ids, index),
      userId: row.user_id,
      name,
      isHead: row.is_department_head,
      deptId: row.dept_id,
      department,
      clinics: at(clinics, n),
    }
  })
}

/** Sets prices at every level; returns the resolved price of a doctor's numbers in a clinic. */
async function addPrices(
  tx: Transaction,
  depts: readonly number[],
  doctors: readonly DemoDoctor[],
  now: Date,
): Promise<DemoHospital['price']> {
  const set = new Map<string, Prices>()
  const put = async (level: Level, id: number, prices: Partial<Record<SlotType, number>>) => {
    await setPrices(tx, { level, id }, prices, now)
    set.set(`${level} ${id}`, { ...NO_PRICES, ...prices })
  }
  const dept = (name: string) =>
    at(
      depts,
      DEPARTMENTS.findIndex((one) => one.name === name),
    )
  const [first] = doctors
  const vaccination = doctors.find(({ department }) => department.name === '预防接种门诊')
  await put('GLOBAL', 0, { 普通: 2_000, 专家: 5_000, 特需: 30_000 })
  await put('MINOR_DEPT', dept('口腔科'), { 普通: 3_000, 专家: 8_000 })
  await put('MINOR_DEPT', dept('心理咨询科'), { 普通: 4_000 })
  if (vaccination) await put('CLINIC', at(vaccination.clinics, 0).id, { 普通: 0 })
  if (first) await put('DOCTOR', first.id, { 专家: 10_000, 特需: 50_000 })
  return (doctor, clinic) => {
    const levels = {
      DOCTOR: set.get(`DOCTOR ${doctor.id}`),
      CLINIC: set.get(`CLINIC ${clinic.id}`),
      MINOR_DEPT: set.get(`MINOR_DEPT ${doctor.deptId}`),
      GLOBAL: set.get('GLOBAL 0'),
    }
    return resolvedPrice(levels, slotTypeOf(clinic.type))
  }
}
