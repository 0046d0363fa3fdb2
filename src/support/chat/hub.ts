import type { Logger } from 'pino'
import type { Database, OpenDatabase } from '../../kernel/database/database.ts'
import type { Follower } from '../../kernel/realtime/feed.ts'
import { createLiveFeed, type LiveFeed } from '../../kernel/realtime/liveFeed.ts'
import * as store from './store.ts'

/** A connection of this process that follows a session. Its key is the session's id. */
export interface ChatFollower extends Follower<store.ChatMessage> {
  readonly userId: number
  /** Called when a person is typing in the session. */
  typing(userId: number): void
}

/** Brings new chat messages to the connections of this process. */
export type ChatHub = Pick<LiveFeed<store.ChatMessage, ChatFollower>, 'start' | 'stop' | 'follow'>

/**
 * Creates the hub. NOTIFY names the session that has new messages. The messages of a session become visible in the
 * order of their ids, because they are written with its row locked.
 */
export function createChatHub(
  db: Database,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
): ChatHub {
  const feed = createLiveFeed<store.ChatMessage, ChatFollower>(
    {
      name: 'chat messages',
      channel: store.CHAT_CHANNEL,
      news: (payload) => ({ key: Number(payload) }),
      // One session at a time.
      rowsAfter: ([sessionId = 0], after, limit) => store.messagesAfter(db, sessionId, after, limit),
      keyOf: ({ sessionId }) => sessionId,
    },
    database,
    log,
  )
  let stopTyping = async () => {}

  const tellTyping = (payload: string) => {
    const [sessionId, userId] = payload.split(':').map(Number)
    for (const follower of feed.followersOf(sessionId ?? 0)) {
      if (userId !== undefined && follower.userId !== userId) follower.typing(userId)
    }
  }

  return {
    follow: feed.follow,
    async start() {
      await feed.start()
      stopTyping = await database.listen(store.TYPING_CHANNEL, tellTyping)
    },
    async stop() {
      await stopTyping()
      await feed.stop()
    },
  }
}
