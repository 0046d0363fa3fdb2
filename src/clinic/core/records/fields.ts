import { Type } from 'typebox'
import { LocalDate, Nullable } from '../../../kernel/http/schemas.ts'
import type { RecordContent } from './rules.ts'

const Input = (maxLength: number) => Type.Optional(Nullable(Type.String({ maxLength })))
const Shown = Nullable(Type.String())

/** The content of a record in requests. */
export const recordInputs = {
  chiefComplaint: Input(1000),
  presentIllness: Input(10_000),
  auxiliaryExam: Input(10_000),
  diagnosis: Input(2000),
  prescription: Input(10_000),
  advice: Input(5000),
  followupDate: Type.Optional(Nullable(LocalDate)),
}

/** The same in answers. */
export const recordFields = {
  chiefComplaint: Shown,
  presentIllness: Shown,
  auxiliaryExam: Shown,
  diagnosis: Shown,
  prescription: Shown,
  advice: Shown,
  followupDate: Nullable(Type.String()),
}

/** The content of a record as members of an answer. */
export function recordMembers(record: RecordContent): RecordContent {
  const { chiefComplaint, presentIllness, auxiliaryExam, diagnosis, prescription, advice, followupDate } = record
  return { chiefComplaint, presentIllness, auxiliaryExam, diagnosis, prescription, advice, followupDate }
}
