import type { FastifyContextConfig, FastifySchema } from 'fastify'
import type { App } from '../app.ts'
import '../fastifyTypes.ts'
import { Invalid } from '../../errors.ts'
import { isSchema, type JsonSchema } from '../request/strictSchema.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The members that `?fields=` asks for, if the answer can be sparse. */
    sparseFields: ReadonlySet<string> | null
  }
}

const known = new WeakMap<object, readonly string[]>()

/**
 * The names that `?fields=` may ask for: those of the documented answer to a GET, or of one item if it is a list. Empty
 * if the contract has no sparse answers, or the answer is not a JSON object.
 */
export function sparseNames(
  method: string | readonly string[],
  schema: FastifySchema | undefined,
  config: FastifyContextConfig | undefined,
): readonly string[] {
  if (!config?.contract?.sparseAnswers || !schema || ![method].flat().includes('GET')) return []
  const before = known.get(schema)
  if (before) return before
  const names = namesOf(answerOf(schema))
  known.set(schema, names)
  return names
}

function answerOf({ response }: FastifySchema): JsonSchema | undefined {
  const success = isSchema(response) ? response[200] : undefined
  if (!isSchema(success)) return undefined
  if (!isSchema(success.content)) return success
  const json = success.content['application/json']
  return isSchema(json) && isSchema(json.schema) ? json.schema : undefined
}

function namesOf(answer: JsonSchema | undefined): readonly string[] {
  if (!isSchema(answer?.properties)) return []
  const { items } = answer.properties
  const item = isSchema(items) && isSchema(items.items) ? items.items : answer
  return isSchema(item.properties) ? Object.keys(item.properties) : []
}

/** The `fields` parameter in the API reference. */
export function sparseParameter(names: readonly string[]): JsonSchema {
  return {
    type: 'array',
    items: { type: 'string', enum: [...names] },
    minItems: 1,
    maxItems: names.length,
    style: 'form',
    explode: false,
    description: 'Selects members of the answer, or of each item of a list: `fields=id,name`. The others are left out.',
  }
}

/**
 * Registers sparse answers: `?fields=a,b` selects members of a GET's answer. Must be registered before ETags, so that
 * an ETag is that of the bytes sent. Members are picked from the serialized answer, so nothing undocumented can be
 * selected.
 * @throws Invalid `validation` for a name that the answer does not have.
 */
export function allowSparseAnswers(app: App): void {
  app.decorateRequest('sparseFields', null)
  app.addHook('preValidation', async (request) => {
    const asked: unknown = isSchema(request.query) ? request.query.fields : undefined
    if (asked === undefined) return
    const { method, schema, config } = request.routeOptions
    const names = sparseNames(method === 'HEAD' ? 'GET' : method, schema, config)
    if (names.length > 0) request.sparseFields = wanted(asked, names)
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (!request.sparseFields || reply.statusCode !== 200 || typeof payload !== 'string') return payload
    if (!String(reply.getHeader('content-type')).startsWith('application/json')) return payload
    return JSON.stringify(picked(JSON.parse(payload), request.sparseFields))
  })
}

function wanted(asked: unknown, names: readonly string[]): ReadonlySet<string> {
  const fields = [asked]
    .flat()
    .flatMap((text) => String(text).split(','))
    .map((name) => name.trim())
  const unknown = fields.filter((name) => !names.includes(name))
  if (unknown.length === 0 && fields.length <= names.length) return new Set(fields)
  const message = `must be distinct names of the answer, separated by commas: ${names.join(', ')}`
  throw new Invalid('validation', 'The request is not valid.', { errors: [{ in: 'query', path: '/fields', message }] })
}

function picked(answer: unknown, fields: ReadonlySet<string>): unknown {
  if (!isSchema(answer)) return answer
  const pick = (one: unknown) =>
    isSchema(one) ? Object.fromEntries(Object.entries(one).filter(([name]) => fields.has(name))) : one
  return Array.isArray(answer.items) ? { ...answer, items: answer.items.map(pick) } : pick(answer)
}
