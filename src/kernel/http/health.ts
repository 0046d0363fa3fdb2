import { Type } from 'typebox'
import type { App } from './app.ts'
import { DomainError } from './errors.ts'
import { route } from './route.ts'

/** Something the program needs in order to work; `check` throws when it does not. */
export interface ReadinessCheck {
  readonly name: string
  check(): Promise<void>
}

/** Milliseconds a check may take before it counts as failed. */
const patience = 3000

class NotReady extends DomainError {
  readonly status = 503
}

const State = Type.Object({ status: Type.Literal('ok') })

/** Registers `/healthz` (this process answers) and `/readyz` (what it needs works too: 503 names the checks that failed). */
export function registerHealth(app: App, checks: readonly ReadinessCheck[]): void {
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
    summary: 'Whether this process is alive',
    limit: 'none',
    handler: () => ({ status: 'ok' }),
  })
  route(app, {
    ...common,
    paths: ['/readyz'],
    summary: 'Whether everything this process needs works',
    limit: 'none',
    handler: async (request) => {
      const results = await Promise.allSettled(checks.map((one) => withPatience(one.check())))
      const failed = checks.filter((_, index) => results[index]?.status === 'rejected').map(({ name }) => name)
      // Probes come every few seconds: only what changed is worth a line.
      const changed = failed.join() !== lastFailed
      lastFailed = failed.join()
      if (failed.length === 0) {
        if (changed) request.log.info('ready again')
        return { status: 'ok' }
      }
      const reasons = results.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
      if (changed) request.log.warn({ failed, reasons }, 'not ready')
      throw new NotReady('not_ready', 'Some of what this process needs does not work.', {
        facts: { failed },
        retryAfter: 5,
      })
    },
  })
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
