import { DomainError, Unavailable } from '../errors.ts'

/**
 * The domain errors of violated constraints, by name. Each violation makes a new error, so that the stack is the
 * caller's.
 */
export type ConstraintErrors = Readonly<Record<string, () => DomainError>>

const known = new Map<string, () => DomainError>()

/**
 * Registers the domain errors of named constraints. Each product calls it at the top level of its modules.
 * @throws Error when a name is registered twice
 */
export function defineConstraints(errors: ConstraintErrors): void {
  for (const [name, make] of Object.entries(errors)) {
    if (known.has(name)) throw new Error(`the constraint ${name} already has an error`)
    known.set(name, make)
  }
}

function textOf(error: unknown, field: 'code' | 'constraint' | 'message' | 'syscall'): string {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined
  return typeof value === 'string' ? value : ''
}

/** The SQLSTATE of a database error, or the system's code (ECONNREFUSED), or ''. */
export function errorCode(error: unknown): string {
  return error instanceof DomainError ? '' : textOf(error, 'code')
}

// unique_violation, foreign_key_violation, check_violation, exclusion_violation
const violations = new Set(['23505', '23503', '23514', '23P01'])

/** The domain error of a violated constraint (see `defineConstraints`); other errors are returned unchanged. */
export function mapConstraint(error: unknown): unknown {
  if (!violations.has(errorCode(error))) return error
  return known.get(textOf(error, 'constraint'))?.() ?? error
}

/** The code of an error of our SQL function `refuse(code)` (SQLSTATE YY001); undefined for other errors. */
export function refusalCode(error: unknown): string | undefined {
  return errorCode(error) === 'YY001' ? textOf(error, 'message') : undefined
}

const unreachable = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'],
  // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, too_many_connections,
  // idle_in_transaction_session_timeout
  ...['57P01', '57P02', '57P03', '57P04', '53300', '25P03'],
])

// pg's own errors have no code.
const unreachableMessages = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed and is not queryable',
  'Query read timeout',
  'timeout expired',
  'Cannot use a pool after calling end on the pool',
  'PGlite is clos',
]

/** Whether the database could not be reached or the connection was lost, so that nothing is wrong with the request. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof DomainError) return false
  const code = errorCode(error)
  if (unreachable.has(code) || /^08...$/.test(code)) return true
  // The socket file of the server is missing. Any other missing file is a mistake.
  if (code === 'ENOENT' && textOf(error, 'syscall') === 'connect') return true
  return code === '' && unreachableMessages.some((start) => textOf(error, 'message').startsWith(start))
}

/**
 * Whether an error means that the database can't be reached; recognised by its code, so also in a copy of the error.
 */
export function isDatabaseAway(error: unknown): boolean {
  return textOf(error, 'code') === 'database_unavailable' || isConnectionFailure(error)
}

/** Whether the database refuses the values (SQLSTATE classes 22, 23 and 54), so that trying again can't help. */
export function isPermanentRefusal(error: unknown): boolean {
  if (error instanceof DomainError) return !(error instanceof Unavailable)
  return /^(22|23|54)/.test(errorCode(error))
}

/** The error for callers while the database can't be reached. */
export function databaseAway(cause: unknown): Unavailable {
  const message = 'The database cannot be reached. Please try again.'
  return because(cause, new Unavailable('database_unavailable', message, { retryAfter: 5 }))
}

/**
 * Maps a database error for callers. A registered constraint becomes its domain error. A lost connection, a statement
 * time-out, a busy pool and a full disk become Unavailable (with the original as `cause`): `database_unavailable` |
 * `database_timeout` | `database_busy` | `storage_full`. Other errors are returned unchanged.
 */
export function mapDatabaseError(error: unknown): unknown {
  if (isConnectionFailure(error)) return databaseAway(error)
  // The message of pg's pool when all its connections are in use.
  if (textOf(error, 'message') === 'timeout exceeded when trying to connect') {
    const message = 'The database has too much to do. Please try again.'
    return because(error, new Unavailable('database_busy', message, { retryAfter: 5 }))
  }
  // disk_full, of the database or of a folder
  if (errorCode(error) === '53100' || errorCode(error) === 'ENOSPC') {
    const message = 'The storage is full. Please tell the administrator of this system.'
    return because(error, new Unavailable('storage_full', message, { retryAfter: 60 }))
  }
  if (errorCode(error) === '57014') {
    return because(
      error,
      new Unavailable('database_timeout', 'The database took too long to answer. Please try again.', { retryAfter: 5 }),
    )
  }
  return mapConstraint(error)
}

function because<E extends Error>(cause: unknown, error: E): E {
  error.cause = cause
  return error
}
