import { Type } from 'typebox'
import { Id, LocalDate, Nullable, Text } from '../../../kernel/http/schemas.ts'
import { Answer } from '../../contract.ts'
import { GENDERS, PATIENT_TYPES } from '../../core/types.ts'
import type { ShownUser } from './service.ts'

const Name = Type.Optional(Nullable(Type.String({ maxLength: 254 })))

/** The name in a log-in: one of the three fields. */
export const LogInBody = Type.Object({
  username: Name,
  identifier: Name,
  phonenumber: Name,
  password: Type.String({ minLength: 1, maxLength: 256 }),
})

/** The answer of a log-in: an object, or the token alone with CLINIC_LOGIN_REPLY=token. */
export const LoggedIn = Answer(
  Type.Union([
    Type.Object({ userid: Id, access_token: Type.String(), token_type: Type.Literal('Bearer') }),
    Type.String({ description: 'With CLINIC_LOGIN_REPLY=token.' }),
  ]),
)

export const Gender = Type.Enum([...GENDERS])

export const RegisterBody = Type.Object({
  username: Type.Optional(Text(64, { examples: ['testuser'] })),
  phonenumber: Type.Optional(Type.String({ maxLength: 40, examples: ['13800000000'] })),
  email: Type.Optional(Type.String({ format: 'email', maxLength: 254 })),
  password: Type.String({ minLength: 1, maxLength: 256 }),
  name: Type.Optional(Text(64)),
  gender: Type.Optional(Gender),
  birth_date: Type.Optional(LocalDate),
})

/** A user in answers (seed 3). Texts are empty where there is nothing. */
export const UserRow = Type.Object({
  username: Type.String(),
  email: Type.String(),
  phonenumber: Type.String(),
  userid: Id,
  is_admin: Type.Boolean(),
})

export function presentUser({ id, username, email, phone, isAdministrator }: ShownUser) {
  return { username, email: email ?? '', phonenumber: phone ?? '', userid: id, is_admin: isAdministrator }
}

/** The own patient record in `user-info`. */
export const PatientInfo = Type.Object({
  id: Id,
  identifier: Nullable(Type.String()),
  phonenumber: Nullable(Type.String()),
  realName: Type.String(),
  idCard: Nullable(Type.String()),
  email: Nullable(Type.String()),
  gender: Gender,
  birthDate: Nullable(Type.String()),
  patientType: Type.Enum([...PATIENT_TYPES]),
  avatar: Nullable(Type.String()),
  verified: Type.Boolean(),
  createdAt: Type.String(),
  updatedAt: Type.String(),
  maskedInfo: Type.Object({ phone: Nullable(Type.String()), idCard: Nullable(Type.String()) }),
  age: Nullable(Type.Integer()),
})

export const DoctorInfo = Type.Object({
  id: Id,
  name: Type.String(),
  department: Type.String(),
  department_id: Id,
  hospital: Type.String(),
  title: Nullable(Type.String()),
  is_department_head: Type.Enum(['True', 'False']),
  photo_mime: Nullable(Type.String()),
  photo_base64: Nullable(Type.String()),
})
