import { isSchema, type JsonSchema } from '../../src/kernel/http/request/strictSchema.ts'

/** A request body as it is sent, and its error. */
export interface Attempt {
  readonly what: string
  readonly headers?: Readonly<Record<string, string>>
  readonly payload: string | Buffer
  /** The expected status; `refused` for any refusal, `decent` where the input may be valid. */
  readonly expected: 'refused' | 'decent' | number
}

const long = 'x'.repeat(100_000)

/** Values to put into a field instead of valid ones. */
export const wrongValues: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['a text', 'text'],
  ['7', 7],
  ['an object', { a: 1 }],
  ['an empty list', []],
  ['a list of lists', [[1]]],
  ['1e308', 1e308],
  ['2^53', 2 ** 53],
  ['-1', -1],
  ['0.5', 0.5],
  ['the empty text', ''],
  ['blanks', ' \u200b\t'],
  ['100 kB of text', long],
  ['a NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800b'],
  ['SQL', `1'; DROP TABLE users; --`],
])

/** Values to put into a path instead of an id; every one must be refused. */
export const wrongIds: readonly string[] = [
  '0',
  '-1',
  '1.5',
  'abc',
  '9007199254740992',
  '99999999999999999999',
  '1e400',
  'NaN',
  '%00',
  '1%00',
  '%zz',
  '%ff',
  '%ed%a0%80',
  "1'%20OR%20'1'='1",
  '__proto__',
  '9'.repeat(400),
  'x'.repeat(600),
]

/** Values to put into a query, encoded. */
const queryValues: readonly string[] = [
  '',
  'abc',
  '0',
  '-1',
  '1.5',
  '1e400',
  'Infinity',
  '9007199254740992',
  '99999999999999999999',
  'null',
  '%00',
  '%zz',
  '%ff',
  '%25_%5C',
  "x'%20OR%201=1;%20--",
  'id;DROP%20TABLE%20users',
  '2026-02-30',
  '9999-12-31T23:59:59Z',
  '2199-12-31T23:59:59-14:00',
  '1900-01-01',
  'x'.repeat(5000),
]

/** All wrong forms of a query parameter: single values, and the parameter twice or as a structure. */
export function queriesOf(name: string): readonly { readonly query: string; readonly values: readonly string[] }[] {
  const single = queryValues.map((value) => ({ query: `${name}=${value}`, values: [value] }))
  const twice = { query: `${name}=1&${name}=abc`, values: ['1', 'abc'] }
  return [...single, twice, { query: `${name}[a]=1&__proto__[b]=1&constructor[c]=2`, values: [] }]
}

/** Bodies that a schema allows: one for each alternative, with every optional field. */
export function examplesOf(schema: JsonSchema): unknown[] {
  const alternatives = schema.anyOf ?? schema.oneOf
  if (Array.isArray(alternatives)) return alternatives.filter(isSchema).flatMap(examplesOf)
  return [exampleOf(schema)]
}

function exampleOf(schema: JsonSchema): unknown {
  const [alternative] = [schema.anyOf ?? schema.oneOf].flat()
  if (isSchema(alternative)) return exampleOf(alternative)
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const type = [schema.type].flat().find((one) => one !== 'null')
  if (type === 'integer' || type === 'number') return Math.max(1, Number(schema.minimum ?? 1))
  if (type === 'boolean') return true
  if (type === 'array') return isSchema(schema.items) ? [exampleOf(schema.items)] : []
  if (type === 'string') return textOf(schema)
  const properties = isSchema(schema.properties) ? schema.properties : {}
  return Object.fromEntries(
    Object.entries(properties).map(([name, one]) => [name, isSchema(one) ? exampleOf(one) : null]),
  )
}

const textsOfFormats: Readonly<Record<string, string>> = {
  'local-date': '2026-03-05',
  'local-time': '09:00',
  'local-time-or-midnight': '10:00',
  instant: '2026-03-05T09:00:00+08:00',
  email: 'somebody@example.com',
}

function textOf({ format, examples }: JsonSchema): unknown {
  const [example] = Array.isArray(examples) ? examples : []
  return textsOfFormats[String(format)] ?? example ?? 'sound'
}

/** An example with one member, at any depth, removed or replaced; `what` names the member and the change. */
export function mutationsOf(example: unknown): { readonly what: string; readonly value: unknown }[] {
  return pathsIn(example).flatMap((path) => {
    const at = `/${path.join('/')}`
    const changed = [...wrongValues].map(([what, wrong]) => ({
      what: `${at} is ${what}`,
      value: changedAt(example, path, () => wrong),
    }))
    return [...changed, { what: `${at} is missing`, value: changedAt(example, path, () => undefined) }]
  })
}

type Path = readonly (string | number)[]

function pathsIn(value: unknown, at: Path = []): Path[] {
  const steps: (string | number)[] = Array.isArray(value)
    ? [...value.keys()]
    : isSchema(value)
      ? Object.keys(value)
      : []
  return steps.flatMap((step) => {
    const path = [...at, step]
    return [path, ...pathsIn(memberOf(value, step), path)]
  })
}

function memberOf(value: unknown, step: string | number): unknown {
  if (Array.isArray(value)) return value[Number(step)]
  return isSchema(value) ? value[step] : undefined
}

function changedAt(value: unknown, [step, ...rest]: Path, change: (value: unknown) => unknown): unknown {
  if (step === undefined) return change(value)
  const changed = changedAt(memberOf(value, step), rest, change)
  if (Array.isArray(value)) return value.map((one, index) => (index === step ? changed : one))
  return { ...(isSchema(value) ? value : {}), [step]: changed }
}

/** Values that no store and no schema accepts: NUL, lone surrogates, integers that JSON can't carry exactly. */
export function isUnclean(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed()
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (Array.isArray(value)) return value.some(isUnclean)
  return isSchema(value) && Object.values(value).some(isUnclean)
}

const twoMegabytes = JSON.stringify({ a: 'x'.repeat(2 * 1024 * 1024) })
const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const json: Readonly<Record<string, string>> = { 'content-type': 'application/json' }

/**
 * Bodies that are wrong as a whole; `example` is a valid one. With `overlooksUnknown`, unknown fields are accepted;
 * with `takesForms`, a body whose type is a form is read as one.
 */
export function wrongBodies(example: unknown, { overlooksUnknown = false, takesForms = false } = {}): Attempt[] {
  const good = JSON.stringify(example)
  const members = good.slice(1, -1)
  const withMember = (member: string) => `{${member}${members === '' ? '' : ','}${members}}`
  const wrong = (what: string, payload: string | Buffer, expected: Attempt['expected'], headers = json): Attempt => ({
    what,
    payload,
    expected,
    headers,
  })
  const asType = (type: string, status = 415) => wrong(`as ${type}`, good, status, { 'content-type': type })
  return [
    wrong('with an unknown field', withMember('"surprise":1'), overlooksUnknown ? 'decent' : 400),
    wrong('with __proto__', withMember('"__proto__":{"isAdmin":true}'), 400),
    wrong('with constructor.prototype', withMember('"constructor":{"prototype":{"isAdmin":true}}'), 400),
    wrong('nested 50 deep', withMember(`"surprise":${'['.repeat(50)}${']'.repeat(50)}`), 400),
    wrong('nested 100,000 deep', deep, 400),
    wrong('a list', `[${good}]`, 400),
    wrong('a text', '"text"', 400),
    wrong('a number', '7', 400),
    wrong('true', 'true', 400),
    wrong('broken JSON', '{"a":', 400),
    wrong('JSON and more', `${good}}`, 400),
    wrong('single quotes', "{'a':1}", 400),
    wrong('NaN', '{"a":NaN}', 400),
    wrong('bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), 400),
    wrong('2 MB', twoMegabytes, 413),
    wrong('compressed', good, 415, { ...json, 'content-encoding': 'gzip' }),
    asType('text/plain'),
    asType('application/xml'),
    asType('multipart/form-data; boundary=x', takesForms ? 400 : 415),
    asType('application/json; charset=gbk'),
    asType('nonsense'),
    wrong('a form', 'a=1&a=2&__proto__=3', 400, { 'content-type': 'application/x-www-form-urlencoded' }),
    wrong('a broken form', 'a=%zz', 400, { 'content-type': 'application/x-www-form-urlencoded' }),
    wrong('null', 'null', 'decent'),
    wrong('nothing', '', 'decent'),
  ]
}
