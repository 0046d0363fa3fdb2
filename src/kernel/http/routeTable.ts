import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Contract } from '../product.ts'
import type { App } from './app.ts'
import './fastifyTypes.ts'
import { DomainError, NotFound } from '../errors.ts'
import { problemContract } from './answer/problem.ts'

/** The path is there, the method is not: 405. */
class MethodNotAllowed extends DomainError {
  readonly status = 405
}

interface RouteTable {
  /** How to refuse what never reached a route. */
  contractAt(url: string): Contract | null
  /** An onRequest hook: refuses what no route answers, whatever else is wrong with it, and reads no body for it. */
  refuseUnknown(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

/**
 * Watches every route that is registered. The start fails, with all of them named, when a route declares no permission or one that
 * nobody registered. Unknown paths answer NotFound, wrong methods MethodNotAllowed with an Allow header.
 */
export function watchRoutes(app: App, knownPermissions: ReadonlySet<string>): RouteTable {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    const faults = [...permissionFaults(routes, knownPermissions), ...operationFaults(routes)]
    if (faults.length > 0) throw new Error(`Routes are declared wrongly:\n  ${faults.join('\n  ')}`)
  })
  let known: readonly PathMethods[] | undefined
  const paths = () => {
    known ??= pathMethods(routes)
    return known
  }
  app.setNotFoundHandler(async (request: FastifyRequest, reply: FastifyReply) => {
    throw unknown(request, reply, paths())
  })
  return {
    contractAt: (url) => neighbourContract(url, paths()),
    async refuseUnknown(request, reply) {
      if (request.is404) throw unknown(request, reply, paths())
    },
  }
}

function permissionFaults(routes: readonly RouteOptions[], known: ReadonlySet<string>): string[] {
  return routes
    .filter((route) => !isPreflight(route))
    .flatMap((route) => {
      const permission = route.config?.permission
      if (permission === undefined) return [`${nameOf(route)} declares no permission`]
      if (permission === 'public' || permission === 'signed-in' || known.has(permission)) return []
      return [`${nameOf(route)} needs the permission '${permission}', which nobody registered`]
    })
}

/** Operation ids name methods in generated clients, so each must be one route's alone. */
function operationFaults(routes: readonly RouteOptions[]): string[] {
  const seen = new Map<string, string>()
  return routes.flatMap((route) => {
    const id: unknown = route.schema && 'operationId' in route.schema ? route.schema.operationId : undefined
    if (typeof id !== 'string' || route.method === 'HEAD' || route.schema?.hide === true) return []
    const before = seen.get(id)
    seen.set(id, nameOf(route))
    return before === undefined ? [] : [`${nameOf(route)} has the operationId '${id}' of ${before}`]
  })
}

/** The catch-all OPTIONS route of the CORS plugin: answers browsers' preflights, nothing else. */
function isPreflight(route: RouteOptions): boolean {
  return route.method === 'OPTIONS' && route.url === '*'
}

function nameOf(route: RouteOptions): string {
  return `${String(route.method)} ${route.url}`
}

interface PathMethods {
  readonly url: string
  readonly pattern: RegExp
  readonly methods: readonly string[]
  readonly contract: Contract
}

function pathMethods(routes: readonly RouteOptions[]): PathMethods[] {
  return routes
    .filter((route) => !isPreflight(route))
    .map((route) => ({
      url: route.url,
      pattern: patternOf(route.url),
      methods: [route.method].flat(),
      contract: route.config?.contract ?? problemContract,
    }))
}

function patternOf(url: string): RegExp {
  const steps = url.split('/').map((step) => {
    if (step === '*') return '.*'
    return step.includes(':') ? '[^/]+' : step.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${steps.join('/')}/?$`)
}

/** Under a first step that is one product's alone (`/manage/…`), what isn't there is refused as that product refuses. */
function neighbourContract(path: string, paths: readonly PathMethods[]): Contract | null {
  const start = firstStep(path)
  const contracts = new Set(paths.filter(({ url }) => firstStep(url) === start).map(({ contract }) => contract))
  const [only] = contracts
  return only && contracts.size === 1 ? only : null
}

function firstStep(path: string): string {
  return path.split('/', 2)[1] ?? ''
}

function unknown(request: FastifyRequest, reply: FastifyReply, paths: readonly PathMethods[]): DomainError {
  const path = request.url.split('?', 1)[0] ?? '/'
  const matches = paths.filter(({ pattern }) => pattern.test(path))
  const [first] = matches
  const allowed = new Set(matches.flatMap(({ methods }) => methods))
  // The method may be right where a path stands for many, of which this is none.
  if (!first || allowed.has(request.method)) {
    request.contract = neighbourContract(path, paths)
    return new NotFound('not_found', 'There is nothing at this path.')
  }
  request.contract = first.contract
  reply.header('allow', [...allowed].sort().join(', '))
  return new MethodNotAllowed('method_not_allowed', 'This path does not take this method.')
}
