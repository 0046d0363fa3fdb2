import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { Unauthenticated } from '../../src/kernel/errors.ts'
import type { App } from '../../src/kernel/http/app.ts'
import type { HttpOptions } from '../../src/kernel/http/server.ts'
import { createServer } from '../../src/kernel/http/server.ts'
import type { Actor } from '../../src/kernel/identity/actor.ts'

const everyone: Actor = {
  userId: 1,
  sessionId: 's',
  roles: new Set(),
  permissions: new Set(),
  isAdmin: false,
  scope: 'full',
}

/** The tokens that a sample server accepts. `clerk` has the permission `things:write`. */
const actors: Readonly<Record<string, Actor>> = {
  plain: everyone,
  clerk: { ...everyone, userId: 2, permissions: new Set(['things:write']) },
  other: { ...everyone, userId: 3 },
  'expired-password': { ...everyone, userId: 4, scope: 'password_change' },
}

export interface SampleServer {
  readonly app: App
  /** Every line that was logged. */
  readonly lines: string[]
}

/** Creates a server with only the HTTP layer: it has no database and no parts, and the test declares its routes. */
export async function createSampleServer(options: Partial<HttpOptions> = {}): Promise<SampleServer> {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })
  const app = await createServer(
    {
      trustProxy: false,
      corsOrigins: ['https://desk.example.org'],
      rateLimits: false,
      authenticate: async (token) => {
        const actor = actors[token]
        if (!actor) throw new Unauthenticated('token_expired', 'The token is no longer good.')
        return actor
      },
      permissions: ['things:write'],
      documentation: {
        title: 'Sample',
        description: 'A sample.',
        version: '1.0.0',
        products: [{ name: 'venue', title: 'Venue', description: 'Courts', tokenUrl: '/api/v1/users/login' }],
      },
      ...options,
    },
    log,
  )
  return { app, lines }
}

/** A sample server that is closed when the test is finished. */
export async function sample(options: Partial<HttpOptions> = {}): Promise<SampleServer> {
  const server = await createSampleServer(options)
  onTestFinished(() => server.app.close())
  return server
}

/** The headers of a signed-in user. */
export function as(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}
