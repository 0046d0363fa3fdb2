import { DomainError, Unavailable } from '../errors.ts'

/** What a broken constraint means to people: made anew for each violation, so that the stack is the caller's. */
export type ConstraintErrors = Readonly<Record<string, () => DomainError>>

const known = new Map<string, () => DomainError>()

/**
 * Says what the violation of a named constraint means. Each product calls it once, at the top level of its `constraints.ts`.
 * Throws when a name is said twice.
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

/** The SQLSTATE of an error of the database, or the system's code (ECONNREFUSED), or ''. */
export function errorCode(error: unknown): string {
  return error instanceof DomainError ? '' : textOf(error, 'code')
}

// unique_violation, foreign_key_violation, check_violation, exclusion_violation
const violations = new Set(['23505', '23503', '23514', '23P01'])

/** The domain error for a violated constraint that has one (`defineConstraints`), else the same error. */
export function mapConstraint(error: unknown): unknown {
  if (!violations.has(errorCode(error))) return error
  return known.get(textOf(error, 'constraint'))?.() ?? error
}

/** The code with which our SQL function `refuse(code)` refused (SQLSTATE YY001), or undefined when the error is another. */
export function refusalCode(error: unknown): string | undefined {
  return errorCode(error) === 'YY001' ? textOf(error, 'message') : undefined
}

const unreachable = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'],
  // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, too_many_connections, idle_in_transaction_session_timeout
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

/** True when the database could not be reached, or the connection was lost: nothing is wrong with the request. */
export function isConnectionFailure(error: unknown): boolean {
  if (error instanceof DomainError) return false
  const code = errorCode(error)
  if (unreachable.has(code) || /^08...$/.test(code)) return true
  // The server's socket file is not there (yet); any other missing file is somebody's mistake.
  if (code === 'ENOENT' && textOf(error, 'syscall') === 'connect') return true
  return code === '' && unreachableMessages.some((start) => textOf(error, 'message').startsWith(start))
}

/** True for what is said of a database that can't be reached, also when somebody took the error apart and put it together again. */
export function isDatabaseAway(error: unknown): boolean {
  return textOf(error, 'code') === 'database_unavailable' || isConnectionFailure(error)
}

/** Whether the database refuses the values (classes 22 and 23, limits 54), so that trying again can't help. */
export function isPermanentRefusal(error: unknown): boolean {
  if (error instanceof DomainError) return !(error instanceof Unavailable)
  return /^(22|23|54)/.test(errorCode(error))
}

/** What callers are told while the database can't be reached. */
export function databaseAway(cause: unknown): Unavailable {
  const message = 'The database cannot be reached. Please try again.'
  return because(cause, new Unavailable('database_unavailable', message, { retryAfter: 5 }))
}

/**
 * What an error of the database means to a caller: a known constraint becomes its domain error; a lost connection, a statement that
 * took too long, waiting in vain for a free connection, and a full disk become Unavailable (the original is its `cause`). Anything else comes back unchanged.
 */
export function mapDatabaseError(error: unknown): unknown {
  if (isConnectionFailure(error)) return databaseAway(error)
  // The message of pg's pool: all its connections are at work.
  if (textOf(error, 'message') === 'timeout exceeded when trying to connect') {
    const message = 'The database has too much to do. Please try again.'
    return because(error, new Unavailable('database_busy', message, { retryAfter: 5 }))
  }
  // disk_full of the database, and of a folder
  if (errorCode(error) === '53100' || errorCode(error) === 'ENOSPC') {
    const message = 'There is no room left for what is to be stored. Please tell whoever runs this system.'
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
