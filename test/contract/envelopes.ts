/** An answer, not yet checked. */
export interface RawAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** What the tests of this folder need to know about the answers and requests of a product. */
export interface Envelope {
  /** Unknown members of a body are overlooked; without this they are refused. */
  readonly overlooksUnknown: boolean
  /** An empty parameter, and an empty text for an optional member that is no text, are read as absent. */
  readonly emptyIsAbsent: boolean
  /** Ids of any size are accepted; those that are too large are not found. */
  readonly largestIdsAreUnknown: boolean
  /** All errors in a request have one status, so that 404, 413 and others can't be told apart. */
  readonly hasOneRefusal: boolean
  /** A refusal for a missing permission names it. */
  readonly namesPermissions: boolean
  /** Prefixes of all paths, for clients that were built with one. */
  readonly prefixes: readonly string[]
  /** The status that an answer claims, in the words of the product. */
  codeOf(answer: RawAnswer): number
  /** The status of an answer in HTTP terms. */
  statusOf(answer: RawAnswer): number
  /** True if an answer without a token is refused as the product says. */
  isUnauthenticated(answer: RawAnswer): boolean
  /** True if an answer has the form that the product promises. */
  isSound(answer: RawAnswer): boolean
}

const isJson = ({ headers }: RawAnswer) => String(headers['content-type']).startsWith('application/json')
const isChinese = (text: unknown) => typeof text === 'string' && /[\u4e00-\u9fff]/.test(text)

/** The kernel, site, support and venue: HTTP statuses and problem documents. */
const problems: Envelope = {
  overlooksUnknown: false,
  emptyIsAbsent: false,
  largestIdsAreUnknown: false,
  hasOneRefusal: false,
  namesPermissions: false,
  prefixes: [''],
  codeOf: ({ statusCode }) => statusCode,
  statusOf: ({ statusCode }) => statusCode,
  isUnauthenticated: ({ statusCode, body }) => statusCode === 401 && JSON.parse(body).code === 'unauthenticated',
  isSound: (answer) => answer.statusCode < 400 || isProblem(answer),
}

const roomCode = (answer: RawAnswer) =>
  answer.statusCode === 200 && isJson(answer) ? Number(JSON.parse(answer.body).code) : answer.statusCode

/** Room: HTTP 200 with the status as `code`; 500 is a refusal by a business rule. */
const room: Envelope = {
  overlooksUnknown: true,
  emptyIsAbsent: true,
  largestIdsAreUnknown: true,
  hasOneRefusal: true,
  namesPermissions: true,
  prefixes: ['', '/prod-api'],
  codeOf: roomCode,
  statusOf: (answer) => (roomCode(answer) === 500 ? 400 : roomCode(answer)),
  isUnauthenticated: (answer) => roomCode(answer) === 401,
  isSound: isRoomEnvelope,
}

/** Clinic: HTTP 200 with a `code` of its own for refusals; HTTP statuses for tokens and rights. */
const clinic: Envelope = {
  overlooksUnknown: true,
  emptyIsAbsent: false,
  largestIdsAreUnknown: true,
  hasOneRefusal: true,
  namesPermissions: false,
  prefixes: [''],
  codeOf: clinicStatus,
  statusOf: clinicStatus,
  isUnauthenticated: ({ statusCode, body }) => statusCode === 401 && JSON.parse(body).code === 105,
  isSound: isClinicEnvelope,
}

const ENVELOPES: Readonly<Record<string, Envelope>> = { room, clinic }

/** The envelope of an operation's product. */
export function envelopeOf({ product = '' }: { readonly product?: string | undefined }): Envelope {
  return ENVELOPES[product] ?? problems
}

/** Statuses in HTTP terms for codes of the clinic that have one; every other refusal is 400. */
const CLINIC_STATUSES: Readonly<Record<number, number>> = { 0: 200, 102: 403, 103: 404, 105: 401, 106: 404 }

function clinicStatus(answer: RawAnswer): number {
  if (answer.statusCode !== 200 || !isJson(answer)) return answer.statusCode
  const body: unknown = JSON.parse(answer.body)
  // The log-in form of the API reference answers without the envelope.
  if (typeof body !== 'object' || body === null || !('code' in body)) return 200
  return CLINIC_STATUSES[Number(body.code)] ?? 400
}

/**
 * Checks an answer of the clinic: unless it is a file, it has a code and a message; a refusal has a title and a Chinese
 * sentence and nothing else. 401 means 105, and 403 means 102.
 */
function isClinicEnvelope(answer: RawAnswer): boolean {
  const { statusCode: status, body } = answer
  if (!isJson(answer)) return status < 400
  const { code, message, ...more } = JSON.parse(body)
  if (status === 200 && code === undefined && message === undefined) return 'access_token' in more
  if (!Number.isInteger(code) || Object.keys(more).length > 0) return false
  if (code === 0) return status === 200 && message !== undefined
  const { error, msg, detail, ...others } = message
  const isWhole = isChinese(error) && isChinese(code === 97 || code === 98 ? detail : msg)
  const agrees = (status !== 401 || code === 105) && (code !== 105 || status === 401)
  return isWhole && agrees && Object.keys(others).length === 0
}

function isProblem({ statusCode: status, headers, body }: RawAnswer): boolean {
  if (!String(headers['content-type']).startsWith('application/problem+json')) return false
  const problem = JSON.parse(body)
  const isText = (value: unknown) => typeof value === 'string' && value !== ''
  return (
    problem.type === 'about:blank' &&
    problem.status === status &&
    isText(problem.title) &&
    isText(problem.detail) &&
    isText(problem.code) &&
    /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(problem.code) &&
    problem.request_id === headers['x-request-id']
  )
}

/**
 * Checks an answer of the room product: unless it is a file, it has a code and a sentence; a refusal has nothing else,
 * and its sentence is Chinese. 429 is also the HTTP status, for proxies in front.
 */
function isRoomEnvelope(answer: RawAnswer): boolean {
  const { statusCode } = answer
  if (statusCode !== 200 && statusCode !== 429) return statusCode === 304
  if (!isJson(answer)) return true
  const { code, msg, ...more } = JSON.parse(answer.body)
  const isWhole =
    Number.isInteger(code) && (code === 429) === (statusCode === 429) && typeof msg === 'string' && msg !== ''
  return isWhole && (code === 200 || (isChinese(msg) && Object.keys(more).length === 0))
}
