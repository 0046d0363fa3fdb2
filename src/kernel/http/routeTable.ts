import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { App } from './app.ts'
import type { Contract } from './contract.ts'
import './fastifyTypes.ts'
import { DomainError, NotFound } from '../errors.ts'
import { problemContract } from './answer/problem.ts'

/** The path exists, but not with this method: 405. */
class MethodNotAllowed extends DomainError {
  readonly status = 405
}

/**
 * First steps of paths (`/manage`, `/api/v1/members`) that belong to one part, with the contract for errors of unknown
 * paths below them. The longest root that a path starts with decides.
 */
export type PathRoots = ReadonlyMap<string, { readonly part: string; readonly contract: Contract }>

interface RouteTable {
  /** The contract for errors of a path without a route; null means problem documents. */
  contractAt(url: string): Contract | null
  /**
   * An onRequest hook: refuses a request without a route before anything else about it is checked or its body is read.
   */
  refuseUnknown(request: FastifyRequest, reply: FastifyReply): Promise<void>
}

/**
 * Watches all route registrations. The start fails, naming every fault, if a route declares no permission or an unknown
 * one, shares its operation id with another, or lies under a path root of another part. Unknown paths answer NotFound,
 * wrong methods MethodNotAllowed with an Allow header.
 */
export function watchRoutes(app: App, knownPermissions: ReadonlySet<string>, pathRoots: PathRoots): RouteTable {
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    routes.push(route)
  })
  app.addHook('onReady', async () => {
    const faults = [
      ...permissionFaults(routes, knownPermissions),
      ...operationFaults(routes),
      ...rootFaults(routes, pathRoots),
    ]
    if (faults.length > 0) throw new Error(`Routes are declared wrongly:\n  ${faults.join('\n  ')}`)
  })
  let known: readonly PathMethods[] | undefined
  const paths = () => {
    known ??= pathMethods(routes)
    return known
  }
  const contractAt = (path: string) => ownerOf(path, pathRoots)?.contract ?? null
  const unknown = (request: FastifyRequest, reply: FastifyReply): DomainError => {
    const path = request.url.split('?', 1)[0] ?? '/'
    const matches = paths().filter(({ pattern }) => pattern.test(path))
    const [first] = matches
    const allowed = new Set(matches.flatMap(({ methods }) => methods))
    // The method may be known if the path pattern has parameters, but this path matches no route.
    if (!first || allowed.has(request.method)) {
      request.contract = contractAt(path)
      return new NotFound('not_found', 'There is nothing at this path.')
    }
    request.contract = first.contract
    reply.header('allow', [...allowed].sort().join(', '))
    return new MethodNotAllowed('method_not_allowed', 'This path does not support this method.')
  }
  app.setNotFoundHandler(async (request: FastifyRequest, reply: FastifyReply) => {
    throw unknown(request, reply)
  })
  return {
    contractAt,
    async refuseUnknown(request, reply) {
      if (request.is404) throw unknown(request, reply)
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

/** Operation ids name methods of generated clients, so each must be unique. */
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

/** The first step of all WebSockets. It belongs to no part. */
const WEB_SOCKETS = '/ws/'

/**
 * All paths below a path root belong to its part, and a part with roots has no routes elsewhere, except WebSockets: so
 * the contract of every unknown path is clear.
 */
function rootFaults(routes: readonly RouteOptions[], pathRoots: PathRoots): string[] {
  const owners = new Set([...pathRoots.values()].map(({ part }) => part))
  return routes.flatMap((route) => {
    const part = route.config?.product
    const owner = ownerOf(route.url, pathRoots)?.part
    if (owner !== undefined && owner !== part) return [`${nameOf(route)} lies under a path root of ${owner}`]
    if (owner === undefined && part !== undefined && owners.has(part) && !route.url.startsWith(WEB_SOCKETS))
      return [`${nameOf(route)} lies under none of the path roots of its part`]
    return []
  })
}

/** The catch-all OPTIONS route of the CORS plugin, which only answers preflights of browsers. */
function isPreflight(route: RouteOptions): boolean {
  return route.method === 'OPTIONS' && route.url === '*'
}

function nameOf(route: RouteOptions): string {
  return `${String(route.method)} ${route.url}`
}

interface PathMethods {
  readonly pattern: RegExp
  readonly methods: readonly string[]
  readonly contract: Contract
}

function pathMethods(routes: readonly RouteOptions[]): PathMethods[] {
  return routes
    .filter((route) => !isPreflight(route))
    .map((route) => ({
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

/** Most steps of a path root. */
const MOST_STEPS = 4

/** The owner of the longest path root that a path starts with. */
function ownerOf<Owner>(path: string, roots: ReadonlyMap<string, Owner>): Owner | undefined {
  const steps = path.split(/[/?]/, MOST_STEPS + 1).slice(1)
  for (let count = steps.length; count > 0; count -= 1) {
    const owner = roots.get(`/${steps.slice(0, count).join('/')}`)
    if (owner) return owner
  }
  return undefined
}
