import { Type } from 'typebox'
import { Id, Nullable, Text } from '../../../kernel/http/schemas.ts'
import { photoPath } from '../../core/people.ts'
import { priceFields, priceInputs, priceMembers } from '../../core/prices/fields.ts'
import { Moment, moment } from '../../fields.ts'
import type { PricedDoctor } from './service.ts'

const Line = (most: number) => Type.Optional(Nullable(Type.String({ maxLength: most })))

/** The account in a request; empty texts count as absent, because the published client sends them. */
export const accountInputs = {
  identifier: Type.Optional(Nullable(Type.String({ maxLength: 64, description: 'The staff number (工号).' }))),
  password: Type.Optional(Nullable(Type.String({ maxLength: 256 }))),
  email: Type.Optional(Nullable(Type.String({ maxLength: 254 }))),
  phonenumber: Type.Optional(Nullable(Type.String({ maxLength: 40 }))),
}

export const DoctorChange = Type.Object({
  name: Type.Optional(Text(100, { examples: ['张三'] })),
  title: Line(50),
  specialty: Line(1000),
  introduction: Line(5000),
  ...priceInputs,
})

export const DoctorBody = Type.Object({ ...DoctorChange.properties, name: Text(100), dept_id: Id, ...accountInputs })

/** A doctor in the answer of a change. */
export const Doctor = Type.Object({
  doctor_id: Id,
  dept_id: Id,
  name: Type.String(),
  title: Nullable(Type.String()),
  specialty: Nullable(Type.String()),
  introduction: Nullable(Type.String()),
  photo_path: Nullable(Type.String()),
  original_photo_url: Nullable(Type.String()),
  ...priceFields,
})

export const NewDoctor = Type.Object({ ...Doctor.properties, account_provided: Type.Boolean() })

/** A doctor in lists. */
export const ListedDoctor = Type.Object({
  ...Doctor.properties,
  user_id: Nullable(Id),
  is_registered: Type.Boolean(),
  create_time: Moment,
})

/** A doctor on the patient side. */
export const PatientsDoctor = Type.Object({
  ...Doctor.properties,
  department_id: Id,
  department_name: Type.String(),
  is_department_head: Type.Boolean(),
})

export function presentDoctor({ id, deptId, name, title, specialty, introduction, ...doctor }: PricedDoctor) {
  return {
    doctor_id: id,
    dept_id: deptId,
    name,
    title,
    specialty,
    introduction,
    photo_path: photoPath(id, doctor.photoFileId),
    original_photo_url: doctor.originalPhotoUrl,
    ...priceMembers(doctor.prices),
  }
}

export function presentListed(doctor: PricedDoctor, zone: string) {
  return {
    ...presentDoctor(doctor),
    user_id: doctor.userId,
    is_registered: doctor.isRegistered,
    create_time: moment(doctor.createTime, zone),
  }
}

export function presentForPatients(doctor: PricedDoctor) {
  return {
    ...presentDoctor(doctor),
    department_id: doctor.deptId,
    department_name: doctor.deptName,
    is_department_head: doctor.isHead,
  }
}
