import { Unavailable } from '../errors.ts'
import type { App } from './app.ts'

const stopping = new WeakSet<object>()

/**
 * Refuses requests that arrive on open connections after `closeServer` began: 503 with `Connection: close`. Answers to
 * requests in flight close their connections too; kept alive, they would delay the stop until they are cut off.
 */
export function turnAwayWhileStopping(app: App): void {
  app.addHook('preClose', async () => {
    stopping.add(app.server)
  })
  app.addHook('onRequest', async (_request, reply) => {
    if (!stopping.has(app.server)) return
    reply.header('connection', 'close')
    throw new Unavailable('stopping', 'This process is stopping. Try again.', { retryAfter: 1 })
  })
  app.addHook('onSend', async (_request, reply) => {
    if (stopping.has(app.server)) reply.header('connection', 'close')
  })
}

/**
 * Stops serving: accepts no new connections, answers requests in flight, and closes idle connections and WebSockets.
 * Whatever is left after `grace` milliseconds is cut off. Runs the application's onClose hooks; safe to call twice.
 */
export async function closeServer(app: App, grace: number): Promise<void> {
  const cut = setTimeout(() => {
    app.log.warn('cutting off requests that did not end in time')
    for (const socket of app.websocketServer.clients) socket.terminate()
    app.server.closeAllConnections()
  }, grace)
  try {
    await app.close()
  } finally {
    clearTimeout(cut)
  }
}
