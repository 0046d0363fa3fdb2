import { sql } from 'kysely'
import type { Database, Transaction } from '../../../kernel/database/database.ts'
import { inserted } from '../../../kernel/database/inserted.ts'
import { allOf, contains } from '../../../kernel/database/lists.ts'
import type { PhoneIndexes } from '../../core/phones.ts'
import type { Gender } from '../../core/types.ts'

/** A patient for whom a user may register. */
export interface Relation {
  readonly relationId: number
  readonly patientId: number
  readonly name: string
  readonly identifier: string | null
  /** Encrypted. */
  readonly idCard: string | null
  readonly phone: string | null
  readonly gender: Gender
  readonly birthDate: string | null
  /** The patient has an account of their own: only masked data is shown to others. */
  readonly hasAccount: boolean
  readonly relationType: string
  readonly isDefault: boolean
  readonly remark: string | null
  readonly createTime: Date
}

const relations = (db: Database) =>
  db
    .selectFrom('patient_relation as r')
    .innerJoin('patient as p', 'p.patient_id', 'r.related_patient_id')
    .select(['r.relation_id as relationId', 'p.patient_id as patientId', 'p.name', 'p.identifier'])
    .select(['p.id_card_encrypted as idCard', 'p.phone_encrypted as phone', 'p.gender', 'p.birth_date as birthDate'])
    .select(sql<boolean>`p.user_id IS NOT NULL`.as('hasAccount'))
    .select(['r.relation_type as relationType', 'r.is_default as isDefault', 'r.remark', 'r.create_time as createTime'])
    .where('p.deleted_at', 'is', null)

/** The patients of a user, the default one first. */
export async function listRelations(db: Database, userId: number): Promise<readonly Relation[]> {
  return await relations(db)
    .where('r.user_id', '=', userId)
    .orderBy('r.is_default', 'desc')
    .orderBy('r.relation_id')
    .execute()
}

/** Locks a user against other changes of their patients, until the transaction ends. */
export async function lockUserPatients(tx: Transaction, userId: number): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`clinic.patients ${userId}`}, 0))`.execute(tx)
}

/** The patient with an id card, by its blind index. The patient can't be deleted until the transaction ends. */
export async function patientWithIdCard(
  tx: Transaction,
  index: string,
): Promise<{ readonly patientId: number; readonly name: string } | undefined> {
  return await tx
    .selectFrom('patient')
    .select(['patient_id as patientId', 'name'])
    .where('id_card_index', '=', index)
    .where('deleted_at', 'is', null)
    .forKeyShare()
    .executeTakeFirst()
}

export interface NewPatient {
  readonly name: string
  readonly gender: Gender
  readonly birth_date: string | null
  readonly identifier: string | null
  readonly phone_encrypted: string | null
  readonly phone_index: string | null
  readonly id_card_encrypted: string | null
  readonly id_card_index: string | null
}

export async function insertPatient(tx: Transaction, patient: NewPatient, now: Date): Promise<number> {
  const { patient_id } = await tx
    .insertInto('patient')
    .values({ ...patient, create_time: now })
    .returning('patient_id')
    .executeTakeFirstOrThrow()
  return patient_id
}

export interface RelationContent {
  readonly relation_type: string
  readonly remark: string | null
}

export async function insertRelation(
  tx: Transaction,
  relation: RelationContent & { readonly userId: number; readonly patientId: number; readonly isKeeper: boolean },
  now: Date,
): Promise<number> {
  const { userId, patientId, isKeeper, relation_type, remark } = relation
  const { rows } = await sql<{ id: number }>`
    INSERT INTO patient_relation (user_id, related_patient_id, relation_type, is_keeper, remark, create_time, update_time)
    VALUES (${userId}, ${patientId}, ${relation_type}, ${isKeeper}, ${remark}, ${now}, ${now})
    RETURNING relation_id AS id`.execute(tx)
  return inserted(rows).id
}

/** Changes a relation of a user. Returns false if there is none. */
export async function updateRelation(
  tx: Transaction,
  userId: number,
  patientId: number,
  change: Partial<RelationContent>,
  now: Date,
): Promise<boolean> {
  const row = await tx
    .updateTable('patient_relation')
    .set({ ...change, update_time: now })
    .where('user_id', '=', userId)
    .where('related_patient_id', '=', patientId)
    .returning('relation_id')
    .executeTakeFirst()
  return row !== undefined
}

/** Makes a patient the user's default one; no other is then. Call it with the user's patients locked. */
export async function setDefault(tx: Transaction, userId: number, patientId: number): Promise<void> {
  await sql`UPDATE patient_relation SET is_default = false WHERE user_id = ${userId} AND is_default`.execute(tx)
  await sql`
    UPDATE patient_relation SET is_default = true
    WHERE user_id = ${userId} AND related_patient_id = ${patientId}`.execute(tx)
}

/** Ends a relation of a user. Returns false if there was none. */
export async function deleteRelation(tx: Transaction, userId: number, patientId: number): Promise<boolean> {
  const row = await tx
    .deleteFrom('patient_relation')
    .where('user_id', '=', userId)
    .where('related_patient_id', '=', patientId)
    .returning('relation_id')
    .executeTakeFirst()
  return row !== undefined
}

/** Raises a patient's revision: decisions based on the old relations can no longer be written. */
export async function outdatePatient(tx: Transaction, patientId: number): Promise<void> {
  await sql`UPDATE patient SET revision = revision + 1 WHERE patient_id = ${patientId}`.execute(tx)
}

/** A patient as staff see them. */
export interface ListedPatient {
  readonly patientId: number
  readonly name: string
  readonly gender: Gender
  readonly birthDate: string | null
  readonly identifier: string | null
  readonly idCard: string | null
  readonly phone: string | null
}

export interface PatientFilter {
  readonly patientId?: number | undefined
  /** A part of the name. */
  readonly name?: string | undefined
  readonly exactName?: string | undefined
  readonly phone?: PhoneIndexes | undefined
  readonly limit: number
  readonly offset: number
}

/** Patients by id. */
export async function listPatients(
  db: Database,
  { patientId, name, exactName, phone, limit, offset }: PatientFilter,
): Promise<{ readonly items: readonly ListedPatient[]; readonly total: number }> {
  const conditions = allOf([
    patientId !== undefined && sql`p.patient_id = ${patientId}`,
    name !== undefined && name !== '' && contains(name, sql`p.name`),
    exactName !== undefined && sql`p.name = ${exactName}`,
    phone !== undefined && sql`(u.phone_index = ${phone.account} OR p.phone_index = ${phone.patient})`,
  ])
  const from = sql`patient p LEFT JOIN users u ON u.id = p.user_id WHERE p.deleted_at IS NULL AND ${conditions}`
  const items = await sql<ListedPatient>`
    SELECT
      p.patient_id AS "patientId", p.name, p.gender, p.birth_date AS "birthDate", p.identifier,
      p.id_card_encrypted AS "idCard", coalesce(u.phone_encrypted, p.phone_encrypted) AS phone
    FROM ${from}
    ORDER BY p.patient_id
    LIMIT ${limit} OFFSET ${offset}`.execute(db)
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM ${from}`.execute(db)
  return { items: items.rows, total: rows[0]?.total ?? 0 }
}
