import type { Logger } from 'pino'
import type { OpenDatabase } from '../database/database.ts'
import type { Feed, Follower } from './feed.ts'
import { createGroup, type Group } from './group.ts'

/** Sends the new rows of a table to the clients connected to this process. */
export interface LiveFeed<Row, By extends Follower<Row> = Follower<Row>> {
  /** Starts listening to the database. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Sends a follower the rows of its key after an id: first the existing ones, then each new one, without gaps or
   * repeats. Returns a function that stops it.
   */
  follow(follower: By, after: number): () => void
  /** The present followers of a key. */
  followersOf(key: number): readonly By[]
}

/** The key of the single group when one query serves all keys. */
const ALL = 0

/**
 * Builds the live feed of a table. NOTIFY wakes the group with new rows; after a lost connection all groups are woken.
 */
export function createLiveFeed<Row extends { readonly id: number }, By extends Follower<Row> = Follower<Row>>(
  feed: Feed<Row>,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
): LiveFeed<Row, By> {
  const groups = new Map<number, Group<Row, By>>()
  const stops: (() => unknown)[] = []
  const groupOf = (key: number) => (feed.newest ? ALL : key)

  const groupFor = (key: number): Group<Row, By> => {
    const group = groups.get(groupOf(key)) ?? createGroup<Row, By>(feed, log)
    groups.set(groupOf(key), group)
    return group
  }
  const wakeAll = () => {
    for (const group of groups.values()) group.wake()
  }

  return {
    async start() {
      const hear = (payload: string) => {
        const { key = ALL, upTo } = feed.news(payload)
        groups.get(groupOf(key))?.wake(upTo)
      }
      stops.push(await database.listen(feed.channel, hear))
      if (feed.newest) groupFor(ALL).startAt(await feed.newest())
      stops.push(database.listenState.onListening(wakeAll))
      wakeAll()
    },
    async stop() {
      for (const stop of stops.splice(0)) await stop()
      await Promise.all([...groups.values()].map((group) => group.stop()))
    },
    follow(follower, after) {
      const group = groupFor(follower.key)
      const leave = group.follow(follower, after)
      return () => {
        leave()
        if (feed.newest || !group.isEmpty() || groups.get(follower.key) !== group) return
        groups.delete(follower.key)
        void group.stop()
      }
    },
    followersOf: (key) => groups.get(groupOf(key))?.followersOf(key) ?? [],
  }
}
