import type { Logger } from 'pino'
import type { Database, OpenDatabase } from '../database/database.ts'
import { type AddressedMessage, lastMessageId, messagesAfter, replayStart } from '../notifications/inbox.ts'
import type { Catalogue } from '../notifications/texts/catalogue.ts'
import { createLiveFeed, type LiveFeed } from './liveFeed.ts'

/** The starting point of a connection. */
export interface Beginning {
  /** It gets the messages after this id. */
  readonly after: number
  /** True when more messages were missed than are sent again. The older ones are in the inbox. */
  readonly cut: boolean
}

/** Sends new messages to the clients connected to this process. The key of a follower is the person's id. */
export interface MessageHub extends LiveFeed<AddressedMessage> {
  /**
   * Finds the starting point of a connection that has seen the messages up to `lastId`; without it, only new ones
   * count.
   */
  beginning(userId: number, lastId: number | undefined): Promise<Beginning>
}

/** Largest number of missed messages that a connection is sent again. */
const MOST_REPLAYED = 1000

/**
 * Builds the hub. Messages become visible in order of id (see the outbox relay), so one query serves all followers. The
 * payload of NOTIFY is the newest id.
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
      // An id beyond the newest (as from another installation) would keep the connection silent.
      return replayStart(db, userId, Math.min(lastId, newest), MOST_REPLAYED)
    },
  }
}
