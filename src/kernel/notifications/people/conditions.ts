import { type RawBuilder, sql } from 'kysely'
import { type Static, type TSchema, Type } from 'typebox'
import Value from 'typebox/value'
import { Invalid } from '../../errors.ts'
import { channels } from '../channels.ts'
import { addressOf } from '../recipients.ts'

/** The facts besides database rows that a condition may use. */
export interface ConditionFacts {
  readonly now: Date
  /** IANA zone of local dates. */
  readonly zone: string
}

/**
 * A kind of condition on people: `{"kind": "role", "in": ["venue:employee"]}`. Products add kinds in their manifests.
 */
export interface AudienceCondition {
  readonly kind: string
  /** For the API reference. */
  readonly about: string
  /** An example, `kind` included. */
  readonly example: Readonly<Record<string, unknown>>
  /** The SQL condition on the row `u` of `users`; undefined when the parameters do not fit the kind. */
  where(parameters: unknown, facts: ConditionFacts): RawBuilder<unknown> | undefined
}

/** Defines a kind of condition by the schema of its parameters. */
export function audienceCondition<S extends TSchema>(definition: {
  readonly kind: string
  readonly about: string
  readonly example: Static<S>
  readonly schema: S
  readonly where: (parameters: Static<S>, facts: ConditionFacts) => RawBuilder<unknown>
}): AudienceCondition {
  const { kind, about, example, schema, where } = definition
  return {
    kind,
    about,
    example: { kind, ...Object.fromEntries(Object.entries(example ?? {})) },
    where: (parameters, facts) => (Value.Check(schema, parameters) ? where(parameters, facts) : undefined),
  }
}

const Names = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 100 })
const closed = { additionalProperties: false }
/** Keys of the channels whose address is in the account. */
const inAccount = channels.delivered.filter(({ address }) => address.account !== undefined).map(({ key }) => key)

/** The kinds of conditions of the kernel. */
export const kernelConditions: readonly AudienceCondition[] = [
  audienceCondition({
    kind: 'everyone',
    about: 'Everybody with an active account.',
    schema: Type.Object({}, closed),
    example: {},
    where: () => sql`true`,
  }),
  audienceCondition({
    kind: 'users',
    about: 'These people, by id.',
    schema: Type.Object(
      {
        ids: Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), {
          minItems: 1,
          maxItems: 10_000,
        }),
      },
      closed,
    ),
    example: { ids: [7, 8] },
    where: ({ ids }) => sql`u.id = ANY (${ids}::bigint[])`,
  }),
  audienceCondition({
    kind: 'role',
    about: 'Holders of one of these roles.',
    schema: Type.Object({ in: Names }, closed),
    example: { in: ['venue:employee'] },
    where: (parameters) =>
      sql`EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = ANY (${parameters.in}::text[]))`,
  }),
  audienceCondition({
    kind: 'tag',
    about: 'People who have one of these tags.',
    schema: Type.Object({ in: Names }, closed),
    example: { in: ['羽毛球队'] },
    where: (parameters) =>
      sql`EXISTS (SELECT FROM user_tags t WHERE t.user_id = u.id AND t.tag = ANY (${parameters.in}::text[]))`,
  }),
  audienceCondition({
    kind: 'department',
    about: 'Members of one of these departments.',
    schema: Type.Object({ in: Names }, closed),
    example: { in: ['研发部'] },
    where: (parameters) => sql`u.department = ANY (${parameters.in}::text[])`,
  }),
  audienceCondition({
    kind: 'locale',
    about: 'Readers of one of these languages.',
    schema: Type.Object({ in: Names }, closed),
    example: { in: ['en'] },
    where: (parameters) => sql`u.locale = ANY (${parameters.in}::text[])`,
  }),
  audienceCondition({
    kind: 'joined',
    about: 'People whose account is at most, or at least, so many days old.',
    schema: Type.Object(
      {
        within_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
        before_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
      },
      closed,
    ),
    example: { within_days: 30 },
    where: ({ within_days: within, before_days: before }, { now }) =>
      sql`(${daysAgo(now, within)}::timestamptz IS NULL OR u.created_at >= ${daysAgo(now, within)})
        AND (${daysAgo(now, before)}::timestamptz IS NULL OR u.created_at < ${daysAgo(now, before)})`,
  }),
  audienceCondition({
    kind: 'reachable',
    about: 'People who have an address for the channel.',
    schema: Type.Object({ channel: Type.Enum(inAccount) }, closed),
    example: { channel: 'email' },
    where: ({ channel }) => sql`${addressOf(channels, sql.lit(channel), sql`u`)} IS NOT NULL`,
  }),
]

function daysAgo(now: Date, days: number | undefined): Date | null {
  return days === undefined ? null : new Date(now.getTime() - days * 86_400_000)
}

const DEEPEST = 8
const MOST_PARTS = 100

/**
 * Compiles a condition of a request to SQL on the row `u` of `users`: `{"all": […]}`, `{"any": […]}`, `{"not": …}` or
 * one of the kinds.
 * @throws Invalid `bad_condition` that names the wrong part
 */
export function compileCondition(
  kinds: readonly AudienceCondition[],
  condition: unknown,
  facts: ConditionFacts,
): RawBuilder<unknown> {
  let parts = 0
  const compile = (value: unknown, path: string, depth: number): RawBuilder<unknown> => {
    parts += 1
    if (parts > MOST_PARTS || depth > DEEPEST) throw wrong(path, `more than ${MOST_PARTS} parts or ${DEEPEST} levels`)
    const members = membersOf(value, path)
    const [name = ''] = Object.keys(members)
    if (name === 'not' && Object.keys(members).length === 1) {
      return sql`NOT coalesce(${compile(members.not, `${path}/not`, depth + 1)}, false)`
    }
    if ((name === 'all' || name === 'any') && Object.keys(members).length === 1) {
      const list: unknown = members[name]
      if (!Array.isArray(list) || list.length === 0) throw wrong(`${path}/${name}`, 'must be a list of conditions')
      const compiled = list.map((part, n) => sql`(${compile(part, `${path}/${name}/${n}`, depth + 1)})`)
      return sql`(${sql.join(compiled, name === 'all' ? sql` AND ` : sql` OR `)})`
    }
    const { kind, ...parameters } = members
    const known = kinds.find((one) => one.kind === kind)
    if (!known)
      throw wrong(path, `has no kind or an unknown one; known kinds: ${kinds.map((one) => one.kind).join(', ')}`)
    const where = known.where(parameters, facts)
    if (!where) throw wrong(path, `does not fit the kind ${known.kind}; an example: ${JSON.stringify(known.example)}`)
    return where
  }
  return compile(condition, '/condition', 1)
}

function membersOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'must be an object')
  return Object.fromEntries(Object.entries(value))
}

function wrong(path: string, message: string): Invalid {
  return new Invalid('bad_condition', `The condition is wrong: ${path} ${message}.`, {
    errors: [{ in: 'body', path, message }],
  })
}
