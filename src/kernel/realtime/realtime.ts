import type { OpenDatabase } from '../database/database.ts'
import type { App } from '../http/app.ts'
import type { Identity } from '../identity/sessions/sessions.ts'
import type { Kernel } from '../kernel.ts'
import type { AddressedMessage } from '../notifications/inbox.ts'
import { present } from '../notifications/wire.ts'
import { eventId } from './eventId.ts'
import { createHub } from './hub.ts'
import { CLOSE, createSockets, type SocketLimits, type Sockets } from './sockets.ts'

/** The WebSockets of a process. */
export interface Realtime {
  /** For further WebSocket routes. */
  readonly sockets: Sockets
  /** Closes the sockets and stops listening. The application calls it when it closes. */
  close(): Promise<void>
}

/**
 * Registers `/ws/notifications`. After signing in, a client gets `{"type":"ready","last_event_id"}`, then
 * `{"type":"message","id","notification"}` for each message. With `last_event_id` it first gets the messages that it
 * missed: at most the newest 1000, with `"cut":true` in `ready` when there were more. It may send `{"type":"ping"}`.
 */
export async function registerRealtime(
  app: App,
  kernel: Pick<Kernel, 'config' | 'db' | 'log' | 'notifications'>,
  identity: Pick<Identity, 'authenticate' | 'recheck'>,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  limits?: SocketLimits,
): Promise<Realtime> {
  const hub = createHub(kernel.db, database, kernel.log, kernel.notifications.catalogue)
  await hub.start()
  const sockets = await createSockets(kernel, identity, database, limits)

  sockets.accept(app, '/ws/notifications', async (peer, hello) => {
    const lastId = eventId(hello.last_event_id)
    if (lastId === 'wrong') {
      peer.close(CLOSE.badFrame, 'last_event_id is not an id')
      return {}
    }
    const beginning = await hub.beginning(peer.userId, lastId)
    peer.send({ type: 'ready', last_event_id: beginning.after, ...(beginning.cut && { cut: true }) })
    const deliver = (message: AddressedMessage) =>
      peer.send({ type: 'message', id: message.id, notification: present(message) })
    const failed = (err: unknown) => {
      kernel.log.error({ err }, 'missed messages could not be sent')
      peer.close(CLOSE.failed, 'try again')
    }
    const stop = hub.follow({ key: peer.userId, deliver, flushed: peer.flushed, failed }, beginning.after)
    return {
      onFrame(frame) {
        if (frame.type === 'ping') peer.send({ type: 'pong' })
        else peer.close(CLOSE.badFrame, 'unknown type')
      },
      onClose: stop,
    }
  })

  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= sockets.close().then(hub.stop)
    return closing
  }
  app.addHook('preClose', close)
  return { sockets, close }
}
