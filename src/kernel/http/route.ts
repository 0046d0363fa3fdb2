import type { FastifyReply, FastifySchema, RouteHandlerMethod } from 'fastify'
import type { App, Route } from './app.ts'
import './fastifyTypes.ts'
import { operationIdOf } from './reference/operationId.ts'

export { signedIn } from './request/authorise.ts'

/**
 * Registers an operation under its canonical path and its aliases. Misuse (a missing or unknown permission, an
 * operation declared twice) fails the start, see `watchRoutes`.
 */
export function route<const S extends FastifySchema>(app: App, definition: Route<S>): void {
  const { method, paths, schema, handler } = definition
  const [canonical, ...aliases] = paths
  const success = successStatus(schema)

  const answer: typeof handler = (request, reply: FastifyReply) => {
    if (success !== 200) reply.code(success)
    return handler(request, reply)
  }

  const register = (path: string, described: FastifySchema) =>
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
      schema: described,
      config: {
        permission: definition.permission,
        operation: `${String(method)} ${canonical}`,
        ...(path === canonical && aliases.length > 0 && { aliases }),
        ...(definition.limit && { limit: definition.limit }),
        ...(definition.idempotent && { idempotent: true }),
        ...(definition.allowsPasswordChange && { allowsPasswordChange: true }),
      },
      // The request types follow from the schema; TypeScript cannot infer them through the spread above.
      handler: answer as RouteHandlerMethod,
    })

  register(canonical, { ...schema, ...describeOperation(definition) })
  // The API reference lists the aliases with the canonical path.
  for (const alias of aliases) register(alias, { ...schema, hide: true })
}

function describeOperation<S extends FastifySchema>(definition: Route<S>) {
  const { method, paths, summary, description, tag } = definition
  const operationId = definition.operationId ?? operationIdOf(String(method), paths[0])
  return { operationId, summary, tags: [tag], ...(description !== undefined && { description }) }
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
