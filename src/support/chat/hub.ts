import type { Logger } from 'pino'
import { isDatabaseAway } from '../../kernel/database/constraints.ts'
import type { Database, OpenDatabase } from '../../kernel/database/database.ts'
import * as store from './store.ts'

/** Somebody on this process who reads a session. */
export interface Reader {
  readonly userId: number
  readonly sessionId: number
  deliver(message: store.ChatMessage): void
  /** Somebody is typing in the session. */
  typing(userId: number): void
  /** Resolves when what was sent has left this process, or the connection is gone. */
  flushed(): Promise<void>
}

/** Brings new chat messages to whoever is connected to this process. */
export interface ChatHub {
  /** Starts listening to the database. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Sends a session's messages after an id: first those that are there, then each as it comes; none twice, none left out. Answers how to stop. */
  follow(reader: Reader, after: number): () => void
}

interface Following {
  readonly reader: Reader
  position: number
  /** Reading now. */
  reading: boolean
  /** There may be more than what is being read. */
  again: boolean
  gone: boolean
  retry?: NodeJS.Timeout
}

const PAGE = 100
const RETRY_MS = 1000

/**
 * Builds the hub. NOTIFY names the session that has something new; each reader reads on from the last id it was sent, as within a session messages
 * become visible in the order of their ids (they are written with its row locked). The same after a lost connection, for all sessions.
 */
export function createChatHub(
  db: Database,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
): ChatHub {
  const bySession = new Map<number, Set<Following>>()
  const stops: (() => unknown)[] = []

  const readOn = async (following: Following) => {
    const { reader } = following
    do {
      following.again = false
      const messages = await store.messagesAfter(db, reader.sessionId, following.position, PAGE)
      for (const message of messages) {
        if (following.gone) return
        following.position = message.id
        reader.deliver(message)
      }
      if (messages.length === PAGE) {
        following.again = true
        await reader.flushed()
      }
    } while (following.again && !following.gone)
  }

  const wake = (following: Following) => {
    following.again = true
    if (following.reading || following.gone) return
    following.reading = true
    readOn(following).then(
      () => {
        following.reading = false
        // It may have been woken after the loop had looked.
        if (following.again) wake(following)
      },
      (err: unknown) => {
        following.reading = false
        // Said once elsewhere, not for every reader and second.
        if (!isDatabaseAway(err)) log.error({ err }, 'chat messages could not be read')
        if (!following.gone) following.retry = setTimeout(() => wake(following), RETRY_MS)
      },
    )
  }

  const wakeAll = () => {
    for (const following of [...bySession.values()].flatMap((all) => [...all])) wake(following)
  }

  const tellTyping = (payload: string) => {
    const [sessionId, userId] = payload.split(':').map(Number)
    for (const { reader } of bySession.get(sessionId ?? 0) ?? []) {
      if (userId !== undefined && reader.userId !== userId) reader.typing(userId)
    }
  }

  return {
    async start() {
      const news = (payload: string) => {
        for (const following of bySession.get(Number(payload)) ?? []) wake(following)
      }
      stops.push(await database.listen(store.CHAT_CHANNEL, news))
      stops.push(await database.listen(store.TYPING_CHANNEL, tellTyping))
      stops.push(database.listenState.onListening(wakeAll))
      wakeAll()
    },
    async stop() {
      for (const following of [...bySession.values()].flatMap((all) => [...all])) leave(following)
      for (const stop of stops.splice(0)) await stop()
    },
    follow(reader, after) {
      const following: Following = { reader, position: after, reading: false, again: false, gone: false }
      const all = bySession.get(reader.sessionId) ?? new Set()
      bySession.set(reader.sessionId, all.add(following))
      wake(following)
      return () => leave(following)
    },
  }

  function leave(following: Following): void {
    following.gone = true
    clearTimeout(following.retry)
    const all = bySession.get(following.reader.sessionId)
    all?.delete(following)
    if (all?.size === 0) bySession.delete(following.reader.sessionId)
  }
}
