import { type Static, type TSchema, Type } from 'typebox'
import Value from 'typebox/value'
import type { FieldError } from '../../../kernel/errors.ts'
import { isLocalDate } from '../../../kernel/http/request/formats.ts'
import { fieldError, invalidFields } from '../../refusals.ts'

// Stored conditions on members: `{"all": […]}`, `{"any": […]}`, `{"not": …}` and leaves with a `kind`. Segments and the
// audiences of campaigns use them. conditionsStore.ts turns them into SQL.

/** Levels of a condition, the leaves included. */
const DEEPEST = 9
/** Leaves of a condition, and its parts of all kinds. */
const MOST_LEAVES = 100
const MOST_PARTS = 200
const MOST_DAYS = 36_500

const closed = { additionalProperties: false } as const
const Ids = Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), { minItems: 1, maxItems: 100 })
const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })
const Days = Type.Integer({ minimum: 0, maximum: MOST_DAYS })
const Words = Type.String({ minLength: 1, maxLength: 100 })

/** When something happened. Each member narrows it; a thing that never happened is only `not_in_last_days`. */
const when = {
  /** Before this local day began. */
  before: Type.Optional(Day),
  /** After this local day ended. */
  after: Type.Optional(Day),
  /** On one of this many local days before today, or today. */
  in_last_days: Type.Optional(Days),
  /** Never, or earlier than that. */
  not_in_last_days: Type.Optional(Days),
}
const When = Type.Object(when, { ...closed, minProperties: 1 })
export type When = Static<typeof When>

/** Both ends are included. */
const Amounts = Type.Object(
  {
    from: Type.Optional(Type.Number({ minimum: -1e12, maximum: 1e12 })),
    to: Type.Optional(Type.Number({ minimum: -1e12, maximum: 1e12 })),
  },
  { ...closed, minProperties: 1 },
)
const Counts = Type.Object(
  {
    from: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e9 })),
    to: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e9 })),
  },
  { ...closed, minProperties: 1 },
)
/** Local days, both ends included. */
const Period = Type.Object(
  { from: Type.Optional(Day), to: Type.Optional(Day), in_last_days: Type.Optional(Days) },
  { ...closed, minProperties: 1 },
)
export type Period = Static<typeof Period>

const oneOf = <const Word extends string>(...words: Word[]) => Type.Unsafe<Word>({ type: 'string', enum: words })
const listOf = <const Word extends string>(...words: Word[]) =>
  Type.Array(oneOf(...words), { minItems: 1, maxItems: 100 })
const atLeastOne = { ...closed, minProperties: 2 } as const

const Tags = Type.Object(
  {
    kind: Type.Literal('tags'),
    any: Type.Optional(Ids),
    all: Type.Optional(Ids),
    none: Type.Optional(Ids),
  },
  atLeastOne,
)
const Source = Type.Object({ kind: Type.Literal('source'), in: listOf('line', 'crm', 'system') }, closed)
const Gender = Type.Object({ kind: Type.Literal('gender'), in: listOf('male', 'female', 'other', 'unknown') }, closed)
const AcceptMarketing = Type.Object({ kind: Type.Literal('accept_marketing'), is: Type.Boolean() }, closed)
const Line = Type.Object(
  { kind: Type.Literal('line'), is: oneOf('linked', 'not_linked', 'following', 'unfollowed') },
  closed,
)
const Moment = Type.Object({ kind: oneOf('created_at', 'followed_at', 'last_interaction_at'), ...when }, atLeastOne)
const Birthday = Type.Object(
  {
    kind: Type.Literal('birthday'),
    months: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 12 }), { minItems: 1, maxItems: 12, uniqueItems: true }),
    ),
    in_next_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 366 })),
  },
  atLeastOne,
)
const years = Type.Integer({ minimum: 0, maximum: 150 })
const Age = Type.Object({ kind: Type.Literal('age'), from: Type.Optional(years), to: Type.Optional(years) }, atLeastOne)
const Consumption = Type.Object(
  {
    kind: Type.Literal('consumption'),
    /** The sum of the records' amounts. */
    amount: Type.Optional(Amounts),
    orders: Type.Optional(Counts),
    /** The latest check-out that is not after today. */
    last_check_out: Type.Optional(When),
    /** Only records of these days count: a record's day is its check-out, else its check-in, else when it was written. */
    period: Type.Optional(Period),
  },
  atLeastOne,
)
export type Consumption = Static<typeof Consumption>
const Campaign = Type.Object(
  {
    kind: Type.Literal('campaign'),
    id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    did: oneOf('receive', 'open', 'click'),
  },
  closed,
)
const Has = Type.Object(
  { kind: Type.Literal('has'), what: oneOf('email', 'phone', 'name', 'birthday', 'id_number') },
  closed,
)
const Contains = Type.Object({ kind: oneOf('name', 'email'), contains: Words }, closed)

export type Leaf =
  | Static<typeof Tags>
  | Static<typeof Source>
  | Static<typeof Gender>
  | Static<typeof AcceptMarketing>
  | Static<typeof Line>
  | Static<typeof Moment>
  | Static<typeof Birthday>
  | Static<typeof Age>
  | Consumption
  | Static<typeof Campaign>
  | Static<typeof Has>
  | Static<typeof Contains>

/** A condition on members. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | Leaf

const leaves: ReadonlyMap<string, TSchema> = new Map<string, TSchema>([
  ['tags', Tags],
  ['source', Source],
  ['gender', Gender],
  ['accept_marketing', AcceptMarketing],
  ['line', Line],
  ['created_at', Moment],
  ['followed_at', Moment],
  ['last_interaction_at', Moment],
  ['birthday', Birthday],
  ['age', Age],
  ['consumption', Consumption],
  ['campaign', Campaign],
  ['has', Has],
  ['name', Contains],
  ['email', Contains],
])

/** An example of each kind of leaf, for the reference and for refusals. */
export const LEAF_EXAMPLES: readonly Leaf[] = [
  { kind: 'tags', any: [1, 2], none: [5] },
  { kind: 'source', in: ['line'] },
  { kind: 'gender', in: ['female', 'unknown'] },
  { kind: 'accept_marketing', is: true },
  { kind: 'line', is: 'following' },
  { kind: 'created_at', after: '2025-12-31' },
  { kind: 'followed_at', in_last_days: 30 },
  { kind: 'last_interaction_at', not_in_last_days: 90 },
  { kind: 'birthday', months: [5], in_next_days: 14 },
  { kind: 'age', from: 25, to: 40 },
  {
    kind: 'consumption',
    amount: { from: 10_000 },
    orders: { from: 2 },
    last_check_out: { in_last_days: 180 },
    period: { in_last_days: 365 },
  },
  { kind: 'campaign', id: 1, did: 'click' },
  { kind: 'has', what: 'email' },
  { kind: 'name', contains: '王' },
  { kind: 'email', contains: '@example.com' },
]

/**
 * The schema of a condition in a request or an answer. The parts are checked by `readCondition`: a recursive schema
 * could not limit the depth, and its errors would not name the wrong part.
 */
export const ConditionSchema = Type.Record(Type.String({ maxLength: 100 }), Type.Unknown(), {
  description:
    '`{"all": […]}`, `{"any": […]}`, `{"not": …}`, or a leaf. ' +
    `At most ${DEEPEST} levels and ${MOST_LEAVES} leaves. The kinds of leaves, by example: ` +
    LEAF_EXAMPLES.map((example) => `\`${JSON.stringify(example)}\``).join(', '),
  maxProperties: 10,
  examples: [{ all: [{ kind: 'tags', any: [1, 2] }, { not: { kind: 'last_interaction_at', in_last_days: 30 } }] }],
})

/**
 * Reads a condition of a request.
 * @param path the JSON pointer of the condition in the body
 * @throws Invalid `validation` (422) that names every wrong part
 */
export function readCondition(value: unknown, path = '/condition'): Condition {
  const reader = new ConditionReader()
  const condition = reader.read(value, path, 1)
  if (condition === undefined || reader.errors.length > 0) throw invalidFields(reader.errors)
  return condition
}

const MOST_ERRORS = 20

class ConditionReader {
  readonly errors: FieldError[] = []
  private parts = 0
  private leaves = 0

  read(value: unknown, path: string, level: number): Condition | undefined {
    this.parts += 1
    if (this.parts > MOST_PARTS) return this.refuse(path, `is one of more than ${MOST_PARTS} parts`)
    if (level > DEEPEST) return this.refuse(path, `is nested in more than ${DEEPEST} levels`)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.refuse(path, 'must be an object')
    const members = new Map<string, unknown>(Object.entries(value))
    const [name = ''] = members.keys()
    const only = members.size === 1
    if (only && name === 'not') {
      const not = this.read(members.get('not'), `${path}/not`, level + 1)
      return not && { not }
    }
    if (only && (name === 'all' || name === 'any')) {
      const parts = this.readList(members.get(name), `${path}/${name}`, level + 1)
      return parts && (name === 'all' ? { all: parts } : { any: parts })
    }
    return this.readLeaf(value, members.get('kind'), path)
  }

  private readList(value: unknown, path: string, level: number): readonly Condition[] | undefined {
    if (!Array.isArray(value) || value.length === 0 || value.length > 100)
      return this.refuse(path, 'must be a list of 1 to 100 conditions')
    return value.flatMap((part: unknown, n) => this.read(part, `${path}/${n}`, level) ?? [])
  }

  private readLeaf(value: object, kind: unknown, path: string): Leaf | undefined {
    this.leaves += 1
    if (this.leaves > MOST_LEAVES) return this.refuse(path, `is one of more than ${MOST_LEAVES} leaves`)
    const schema = typeof kind === 'string' ? leaves.get(kind) : undefined
    if (!schema)
      return this.refuse(
        `${path}/kind`,
        `must be one of ${[...leaves.keys()].join(', ')}, or the condition all, any or not`,
      )
    if (!isLeaf(schema, value)) {
      for (const { instancePath, message, keyword } of Value.Errors(schema, value).slice(0, 5))
        if (keyword !== 'boolean') this.refuse(`${path}${instancePath}`, message)
      return undefined
    }
    for (const { at, message } of faultsOf(value)) this.refuse(`${path}${at}`, message)
    return value
  }

  private refuse(path: string, message: string): undefined {
    if (this.errors.length < MOST_ERRORS) this.errors.push(fieldError(path, message))
    return undefined
  }
}

function isLeaf(schema: TSchema, value: unknown): value is Leaf {
  return Value.Check(schema, value)
}

interface Fault {
  readonly at: string
  readonly message: string
}

/** Faults of a leaf that a schema can't state: days that don't exist, and ranges that end before they start. */
function faultsOf(leaf: Leaf): Fault[] {
  switch (leaf.kind) {
    case 'created_at':
    case 'followed_at':
    case 'last_interaction_at':
      return whenFaults(leaf, '')
    case 'age':
      return rangeFaults(leaf, '')
    case 'consumption':
      return [
        ...rangeFaults(leaf.amount ?? {}, '/amount'),
        ...rangeFaults(leaf.orders ?? {}, '/orders'),
        ...whenFaults(leaf.last_check_out ?? {}, '/last_check_out'),
        ...dayFaults(leaf.period?.from, '/period/from'),
        ...dayFaults(leaf.period?.to, '/period/to'),
        ...rangeFaults({ from: leaf.period?.from, to: leaf.period?.to }, '/period'),
        ...(leaf.amount || leaf.orders || leaf.last_check_out
          ? []
          : [{ at: '', message: 'must have amount, orders or last_check_out' }]),
      ]
    case 'name':
    case 'email':
      return plainText(leaf.contains) === '' ? [{ at: '/contains', message: 'must have a letter or digit' }] : []
    default:
      return []
  }
}

function whenFaults({ before, after }: When, at: string): Fault[] {
  return [...dayFaults(before, `${at}/before`), ...dayFaults(after, `${at}/after`)]
}

function dayFaults(day: string | undefined, at: string): Fault[] {
  return day === undefined || isLocalDate(day) ? [] : [{ at, message: 'must be an existing day, YYYY-MM-DD' }]
}

function rangeFaults<Value extends number | string>(
  { from, to }: { readonly from?: Value | undefined; readonly to?: Value | undefined },
  at: string,
): Fault[] {
  return from !== undefined && to !== undefined && from > to
    ? [{ at: `${at}/to`, message: 'must not be below from' }]
    : []
}

/** The text without spaces and marks, like `crm_plain` of the schema. */
export function plainText(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\s·・．.,，_'"()（）-]+/gu, '')
    .toLowerCase()
}
