import { Conflict, type FieldError, Invalid, NotFound } from '../kernel/errors.ts'

/** A field of a request's body, as a JSON pointer (`/carousel_items/0/title`), and what is wrong with it. */
export function fieldError(path: string, message: string): FieldError {
  return { in: 'body', path, message }
}

/** The refusal of wrong fields (422). */
export function invalidFields(errors: readonly FieldError[]): Invalid {
  return new Invalid('validation', 'The request is not valid.', { errors, status: 422 })
}

/** A field clashes with another row (409), naming the field. */
export function taken(field: string, sentence: string): Conflict {
  return new Conflict(`${field}_taken`, sentence, { errors: [fieldError(`/${field}`, sentence)] })
}

/** There is no such thing (404): `missing('member')`. */
export function missing(what: string): NotFound {
  return new NotFound('not_found', `There is no such ${what}.`)
}
