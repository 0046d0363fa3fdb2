import { sql } from 'kysely'
import type { Database } from '../database/database.ts'
import type { Reader } from '../database/reader.ts'
import { findUser } from '../identity/accounts/store.ts'
import type { FieldCipher } from '../secrets/fields.ts'

/** One kind of record about a person: a file of their copy. */
export interface PersonalRecords {
  /** Name of the file: `reservations`. */
  readonly name: string
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

/** A part's records about a person beyond the tables with a `user_id`. */
export interface RecordsOfPart {
  readonly part: string
  find(reader: Reader, userId: number): Promise<readonly PersonalRecords[]>
}

/** Tables left out: `users` is presented as the account; the others hold short-lived secrets or internal data. */
const leftOut = ['users', 'password_resets', 'sign_in_states', 'idempotency_keys', 'data_exports']
/** Columns with secrets. */
const secretColumn = /secret|hash|token|salt|password|_index$/
const encryptedColumn = /_encrypted$/

interface Added {
  readonly personalRecords: readonly RecordsOfPart[]
}

/**
 * All data about a person, kind by kind: the account, every table with a `user_id` column (also of products and future
 * tables), the person's entries in the operation log, files, and the records that the parts add.
 */
export async function* recordsOf(kernel: Reader & Added, userId: number): AsyncGenerator<PersonalRecords> {
  yield { name: 'account', rows: await accountOf(kernel.reads, kernel.secrets.cipher, userId) }
  for (const table of await personalTables(kernel.reads)) {
    yield { name: table, rows: await rowsOf(kernel.reads, kernel.secrets.cipher, table, userId) }
  }
  yield { name: 'operation_log', rows: await operationsOf(kernel.reads, userId) }
  yield { name: 'files', rows: await filesOf(kernel.reads, userId) }
  for (const { part, find } of kernel.personalRecords) {
    for (const one of await find(kernel, userId)) yield { ...one, name: `${part}_${one.name}` }
  }
}

async function accountOf(db: Database, cipher: FieldCipher, userId: number): Promise<PersonalRecords['rows']> {
  const user = await findUser(db, cipher, userId)
  if (!user) return []
  const { rows } = await sql<{ password_changed_at: Date | null; leaves_at: Date | null }>`
    SELECT password_changed_at, leaves_at FROM users WHERE id = ${userId}`.execute(db)
  return [{ ...user, ...rows[0] }]
}

/** Tables with a `user_id`, from the database catalogue, so that no table is forgotten. */
async function personalTables(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attname = 'user_id' AND NOT a.attisdropped AND c.relname <> ALL (${leftOut}::text[])
    ORDER BY 1`.execute(db)
  return rows.map(({ name }) => name)
}

async function rowsOf(
  db: Database,
  cipher: FieldCipher,
  table: string,
  userId: number,
): Promise<PersonalRecords['rows']> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT to_jsonb(t) AS row FROM ${sql.table(table)} t WHERE t.user_id = ${userId} ORDER BY 1`.execute(db)
  return rows.map(({ row }) =>
    Object.fromEntries(
      Object.entries(row ?? {}).flatMap(([name, value]) =>
        secretColumn.test(name) ? [] : [legible(cipher, name, value)],
      ),
    ),
  )
}

/** Decrypts encrypted columns, because the person may read their own data. */
function legible(cipher: FieldCipher, name: string, value: unknown): readonly [string, unknown] {
  if (!encryptedColumn.test(name)) return [name, value]
  return [name.replace(encryptedColumn, ''), typeof value === 'string' ? cipher.decrypt(value) : null]
}

async function operationsOf(db: Database, userId: number): Promise<PersonalRecords['rows']> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT at, action, resource, resource_id, changes, CASE WHEN actor_id = ${userId} THEN address END AS address
    FROM operation_log
    WHERE actor_id = ${userId} OR resource = 'user' AND resource_id = ${String(userId)}
    ORDER BY id`.execute(db)
  return rows
}

async function filesOf(db: Database, userId: number): Promise<PersonalRecords['rows']> {
  const { rows } = await sql<Readonly<Record<string, unknown>>>`
    SELECT id, purpose, name, content_type, bytes, created_at FROM files
    WHERE owner_id = ${userId} AND in_use AND purpose NOT IN ('data_export', 'export')
    ORDER BY id`.execute(db)
  return rows
}
