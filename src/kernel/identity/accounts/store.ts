import { type SqlBool, sql } from 'kysely'
import type { Database, Transaction } from '../../database/database.ts'
import '../constraints.ts'
import type { FieldCipher } from '../../secrets/fields.ts'
import { ADMIN } from '../roles.ts'
import { typedName } from './names.ts'
import type { User, UserStatus } from './users.ts'

const rolesColumn = sql<string[]>`ARRAY(SELECT role FROM user_roles WHERE user_id = users.id ORDER BY role)`.as('roles')

const columns = [
  'users.id',
  'users.username',
  'users.email',
  'users.phone_encrypted',
  'users.display_name',
  'users.department',
  'users.status',
  'users.locale',
  'users.avatar_file_id',
  'users.created_at',
  'users.updated_at',
] as const

interface Row {
  readonly id: number
  readonly username: string
  readonly email: string | null
  readonly phone_encrypted: string | null
  readonly display_name: string
  readonly department: string | null
  readonly status: User['status']
  readonly locale: User['locale']
  readonly avatar_file_id: number | null
  readonly created_at: Date
  readonly updated_at: Date
  readonly roles: readonly string[]
}

function userOf(cipher: FieldCipher, row: Row): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    phone: row.phone_encrypted === null ? null : cipher.decrypt(row.phone_encrypted),
    displayName: row.display_name,
    department: row.department,
    status: row.status,
    locale: row.locale,
    avatarFileId: row.avatar_file_id,
    roles: row.roles,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** A person by id; undefined if there is none or they have left. */
export async function findUser(db: Database, cipher: FieldCipher, id: number): Promise<User | undefined> {
  const row = await db
    .selectFrom('users')
    .select(columns)
    .select(rolesColumn)
    .where('id', '=', id)
    .where('status', '<>', 'deleted')
    .executeTakeFirst()
  return row && userOf(cipher, row)
}

/**
 * Like `findUser`, and locks the row against changes until the transaction ends. With `leaves` it also waits for writes
 * that refer to the person, such as a booking; later writes find the person gone.
 */
export async function lockUser(
  tx: Transaction,
  cipher: FieldCipher,
  id: number,
  { leaves = false } = {},
): Promise<User | undefined> {
  const row = await tx
    .selectFrom('users')
    .select(columns)
    .select(rolesColumn)
    .where('id', '=', id)
    .where('status', '<>', 'deleted')
    .$if(leaves, (query) => query.forUpdate())
    .$if(!leaves, (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  return row && userOf(cipher, row)
}

export interface UserFilter {
  /** Part of the username, display name or e-mail address. */
  readonly q?: string | undefined
  readonly role?: string | undefined
  readonly status?: UserStatus | undefined
  readonly department?: string | undefined
}

export interface UserOrder {
  readonly column: 'id' | 'username' | 'display_name' | 'created_at'
  readonly direction: 'asc' | 'desc'
}

/** One page of the people who have not left, and the number of people the filter matches. */
export async function listUsers(
  db: Database,
  cipher: FieldCipher,
  filter: UserFilter,
  order: UserOrder,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ readonly items: User[]; readonly total: number }> {
  const { q, role, status, department } = filter
  const pattern = `%${(q ?? '').replaceAll(/[\\%_]/g, '\\$&')}%`
  const matching = db
    .selectFrom('users')
    .where('status', '<>', 'deleted')
    .$if(status !== undefined, (query) => query.where('status', '=', status ?? 'active'))
    .$if(department !== undefined, (query) => query.where('department', '=', department ?? ''))
    .$if(role !== undefined, (query) =>
      query.where(
        sql<SqlBool>`EXISTS (SELECT FROM user_roles r WHERE r.user_id = users.id AND r.role = ${role ?? ''})`,
      ),
    )
    .$if(q !== undefined, (query) =>
      query.where((where) =>
        where.or([
          where('username', 'ilike', pattern),
          where('display_name', 'ilike', pattern),
          where('email', 'ilike', pattern),
        ]),
      ),
    )
  const rows = await matching
    .select(columns)
    .select(rolesColumn)
    .orderBy(order.column, order.direction)
    .orderBy('id', order.direction)
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  const { total } = await matching.select(sql<number>`count(*)`.as('total')).executeTakeFirstOrThrow()
  return { items: rows.map((row) => userOf(cipher, row)), total }
}

export interface NewUser {
  readonly username: string
  readonly email: string | null
  readonly phone_encrypted: string | null
  readonly phone_index: string | null
  readonly password_hash: string
  readonly display_name: string
}

/** The first of a new person's names that another account has; undefined if all are free. The constraints decide. */
export async function takenName(
  db: Database,
  { username, email, phone_index: phone }: Pick<NewUser, 'username' | 'email' | 'phone_index'>,
): Promise<'username' | 'email' | 'phone' | undefined> {
  const { rows } = await sql<{ taken: 'username' | 'email' | 'phone' }>`
    SELECT 'username' AS taken FROM users WHERE lower(username) = lower(${username}) AND status <> 'deleted'
    UNION ALL
    SELECT 'email' FROM users WHERE lower(email) = lower(${email}) AND status <> 'deleted'
    UNION ALL
    SELECT 'phone' FROM users WHERE phone_index = ${phone} AND status <> 'deleted'`.execute(db)
  return rows[0]?.taken
}

/** Adds a person; answers the id. Throws a constraint's own error if a name is taken. */
export async function insertUser(tx: Transaction, user: NewUser, at: Date): Promise<number> {
  const { id } = await tx
    .insertInto('users')
    .values({ ...user, password_changed_at: at, created_at: at, updated_at: at })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export interface UserChange {
  readonly username?: string
  readonly email?: string | null
  readonly phone_encrypted?: string | null
  readonly phone_index?: string | null
  readonly display_name?: string
  readonly department?: string | null
  readonly status?: UserStatus
  readonly locale?: User['locale']
  readonly avatar_file_id?: number | null
}

export async function updateUser(tx: Transaction, id: number, change: UserChange, at: Date): Promise<void> {
  await tx
    .updateTable('users')
    .set({ ...change, updated_at: at })
    .where('id', '=', id)
    .execute()
}

/** Replaces the password, unless it has changed since `oldHash` was read. Answers whether it did. */
export async function replacePassword(
  tx: Database,
  id: number,
  oldHash: string,
  newHash: string,
  at: Date,
): Promise<boolean> {
  const result = await tx
    .updateTable('users')
    .set({ password_hash: newHash, password_changed_at: at, updated_at: at })
    .where('id', '=', id)
    .where('password_hash', '=', oldHash)
    .where('status', '=', 'active')
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function passwordHashOf(db: Database, id: number): Promise<string | null> {
  const row = await db.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirst()
  return row?.password_hash ?? null
}

/** Whether the date for which a person asked to be deleted has come. */
export async function isLeaving(tx: Transaction, id: number, now: Date): Promise<boolean> {
  const { rows } = await sql`SELECT FROM users WHERE id = ${id} AND leaves_at <= ${now}`.execute(tx)
  return rows.length > 0
}

/**
 * Removes all personal data of a leaving person from what is kept as history: the user row, log-ins (also failed ones
 * under their names), sessions and messages. Deletes their roles and other personal rows, and skips queued deliveries.
 */
export async function scrubUser(tx: Transaction, cipher: FieldCipher, user: User, at: Date): Promise<void> {
  const { id } = user
  const gone = `deleted-${id}`
  const names = [user.username, user.email, user.phone].flatMap((name) =>
    name === null ? [] : typedName(cipher, name).index,
  )
  await tx
    .updateTable('users')
    .set({
      username: gone,
      email: null,
      phone_encrypted: null,
      phone_index: null,
      password_hash: null,
      password_changed_at: null,
      display_name: '已注销用户',
      department: null,
      avatar_file_id: null,
      leaves_at: null,
      status: 'deleted',
      updated_at: at,
      deleted_at: at,
    })
    .where('id', '=', id)
    .execute()
  await tx.deleteFrom('user_roles').where('user_id', '=', id).execute()
  await tx.deleteFrom('user_contacts').where('user_id', '=', id).execute()
  await tx.deleteFrom('user_tags').where('user_id', '=', id).execute()
  await tx.deleteFrom('suppressions').where('user_id', '=', id).execute()
  await tx.deleteFrom('user_identities').where('user_id', '=', id).execute()
  await tx.deleteFrom('sign_in_states').where('user_id', '=', id).execute()
  await tx.deleteFrom('password_resets').where('user_id', '=', id).execute()
  await sql`
    UPDATE files SET in_use = false, touched_at = ${at}
    WHERE owner_id = ${id} AND purpose IN ('avatar', 'data_export', 'export') AND in_use`.execute(tx)
  await sql`UPDATE data_exports SET state = 'expired' WHERE user_id = ${id}`.execute(tx)
  await tx.deleteFrom('export_jobs').where('user_id', '=', id).execute()
  // The consent itself stays as proof; its address does not.
  await tx.updateTable('consents').set({ address: '0.0.0.0' }).where('user_id', '=', id).execute()
  await tx
    .updateTable('login_log')
    .set({ name: gone, name_index: null, address: '0.0.0.0', user_agent: '' })
    .where((where) => where.or([where('user_id', '=', id), where('name_index', 'in', names)]))
    .execute()
  await tx.updateTable('sessions').set({ address: '0.0.0.0', user_agent: '' }).where('user_id', '=', id).execute()
  await sql`
    UPDATE deliveries SET state = 'skipped', reason = 'recipient_left', next_try_at = NULL, updated_at = ${at}
    WHERE state = 'queued' AND message_id IN (SELECT id FROM notification_messages WHERE user_id = ${id})`.execute(tx)
  // Messages to previous addresses of the person.
  await sql`
    UPDATE deliveries
    SET state = CASE state WHEN 'queued' THEN 'skipped' ELSE state END,
      reason = CASE state WHEN 'queued' THEN 'recipient_left' ELSE reason END,
      next_try_at = NULL,
      address_key = NULL,
      address_encrypted = ${cipher.encrypt('')},
      content = '{"subject": "", "body": ""}',
      updated_at = ${at}
    WHERE user_id = ${id} AND message_id IS NULL`.execute(tx)
  await tx
    .updateTable('notification_messages')
    .set({ subject: '', body: '', data: '{}' })
    .where('user_id', '=', id)
    .execute()
}

/** Adds a role, if the person does not have it yet. */
export async function grantRole(
  tx: Transaction,
  userId: number,
  role: string,
  by: number | null,
  at: Date,
): Promise<void> {
  await tx
    .insertInto('user_roles')
    .values({ user_id: userId, role, granted_by: by, granted_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Sets a person's roles. Roles that stay keep when and by whom they were granted. */
export async function replaceRoles(
  tx: Transaction,
  userId: number,
  roles: readonly string[],
  by: number,
  at: Date,
): Promise<void> {
  await sql`DELETE FROM user_roles WHERE user_id = ${userId} AND role <> ALL (${roles}::text[])`.execute(tx)
  for (const role of roles) await grantRole(tx, userId, role, by, at)
}

const ADMINISTRATORS_LOCK = 7_306_003

/** Serialises changes of who is an administrator, until the transaction ends. */
export async function lockAdministrators(tx: Transaction): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${ADMINISTRATORS_LOCK}::int)`.execute(tx)
}

/** Number of active administrators besides `except`. */
export async function countAdministrators(db: Database, except = 0): Promise<number> {
  const { count } = await db
    .selectFrom('user_roles')
    .innerJoin('users', 'users.id', 'user_roles.user_id')
    .where('role', '=', ADMIN)
    .where('status', '=', 'active')
    .where('users.id', '<>', except)
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  return count
}
