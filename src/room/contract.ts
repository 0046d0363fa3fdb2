import { type Static, type TSchema, Type } from 'typebox'
import type { DomainError, FieldError } from '../kernel/errors.ts'
import type { Contract } from '../kernel/http/contract.ts'
import { sentenceOf } from './sentences.ts'

// The answers of the room product (seed 约定与通用, 错误码与语义): one envelope, HTTP status 200 in all cases; `code` tells the
// result. Only 429 and 503 keep their HTTP status, because proxies and rate limiters must understand them.

const code = Type.Literal(200)
const msg = Type.String({ examples: ['操作成功'] })

/** The answer of an operation that returns no data. */
export const Done = Type.Object({ code, msg }, { title: 'RoomDone' })

/** The answer with one object. */
export function Data<const S extends TSchema>(data: S) {
  return Type.Object({ code, msg, data })
}

/** The answer of a list: one page and the total number of rows. */
export function Rows<const S extends TSchema>(row: S) {
  return Type.Object({ code, msg, rows: Type.Array(row), total: Type.Integer({ minimum: 0 }) })
}

/** The answer of log-in and registration, with members beside `code` and `msg`. */
export function Extras<const P extends Readonly<Record<string, TSchema>>>(members: P) {
  return Type.Object({ code, msg, ...members })
}

export const done = { code: 200, msg: '操作成功' } as const

export function data<T>(value: T) {
  return { ...done, data: value }
}

/** The answer of a list, each row in the shape that `present` returns. */
export function rowsOf<Row, Shown>(
  { items, total }: { readonly items: readonly Row[]; readonly total: number },
  present: (row: Row) => Shown,
) {
  return { code: 200 as const, msg: '查询成功', rows: items.map(present), total }
}

const Refusal = Type.Object(
  {
    code: Type.Integer({
      minimum: 400,
      maximum: 599,
      description:
        '400 a list can’t be sorted by that, 401 not logged in, 403 not allowed (the permission in `msg` is ' +
        'missing, it belongs to another person, or the password is too old), 404 not found, 405 no such method, 409 ' +
        'its state forbids it, 429 too many requests, 500 refused (`msg` says why, also for a missing or wrong ' +
        'field), 503 not available now.',
    }),
    msg: Type.String({ description: 'For people, in Chinese.' }),
  },
  { title: 'RoomRefusal' },
)

type Refusal = Static<typeof Refusal>

/** Errors that keep their HTTP status. */
const LOUD: readonly number[] = [429, 503]
/** Errors that have a code of their own in the document's list; all others get 500, 业务失败. */
const NAMED: readonly number[] = [401, 403, 404, 405, 409, ...LOUD]

/** The answer to a refused request. */
export function refusalOf(error: DomainError): Refusal {
  return { code: codeOf(error), msg: sentenceOf(error) }
}

/** The code of an error. Sorting a list by an unknown column has a code of its own (page, Rules). */
function codeOf({ code, status, errors = [] }: DomainError): number {
  const order = ({ in: part, path }: FieldError) => part === 'query' && (path === '/orderByColumn' || path === '/isAsc')
  if (code === 'validation' && errors.some(order)) return 400
  return NAMED.includes(status) ? status : 500
}

export const contract: Contract = {
  overlooksUnknownFields: true,
  emptyParametersAreAbsent: true,
  largestIdsAreUnknown: true,
  refusals: { contentType: 'application/json', schema: Refusal, statuses: [200, ...LOUD] },
  refuse: (error, _request, reply) =>
    reply
      .code(LOUD.includes(error.status) ? error.status : 200)
      .type('application/json; charset=utf-8')
      .serializer(JSON.stringify)
      .send(refusalOf(error)),
}
