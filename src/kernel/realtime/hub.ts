import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'
import type { Database, OpenDatabase } from '../database/database.ts'
import { type AddressedMessage, lastMessageId, messagesAfter, replayStart } from '../notifications/inbox.ts'
import type { Catalogue } from '../notifications/texts/catalogue.ts'

/** Somebody connected to this process. */
export interface Listener {
  readonly userId: number
  /** Sends one message; ids only rise. */
  deliver(message: AddressedMessage): void
  /** Resolves when what was sent has left this process, or the connection is gone. */
  flushed(): Promise<void>
}

/** Where to begin, and whether something was left out. */
export interface Beginning {
  readonly after: number
  /** True when more had been missed than is sent again: the older ones are in the inbox. */
  readonly cut: boolean
}

/** Brings new messages to whoever is connected to this process. */
export interface MessageHub {
  /** Starts listening to the database. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Where a connection that has seen the messages up to `lastId` goes on; from now on without one.
   */
  beginning(userId: number, lastId: number | undefined): Promise<Beginning>
  /** Sends a person's messages after an id: first those that are there, then each as it comes; none twice, none left out. Answers how to stop. */
  follow(listener: Listener, after: number): { readonly caughtUp: Promise<void>; stop(): void }
}

interface Follower {
  readonly listener: Listener
  /** The last id that was sent. */
  position: number
  /** False while it is sent what was there before. */
  live: boolean
  /** A message came while it was not live. */
  missed: boolean
  gone: boolean
}

const LIVE_PAGE = 500
const REPLAY_PAGE = 100
/** Messages that a connection gets again at most. */
const MOST_REPLAYED = 1000
const RETRY_MS = 1000

/**
 * Builds the hub. Messages become visible in the order of their ids (see the relay), so the process keeps one number, up to which everything was
 * handed out, and reads on from there: when NOTIFY says how far the messages reach, and when a lost connection is back. One query serves everybody.
 */
export function createHub(
  db: Database,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
  catalogue: Pick<Catalogue, 'types'>,
): MessageHub {
  const followers = new Map<number, Set<Follower>>()
  let cursor = 0
  let wanted = 0
  let reading: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let stopped = false
  const stops: (() => unknown)[] = []

  const handOut = (message: AddressedMessage) => {
    for (const follower of followers.get(message.userId) ?? []) {
      if (!follower.live) follower.missed = true
      else if (message.id > follower.position) {
        follower.position = message.id
        follower.listener.deliver(message)
      }
    }
  }

  const readOn = async () => {
    while (cursor < wanted && !stopped) {
      const target = wanted
      const people = [...followers.keys()]
      const messages = people.length > 0 ? await messagesAfter(db, catalogue, people, cursor, LIVE_PAGE, target) : []
      for (const message of messages) handOut(message)
      cursor = messages.length < LIVE_PAGE ? target : (messages.at(-1)?.id ?? target)
    }
  }

  const reach = (upTo: number) => {
    if (Number.isSafeInteger(upTo) && upTo > wanted) wanted = upTo
    reading ??= readOn().then(
      () => {
        reading = undefined
        // It may have grown after the loop had looked at it.
        if (wanted > cursor && !stopped) reach(wanted)
      },
      (err: unknown) => {
        reading = undefined
        if (!isDatabaseAway(err)) log.error({ err }, 'new messages could not be read')
        if (!stopped) retry = setTimeout(() => reach(wanted), RETRY_MS)
      },
    )
  }

  const reachEnd = () => {
    lastMessageId(db).then(reach, (err: unknown) => {
      if (!isDatabaseAway(err)) log.error({ err }, 'new messages could not be looked for')
      if (!stopped) retry = setTimeout(reachEnd, RETRY_MS)
    })
  }

  const replay = async (follower: Follower) => {
    const { listener } = follower
    while (!follower.gone) {
      follower.missed = false
      const messages = await messagesAfter(db, catalogue, [listener.userId], follower.position, REPLAY_PAGE)
      for (const message of messages) {
        if (follower.gone) return
        follower.position = message.id
        listener.deliver(message)
      }
      // What was committed after the query is either still to be handed out, or was just now and is marked.
      if (messages.length < REPLAY_PAGE && !follower.missed) {
        follower.live = true
        return
      }
      await listener.flushed()
    }
  }

  return {
    async start() {
      stops.push(await database.listen('messages', (payload) => reach(Number(payload))))
      cursor = await lastMessageId(db)
      wanted = Math.max(wanted, cursor)
      stops.push(database.listenState.onListening(reachEnd))
      reach(wanted)
    },
    async stop() {
      stopped = true
      clearTimeout(retry)
      for (const stop of stops.splice(0)) await stop()
      await reading
    },
    async beginning(userId, lastId) {
      const newest = await lastMessageId(db)
      if (lastId === undefined) return { after: newest, cut: false }
      // An id from another installation, or from the future, would silence the connection for good.
      return replayStart(db, userId, Math.min(lastId, newest), MOST_REPLAYED)
    },
    follow(listener, after) {
      const follower: Follower = { listener, position: after, live: false, missed: false, gone: false }
      const others = followers.get(listener.userId)
      if (others) others.add(follower)
      else followers.set(listener.userId, new Set([follower]))
      return {
        caughtUp: replay(follower),
        stop() {
          follower.gone = true
          const all = followers.get(listener.userId)
          all?.delete(follower)
          if (all?.size === 0) followers.delete(listener.userId)
        },
      }
    },
  }
}
