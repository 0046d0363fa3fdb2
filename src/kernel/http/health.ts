import { Type } from 'typebox'
import { DomainError } from '../errors.ts'
import type { App } from './app.ts'
import { route } from './route.ts'

/** Something the program depends on; `check` throws if it does not work. */
export interface ReadinessCheck {
  readonly name: string
  check(): Promise<void>
}

/** Milliseconds a check may take before it counts as failed. */
const patience = 3000
/** Milliseconds for which a result is reused: anybody may ask, as often as they like. */
const memory = 1000

class NotReady extends DomainError {
  readonly status = 503
}

const State = Type.Object({ status: Type.Literal('ok') })

interface Verdict {
  /** Names of the checks that failed. */
  readonly failed: readonly string[]
  readonly reasons: readonly string[]
}

/**
 * Registers `/healthz` (this process answers) and `/readyz` (its dependencies work too; otherwise 503 names the failed
 * checks).
 */
export function registerHealth(app: App, checks: readonly ReadinessCheck[]): void {
  const verdict = remembered(() => judge(checks))
  let lastFailed = ''
  const common = {
    method: 'GET',
    permission: 'public',
    tag: 'operations',
    schema: { response: { 200: State } },
  } as const
  route(app, {
    ...common,
    paths: ['/healthz'],
    operationId: 'getHealth',
    summary: 'Whether this process is alive',
    limit: 'none',
    handler: () => ({ status: 'ok' }),
  })
  route(app, {
    ...common,
    paths: ['/readyz'],
    operationId: 'getReadiness',
    summary: 'Whether everything this process needs works',
    limit: 'none',
    handler: async (request) => {
      const { failed, reasons } = await verdict()
      // Probes come every few seconds, so only changes are logged.
      const changed = failed.join() !== lastFailed
      lastFailed = failed.join()
      if (failed.length === 0) {
        if (changed) request.log.info('ready again')
        return { status: 'ok' }
      }
      if (changed) request.log.warn({ failed, reasons }, 'not ready')
      throw new NotReady('not_ready', 'Something this process depends on does not work.', {
        facts: { failed },
        retryAfter: 5,
      })
    },
  })
}

async function judge(checks: readonly ReadinessCheck[]): Promise<Verdict> {
  const results = await Promise.allSettled(checks.map((one) => withPatience(one.check())))
  return {
    failed: checks.filter((_, index) => results[index]?.status === 'rejected').map(({ name }) => name),
    reasons: results.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : [])),
  }
}

/** Shares one result among callers that ask while it is being computed, or within `memory` milliseconds afterwards. */
function remembered<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined
  let foundAt = Number.POSITIVE_INFINITY
  return () => {
    if (!found || performance.now() - foundAt >= memory) {
      foundAt = Number.POSITIVE_INFINITY
      found = find().finally(() => {
        foundAt = performance.now()
      })
    }
    return found
  }
}

async function withPatience(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
