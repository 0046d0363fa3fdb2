import type { Logger } from 'pino'
import type { Database, OpenDatabase } from '../database/database.ts'
import { type AddressedMessage, lastMessageId, messagesAfter, replayStart } from '../notifications/inbox.ts'
import type { Catalogue } from '../notifications/texts/catalogue.ts'
import { createLiveFeed, type LiveFeed } from './liveFeed.ts'

/** Where to begin, and whether something was left out. */
export interface Beginning {
  readonly after: number
  /** True when more had been missed than is sent again: the older ones are in the inbox. */
  readonly cut: boolean
}

/** Brings new messages to whoever is connected to this process; the key of a follower is the person's id. */
export interface MessageHub extends LiveFeed<AddressedMessage> {
  /**
   * Where a connection that has seen the messages up to `lastId` goes on; from now on without one.
   */
  beginning(userId: number, lastId: number | undefined): Promise<Beginning>
}

/** Messages that a connection gets again at most. */
const MOST_REPLAYED = 1000

/**
 * Builds the hub. Messages become visible in the order of their ids (see the outbox relay), so one query serves everybody: NOTIFY says how far
 * the messages reach.
 */
export function createHub(
  db: Database,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
  catalogue: Pick<Catalogue, 'types'>,
): MessageHub {
  const feed = createLiveFeed<AddressedMessage>(
    {
      name: 'new messages',
      channel: 'messages',
      news: (payload) => (/^\d{1,15}$/.test(payload) ? { upTo: Number(payload) } : {}),
      rowsAfter: (userIds, after, limit, upTo) => messagesAfter(db, catalogue, userIds, after, limit, upTo),
      keyOf: ({ userId }) => userId,
      newest: () => lastMessageId(db),
    },
    database,
    log,
  )
  return {
    ...feed,
    async beginning(userId, lastId) {
      const newest = await lastMessageId(db)
      if (lastId === undefined) return { after: newest, cut: false }
      // An id from another installation, or from the future, would silence the connection for good.
      return replayStart(db, userId, Math.min(lastId, newest), MOST_REPLAYED)
    },
  }
}
