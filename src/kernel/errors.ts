/** An invalid field of a request. `path` is a JSON pointer into the part named by `in`. */
export interface FieldError {
  readonly in: 'body' | 'query' | 'params' | 'headers'
  readonly path: string
  readonly message: string
}

interface Details {
  /** Field errors of an Invalid, shown as `errors` in a problem document. */
  readonly errors?: readonly FieldError[]
  /** Seconds after which a TooMany or Unavailable may be tried again; becomes the Retry-After header. */
  readonly retryAfter?: number
  /**
   * Further members of the answer: facts that help the caller to act (the current state, when it will be possible).
   * Never a secret.
   */
  readonly facts?: Readonly<Record<string, unknown>>
}

/**
 * The closed family of errors that services throw. Each product's `contract.ts` turns them into answers. `code` is
 * stable, for clients to act on; `message` is for people. Any other error becomes a 500 with the request id and nothing
 * more.
 */
export abstract class DomainError extends Error {
  abstract readonly status: number
  readonly code: string
  readonly errors: readonly FieldError[] | undefined
  readonly retryAfter: number | undefined
  readonly facts: Readonly<Record<string, unknown>> | undefined

  constructor(code: string, message: string, details: Details = {}) {
    super(message)
    this.name = new.target.name
    this.code = code
    this.errors = details.errors
    this.retryAfter = details.retryAfter
    this.facts = details.facts
  }
}

/** The request itself is wrong: 400 unless another 4xx fits better (413, 415, 422). */
export class Invalid extends DomainError {
  readonly status: number
  constructor(code: string, message: string, details: Details & { readonly status?: number } = {}) {
    super(code, message, details)
    this.status = details.status ?? 400
  }
}

/** Nobody is signed in, or the token is not valid: 401. */
export class Unauthenticated extends DomainError {
  readonly status = 401
}

/** Signed in, but not allowed: 403. */
export class Forbidden extends DomainError {
  readonly status = 403
}

/** There is no such thing, or it belongs to somebody else: 404. */
export class NotFound extends DomainError {
  readonly status = 404
}

/** Not possible in the current state: 409. */
export class Conflict extends DomainError {
  readonly status = 409
}

/** Too many requests: 429. */
export class TooMany extends DomainError {
  readonly status = 429
}

/** A required service cannot be reached: 503. */
export class Unavailable extends DomainError {
  readonly status = 503
}
