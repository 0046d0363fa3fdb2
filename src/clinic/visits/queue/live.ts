import type { App } from '../../../kernel/http/app.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import type { Live } from '../../../kernel/product.ts'
import { CLOSE, type Connection, type Conversation, type Peer } from '../../../kernel/realtime/sockets.ts'
import { createStateFeed, type StateFeed } from '../../../kernel/realtime/stateFeed.ts'
import { localDate } from '../../../kernel/time.ts'
import { isOwn } from '../../core/cancelling.ts'
import { readConfiguration } from '../../core/configuration/store.ts'
import type { ScheduleRules } from '../../core/configuration/types.ts'
import { findOrder, type Order } from '../../core/ordersStore.ts'
import { sessionOf } from '../../core/sections/rules.ts'
import { areaOfClinic, DISPLAY_CHANNEL, type Display } from './displayStore.ts'
import { displayOfToken } from './displays.ts'
import * as lines from './lineStore.ts'
import { type Line, lineOf, placeOf } from './rules.ts'
import { presentHall, presentPlace, presentQueue } from './schemas.ts'

/** The NOTIFY channel of queues. Its payload has ids: schedule, clinic and area. */
const QUEUE_CHANNEL = 'clinic_queue'

/** The queue of a schedule. Without a session: the schedule is deleted. */
interface LiveQueue {
  readonly session: lines.Session | undefined
  readonly line: Line<Order>
  readonly rules: ScheduleRules
}

/** The sessions of a display now. */
type Hall = readonly { readonly session: lines.Session; readonly line: Line<Order> }[]

interface Feeds {
  readonly queues: StateFeed<LiveQueue>
  readonly halls: StateFeed<Hall>
}

/**
 * The WebSockets of queues. `/ws/clinic/queue` takes `schedule_id` (the session's doctor, the desk, administrators) or
 * `order_id` (the patient) in its first frame, and sends the queue or the order's place at once and after each change.
 * `/ws/clinic/display` shows the sessions of a clinic or area without names. Clients may send `{"type":"ping"}`.
 */
export function liveQueueRoutes(app: App, kernel: Kernel, live: Live): void {
  const feeds: Feeds = { queues: queueFeed(kernel, live), halls: hallFeed(kernel, live) }
  const displays = new Map<number, Set<Connection>>()
  let stopListening = async () => {}
  app.addHook('onReady', async () => {
    await feeds.queues.start()
    await feeds.halls.start()
    stopListening = await live.database.listen(DISPLAY_CHANNEL, (id) => {
      for (const connection of displays.get(Number(id)) ?? [])
        connection.close(CLOSE.unauthenticated, 'the token has ended')
    })
  })
  app.addHook('preClose', async () => {
    await stopListening()
    await feeds.queues.stop()
    await feeds.halls.stop()
  })
  live.sockets.accept(app, '/ws/clinic/queue', (peer, hello) => followQueue(kernel, feeds, peer, hello))
  const deviceOf = async (token: string) => {
    const display = await displayOfToken(kernel, token)
    const isValid = async () => (await displayOfToken(kernel, token)) !== undefined
    return display && { key: `display:${display.displayId}`, display, isValid }
  }
  live.sockets.acceptDevices(app, '/ws/clinic/display', deviceOf, async (client, hello) =>
    'device' in client
      ? showOn(kernel, feeds, displays, client.connection, client.device.display)
      : await showToStaff(kernel, feeds, client.peer, hello),
  )
}

function queueFeed(kernel: Kernel, live: Live): StateFeed<LiveQueue> {
  return createStateFeed(
    {
      name: 'queues',
      channel: QUEUE_CHANNEL,
      topics: (payload) => [payload.split(':')[0] ?? ''],
      async read(topic) {
        const id = Number(topic)
        const session = await lines.findSession(kernel.db, id)
        const line = lineOf(await lines.ordersOf(kernel.db, [id]))
        return { session, line, rules: (await readConfiguration(kernel.db)).schedule }
      },
    },
    live.database,
    kernel.log,
  )
}

function hallFeed(kernel: Kernel, live: Live): StateFeed<Hall> {
  return createStateFeed(
    {
      name: 'displays',
      channel: QUEUE_CHANNEL,
      topics: (payload) => {
        const [, clinicId, areaId] = payload.split(':')
        return [`${areaId}:${clinicId}`, `${areaId}:`]
      },
      async read(topic) {
        const [areaId, clinicId] = topic.split(':')
        const scope = { areaId: Number(areaId), clinicId: clinicId === '' ? null : Number(clinicId) }
        const [now, zone] = [kernel.clock.now(), kernel.config.timeZone]
        const sessions = await lines.sessionsIn(kernel.db, scope, localDate(now, zone))
        const ids = sessions.map(({ scheduleId }) => scheduleId)
        const orders = await lines.ordersOf(kernel.db, ids)
        const { schedule: rules } = await readConfiguration(kernel.db)
        const lineIn = (id: number) => lineOf(orders.filter(({ scheduleId }) => scheduleId === id))
        return sessions
          .map((session) => ({ session, line: lineIn(session.scheduleId) }))
          .filter(({ session, line }) => line.calling !== null || sessionOf(rules, session, zone).endAt > now)
      },
    },
    live.database,
    kernel.log,
  )
}

const topicOf = ({ areaId, clinicId }: lines.Scope) => `${areaId}:${clinicId ?? ''}`

/** Sends frames that differ from the last one. */
function sender(connection: Connection): (frame: object) => void {
  let last = ''
  return (frame) => {
    const text = JSON.stringify(frame)
    if (text === last) return
    last = text
    connection.send(frame)
  }
}

/** A conversation in which the client only says `ping`. */
function listening(connection: Connection, onClose: () => void): Conversation {
  return {
    onFrame(frame) {
      if (frame.type === 'ping') connection.send({ type: 'pong' })
      else connection.close(CLOSE.badFrame, 'unknown type')
    },
    onClose,
  }
}

function refuse(connection: Connection, code: number, reason: string): Conversation {
  connection.close(code, reason)
  return {}
}

/** The id in a first frame, as number or text; undefined if it is none. */
function idIn(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id > 0 ? id : undefined
}

async function followQueue(
  kernel: Kernel,
  feeds: Feeds,
  peer: Peer,
  hello: Readonly<Record<string, unknown>>,
): Promise<Conversation> {
  const [scheduleId, orderId] = [idIn(hello.schedule_id), idIn(hello.order_id)]
  if (orderId !== undefined) return await followPlace(kernel, feeds, peer, orderId)
  if (scheduleId === undefined) return refuse(peer, CLOSE.badFrame, 'schedule_id or order_id is missing')
  return await followSession(kernel, feeds, peer, scheduleId)
}

const isStaff = ({ actor: { permissions } }: Peer) => permissions.has('clinic:desk') || permissions.has('clinic:manage')

async function followSession(kernel: Kernel, feeds: Feeds, peer: Peer, scheduleId: number): Promise<Conversation> {
  const mayFollow = (session: lines.Session | undefined): session is lines.Session => {
    const isTheirs = session?.doctorUserId === peer.userId && peer.actor.permissions.has('clinic:treat')
    return session !== undefined && (isStaff(peer) || isTheirs)
  }
  if (!mayFollow(await lines.findSession(kernel.db, scheduleId)))
    return refuse(peer, CLOSE.notFound, 'there is no such schedule')
  const send = sender(peer)
  const stop = feeds.queues.follow(String(scheduleId), ({ session, line }) => {
    if (mayFollow(session)) send({ type: 'queue', queue: presentQueue(kernel, session, line) })
    else peer.close(CLOSE.notFound, 'there is no such schedule')
  })
  return listening(peer, stop)
}

async function followPlace(kernel: Kernel, feeds: Feeds, peer: Peer, orderId: number): Promise<Conversation> {
  const found = async (): Promise<Order | undefined> => {
    const order = await findOrder(kernel.db, orderId)
    return order && isOwn(order, peer) ? order : undefined
  }
  const order = await found()
  if (!order) return refuse(peer, CLOSE.notFound, 'there is no such order')
  const zone = kernel.config.timeZone
  const send = sender(peer)
  let stop = () => {}
  let ended = false
  let latest: LiveQueue | undefined
  const follow = (scheduleId: number) => {
    stop()
    stop = feeds.queues.follow(String(scheduleId), (queue) => {
      latest = queue
      const { calling, waiting, completed, waitlist } = queue.line
      const own = [...(calling ? [calling] : []), ...waiting, ...completed, ...waitlist].find(
        (one) => one.orderId === orderId,
      )
      if (own) show(own, queue)
      else void lookElsewhere(scheduleId, queue)
    })
  }
  const show = (own: Order, { line, rules }: LiveQueue) => {
    const place = placeOf(own, line, rules, kernel.clock.now(), zone)
    send({ type: 'place', appointment: presentPlace(own, place, zone) })
  }
  /** The order is not in the line: it has ended, is not paid, or was moved to another session. */
  const lookElsewhere = async (scheduleId: number, queue: LiveQueue) => {
    const now = await found().catch(() => null)
    // A newer state has been shown, or is about to be.
    if (ended || latest !== queue) return
    if (now === null) return peer.close(CLOSE.failed, 'try again')
    if (!now) return peer.close(CLOSE.notFound, 'there is no such order')
    if (now.scheduleId === scheduleId) show(now, queue)
    else follow(now.scheduleId)
  }
  follow(order.scheduleId)
  return listening(peer, () => {
    ended = true
    stop()
  })
}

function showHall(kernel: Kernel, feeds: Feeds, connection: Connection, scope: lines.Scope): () => void {
  const send = sender(connection)
  return feeds.halls.follow(topicOf(scope), (hall) => {
    const date = localDate(kernel.clock.now(), kernel.config.timeZone)
    send({ type: 'display', date, sessions: hall.map(presentHall) })
  })
}

function showOn(
  kernel: Kernel,
  feeds: Feeds,
  displays: Map<number, Set<Connection>>,
  connection: Connection,
  display: Display,
): Conversation {
  const { displayId } = display
  const all = displays.get(displayId) ?? new Set()
  displays.set(displayId, all.add(connection))
  const stop = showHall(kernel, feeds, connection, display)
  return listening(connection, () => {
    stop()
    all.delete(connection)
    if (all.size === 0 && displays.get(displayId) === all) displays.delete(displayId)
  })
}

async function showToStaff(
  kernel: Kernel,
  feeds: Feeds,
  peer: Peer,
  hello: Readonly<Record<string, unknown>>,
): Promise<Conversation> {
  if (!isStaff(peer) && !peer.actor.permissions.has('clinic:treat'))
    return refuse(peer, CLOSE.notFound, 'displays are for staff')
  const [areaId, clinicId] = [idIn(hello.area_id), idIn(hello.clinic_id)]
  if (clinicId !== undefined) {
    const area = await areaOfClinic(kernel.db, clinicId)
    if (area === undefined) return refuse(peer, CLOSE.notFound, 'there is no such clinic')
    return listening(peer, showHall(kernel, feeds, peer, { areaId: area, clinicId }))
  }
  if (areaId === undefined) return refuse(peer, CLOSE.badFrame, 'area_id or clinic_id is missing')
  return listening(peer, showHall(kernel, feeds, peer, { areaId, clinicId: null }))
}
