import fc from 'fast-check'
import { isSchema } from '../../src/kernel/http/request/strictSchema.ts'
import { brokenForms, soundForms } from './forms.ts'
import { queriesOf, wrongBodies, wrongIds, wrongValues } from './mutations.ts'
import { type NearlyValid, requestsTo } from './nearlyValid.ts'
import type { Operation } from './operations.ts'

/** A request as it goes over the wire. */
export interface FuzzedRequest {
  readonly operation: Operation
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string | Buffer | undefined
  /** A number from which the fuzzer chooses the sender. */
  readonly actor: number
  /** False if the path may be that of another operation or of none: then no document describes the answer. */
  readonly isAtOperation: boolean
}

type Spoiling = (request: FuzzedRequest) => FuzzedRequest

/** Requests to these operations. Of ten, six are as the document asks (or nearly), two have one error, two several. */
export function fuzzedRequests(operations: readonly Operation[]): fc.Arbitrary<FuzzedRequest> {
  const byName = new Map(operations.map((one) => [one.name, one]))
  const spoilings = spoilingsWith([...new Set(operations.flatMap(queryNames))])
  const spoilt = fc.oneof(
    { weight: 6, arbitrary: fc.constant<Spoiling[]>([]) },
    { weight: 2, arbitrary: fc.array(spoilings, { minLength: 1, maxLength: 1 }) },
    { weight: 2, arbitrary: fc.array(spoilings, { minLength: 2, maxLength: 4 }) },
  )
  return fc
    .tuple(requestsTo(operations), soundForms, spoilt)
    .map(([request, form, wrongs]) =>
      wrongs.reduce((before, spoil) => spoil(before), written(request, byName.get(request.operation), form)),
    )
}

function written(request: NearlyValid, operation: Operation | undefined, form: Buffer): FuzzedRequest {
  if (!operation) throw new Error(`there is no ${request.operation}`)
  const { url, actor, body } = request
  // An empty id leads to another path.
  const isAtOperation = !/\/(?:[/?]|$)/.test(url)
  const common = { operation, method: operation.method, url, actor, isAtOperation }
  if (operation.takesFile) return { ...common, headers: { 'content-type': FORM }, payload: form }
  if (body === undefined) return { ...common, headers: {}, payload: undefined }
  return { ...common, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(body) }
}

const FORM = 'multipart/form-data; boundary=boundary'

const withHeader =
  (name: string, value: string): Spoiling =>
  (request) => ({ ...request, headers: { ...request.headers, [name]: value } })

const contentTypes = [
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  'application/x-www-form-urlencoded',
  'application/merge-patch+json',
  'text/plain',
  'text/xml; charset=utf-8',
  'multipart/form-data',
  FORM,
  'multipart/mixed; boundary=boundary',
  'application/octet-stream',
  ';',
  '/',
]

/** Headers that some servers interpret; ours must not fail on any. */
const headers: readonly (readonly [string, string])[] = [
  ['accept', 'application/xml;q=0.9, */*;q=0'],
  ['accept-language', 'zh-TW;q=9, *;q=x'],
  ['authorization', 'Bearer x.y.z'],
  ['authorization', `Bearer ${'x'.repeat(5000)}`],
  ['cookie', '__Host-x="; a=%00; b=\\'],
  ['forwarded', 'for="[::1]"; host=evil.example'],
  ['host', 'evil.example:99999'],
  ['if-match', '"x"'],
  ['if-modified-since', 'yesterday'],
  ['if-none-match', '*'],
  ['if-range', '"x"'],
  ['origin', 'null'],
  ['range', 'bytes=5-1,-0'],
  ['range', 'bytes=0-'],
  ['referer', 'javascript:alert(1)'],
  ['te', 'trailers, deflate;q=0.5'],
  ['user-agent', 'x'.repeat(4000)],
  ['x-forwarded-for', "'; --, ::ffff:1.2.3.4, x"],
  ['x-forwarded-proto', 'javascript'],
  ['x-http-method-override', 'DELETE'],
  ['x-request-id', `../../${'x'.repeat(100)}`],
]

const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })

/** JSON without meaning here, texts that are not JSON, and values that other tests know to be wrong. */
const bodies: fc.Arbitrary<string | Buffer> = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.constantFrom(...wrongBodies({ a: 1 }).map(({ payload }) => payload)),
  fc.constantFrom('a=1&a=2&b[c]=3&=4&%00', '{"a":1,"a":2}', '[[[[[[[[', '1e999999', '"\\ud800"', '\ufeff{}'),
)

/** Replaces one member of the body, or of an object in the body. */
function withMember(at: number, wrong: unknown): Spoiling {
  return (request) => {
    if (typeof request.payload !== 'string') return request
    const body = parsed(request.payload)
    if (!isSchema(body)) return { ...request, payload: JSON.stringify(wrong) }
    const names = Object.keys(body)
    const name = names[at % Math.max(1, names.length)]
    if (name === undefined) return { ...request, payload: JSON.stringify({ surprise: wrong }) }
    const inner = body[name]
    const changed = isSchema(inner) && at % 2 === 0 ? { ...inner, [Object.keys(inner)[0] ?? 'x']: wrong } : wrong
    return { ...request, payload: JSON.stringify({ ...body, [name]: changed }) }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const queryNames = ({ parameters }: Operation) => parameters.filter((one) => one.in === 'query').map(({ name }) => name)

/** Adds one wrong parameter: of this operation, of another operation, or unknown. */
function withQuery(at: number, choice: number, foreign: string): Spoiling {
  return (request) => {
    const names = [...queryNames(request.operation), foreign, 'surprise', '__proto__']
    const ways = queriesOf(names[at % names.length] ?? 'surprise')
    const query = ways[choice % ways.length]?.query ?? ''
    return { ...request, url: `${request.url}${request.url.includes('?') ? '&' : '?'}${query}` }
  }
}

/** Replaces one path segment that stands for an id. */
function withStep(at: number, step: string): Spoiling {
  return (request) => {
    const places = [...request.operation.path.matchAll(/\{\w+\}/g)]
    if (places.length === 0) return request
    const [path = '', query] = request.url.split('?')
    const index = request.operation.path.split('/').indexOf(places[at % places.length]?.[0] ?? '')
    const changed = path.split('/').map((one, position) => (position === index ? step : one))
    return {
      ...request,
      url: [changed.join('/'), query].filter((part) => part !== undefined).join('?'),
      isAtOperation: false,
    }
  }
}

const spoilingsWith = (foreign: readonly string[]): fc.Arbitrary<Spoiling> =>
  fc.oneof(
    fc.constantFrom(...contentTypes).map((type) => withHeader('content-type', type)),
    fc.constantFrom(...headers).map(([name, value]) => withHeader(name, value)),
    fc
      .tuple(
        fc.constantFrom('idempotency-key', 'if-none-match', 'accept', 'x-request-id', 'range', 'cookie'),
        headerText,
      )
      .map(([name, value]) => withHeader(name, value)),
    bodies.map(
      (payload): Spoiling =>
        (request) => ({ ...request, payload }),
    ),
    fc.tuple(fc.nat(20), fc.constantFrom(...wrongValues.values())).map(([at, wrong]) => withMember(at, wrong)),
    fc.tuple(fc.nat(20), fc.anything({ maxDepth: 2, maxKeys: 3 })).map(([at, wrong]) => withMember(at, wrong ?? null)),
    fc
      .tuple(fc.nat(20), fc.nat(100), fc.constantFrom(...foreign))
      .map(([at, choice, name]) => withQuery(at, choice, name)),
    fc.tuple(fc.nat(5), fc.constantFrom(...wrongIds, '%2F', '%252e', 'a;b=c')).map(([at, step]) => withStep(at, step)),
    fc.constantFrom('PUT', 'PATCH', 'DELETE', 'POST', 'HEAD', 'OPTIONS', 'GET').map(
      (method): Spoiling =>
        (request) => ({
          ...request,
          method,
          isAtOperation: request.isAtOperation && method === request.operation.method,
        }),
    ),
    brokenForms.map(
      (payload): Spoiling =>
        (request) => ({ ...request, headers: { ...request.headers, 'content-type': FORM }, payload }),
    ),
  )
