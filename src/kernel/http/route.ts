import type { FastifyReply, FastifySchema, RouteHandlerMethod } from 'fastify'
import type { App, Route } from './app.ts'
import './fastifyTypes.ts'

export { signedIn } from './request/authorise.ts'

/**
 * Registers an operation under its canonical path and its aliases. Bad use (no permission, an unknown one, an operation declared twice)
 * fails the start, see `watchRoutes`.
 */
export function route<const S extends FastifySchema>(app: App, definition: Route<S>): void {
  const { method, paths, schema, handler } = definition
  const [canonical, ...aliases] = paths
  const operationId = operationIdOf(String(method), canonical)
  const success = successStatus(schema)

  const answer: typeof handler = (request, reply: FastifyReply) => {
    if (success !== 200) reply.code(success)
    return handler(request, reply)
  }

  const register = (path: string, own: { operationId: string; aliasOf?: string }) => {
    const described: FastifySchema = { ...schema, ...describeOperation(definition, own.operationId) }
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      schema: described,
      config: {
        permission: definition.permission,
        operation: `${String(method)} ${canonical}`,
        ...(own.aliasOf && { aliasOf: own.aliasOf }),
        ...(definition.limit && { limit: definition.limit }),
        ...(definition.idempotent && { idempotent: true }),
        ...(definition.allowsPasswordChange && { allowsPasswordChange: true }),
      },
      // The types of the request follow from the schema, which TypeScript can't see through the spread above.
      handler: answer as RouteHandlerMethod,
    })
  }

  register(canonical, { operationId })
  for (const alias of aliases)
    register(alias, { operationId: operationIdOf(String(method), alias), aliasOf: operationId })
}

function describeOperation<S extends FastifySchema>(definition: Route<S>, operationId: string) {
  const { summary, description, tag } = definition
  return { operationId, summary, tags: [tag], ...(description !== undefined && { description }) }
}

/** `get_api_v1_venues_byId_timeSlots`: stable as long as method and path are. */
export function operationIdOf(method: string, path: string): string {
  const steps = path
    .split('/')
    .filter(Boolean)
    .map((step) =>
      step
        .replace(/^(?:\{(.+)\}|:(.+))$/, 'by-$1$2')
        .replace(/[^A-Za-z0-9]+(\w?)/g, (_, next: string) => next.toUpperCase()),
    )
  return [method.toLowerCase(), ...steps].join('_')
}

/** The one 2xx status a schema declares; 200 when it declares none or several. */
function successStatus({ response }: FastifySchema): number {
  if (typeof response !== 'object' || response === null) return 200
  const declared = Object.keys(response)
    .map(Number)
    .filter((status) => status >= 200 && status < 300)
  const [only] = declared
  return only !== undefined && declared.length === 1 ? only : 200
}
