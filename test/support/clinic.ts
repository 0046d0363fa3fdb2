import { sql } from 'kysely'
import { ADMIN_ROLE, DOCTOR_ROLE, PATIENT_ROLE } from '../../src/clinic/permissions.ts'
import { inserted } from '../../src/kernel/database/inserted.ts'
import { addDays, localDate } from '../../src/kernel/time.ts'
import type { Person, World } from './world.ts'

/** Where the builders add rows: a world, or the database of real processes. */
export interface Site {
  readonly database: Pick<World['database'], 'db'>
  readonly clock: Pick<World['clock'], 'now'>
  readonly config: Pick<World['config'], 'timeZone'>
  person(role?: string): Promise<Person>
}

let count = 0

/** A department with its major department, area and one clinic. */
export interface Department {
  readonly areaId: number
  readonly majorId: number
  readonly deptId: number
  readonly clinicId: number
}

async function idOf(world: Site, insert: ReturnType<typeof sql<{ id: number }>>): Promise<number> {
  const { rows } = await insert.execute(world.database.db)
  return inserted(rows).id
}

/** A department in an area of its own, with one clinic. */
export async function department(world: Site, { clinicType = 0 } = {}): Promise<Department> {
  const n = ++count
  const now = world.clock.now()
  const areaId = await idOf(
    world,
    sql`INSERT INTO hospital_area (name, destination, create_time) VALUES (${`院区 ${n}`}, '校园路 1 号', ${now})
      RETURNING area_id AS id`,
  )
  const majorId = await idOf(
    world,
    sql`INSERT INTO major_department (name, create_time) VALUES (${`大科室 ${n}`}, ${now}) RETURNING major_dept_id AS id`,
  )
  const deptId = await idOf(
    world,
    sql`INSERT INTO minor_department (major_dept_id, name, create_time) VALUES (${majorId}, ${`小科室 ${n}`}, ${now})
      RETURNING minor_dept_id AS id`,
  )
  const clinicId = await idOf(
    world,
    sql`INSERT INTO clinic (area_id, minor_dept_id, name, clinic_type, create_time)
      VALUES (${areaId}, ${deptId}, ${`门诊 ${n}`}, ${clinicType}, ${now}) RETURNING clinic_id AS id`,
  )
  return { areaId, majorId, deptId, clinicId }
}

/** A doctor of a department with an account. */
export async function doctor(
  world: Site,
  deptId: number,
  { isHead = false, title = '主治医师' } = {},
): Promise<{ readonly doctorId: number; readonly person: Person }> {
  const person = await world.person(DOCTOR_ROLE)
  const doctorId = await idOf(
    world,
    sql`INSERT INTO doctor (user_id, dept_id, name, title, is_department_head, create_time)
      VALUES (${person.id}, ${deptId}, ${`医生 ${++count}`}, ${title}, ${isHead}, ${world.clock.now()})
      RETURNING doctor_id AS id`,
  )
  return { doctorId, person }
}

/** Somebody with an account and their own patient record. */
export interface PatientPerson extends Person {
  readonly patientId: number
}

/** A patient with an account, 校外 and unverified unless the options say otherwise. */
export async function patient(
  world: Site,
  { type = '校外', verified = false }: { readonly type?: string; readonly verified?: boolean } = {},
): Promise<PatientPerson> {
  const person = await world.person(PATIENT_ROLE)
  const patientId = await idOf(
    world,
    sql`INSERT INTO patient (user_id, name, patient_type, is_verified, create_time)
      VALUES (${person.id}, ${`患者 ${++count}`}, ${type}, ${verified}, ${world.clock.now()})
      RETURNING patient_id AS id`,
  )
  return { ...person, patientId }
}

/** The date so many days after the clock's today. */
export function inDays(world: Site, days: number): string {
  return addDays(localDate(world.clock.now(), world.config.timeZone), days)
}

/** A schedule with free numbers, of a doctor and department of its own unless they are named; `price` is in fen. */
export async function schedule(
  world: Site,
  options: {
    readonly of?: Department
    readonly doctorId?: number
    readonly day?: number
    readonly section?: '上午' | '下午' | '晚上'
    readonly slots?: number
    readonly price?: number
    readonly slotType?: '普通' | '专家' | '特需'
  } = {},
): Promise<number> {
  const of = options.of ?? (await department(world))
  const doctorId = options.doctorId ?? (await doctor(world, of.deptId)).doctorId
  const { day = 3, section = '上午', slots = 5, price = 5000, slotType = '普通' } = options
  const now = world.clock.now()
  return await idOf(
    world,
    sql`INSERT INTO schedule (doctor_id, clinic_id, minor_dept_id, date, time_section, slot_type, total_slots,
        remaining_slots, price, create_time, update_time)
      VALUES (${doctorId}, ${of.clinicId}, ${of.deptId}, ${inDays(world, day)}, ${section}, ${slotType}, ${slots},
        ${slots}, ${price}, ${now}, ${now})
      RETURNING schedule_id AS id`,
  )
}

/** An administrator of the hospital. */
export const hospitalAdmin = (world: Site) => world.person(ADMIN_ROLE)

/** Sets rules of the configuration: `{registration: {noShowLimit: 1}}`. */
export async function configure(
  world: Site,
  parts: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Promise<void> {
  const now = world.clock.now()
  for (const [key, value] of Object.entries(parts)) {
    await sql`INSERT INTO system_config (config_key, scope_type, scope_id, config_value, create_time, update_time)
      VALUES (${key}, 'GLOBAL', 0, ${JSON.stringify(value)}::text::jsonb, ${now}, ${now})
      ON CONFLICT ON CONSTRAINT system_config_key DO UPDATE
        SET config_value = system_config.config_value || excluded.config_value`.execute(world.database.db)
  }
}
