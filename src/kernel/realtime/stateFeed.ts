import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'
import type { OpenDatabase } from '../database/database.ts'

/** A state that clients follow as a whole, unlike the rows of a `Feed`: a queue, a display. */
export interface StateSource<State> {
  /** Names the states in the log: `queues`. */
  readonly name: string
  /** The NOTIFY channel that announces changes. */
  readonly channel: string
  /** The topics whose state a payload may have changed. */
  topics(payload: string): readonly string[]
  read(topic: string): Promise<State>
}

/** Shows the present state of topics to the clients connected to this process. */
export interface StateFeed<State> {
  /** Starts listening to the database. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Calls `show` with the present state at once, and again whenever it may have changed. All followers of a topic share
   * one query. Returns a function that stops this.
   */
  follow(topic: string, show: (state: State) => void): () => void
}

interface Topic<State> {
  readonly followers: Set<(state: State) => void>
  /** The state may have changed since its last read began. */
  changed: boolean
  reading: boolean
}

const RETRY_MS = 1000
/** States also change with time alone: sessions begin and end. */
const REFRESH_MS = 30_000

/** Builds a feed of states. After a lost connection to the database every state is read again. */
export function createStateFeed<State>(
  source: StateSource<State>,
  database: Pick<OpenDatabase, 'listen' | 'listenState'>,
  log: Pick<Logger, 'error'>,
): StateFeed<State> {
  const topics = new Map<string, Topic<State>>()
  const stops: (() => unknown)[] = []
  const retries = new Set<NodeJS.Timeout>()

  const readOn = async (key: string, topic: Topic<State>) => {
    topic.reading = true
    try {
      while (topic.changed && topics.get(key) === topic) {
        topic.changed = false
        const state = await source.read(key)
        for (const show of topic.followers) show(state)
      }
    } catch (err) {
      topic.changed = true
      // The loss of the database is logged once elsewhere.
      if (!isDatabaseAway(err)) log.error({ err }, `${source.name} could not be read`)
      const retry = setTimeout(() => {
        retries.delete(retry)
        wake(key)
      }, RETRY_MS).unref()
      retries.add(retry)
    } finally {
      topic.reading = false
    }
  }
  const wake = (key: string) => {
    const topic = topics.get(key)
    if (!topic) return
    topic.changed = true
    if (!topic.reading) void readOn(key, topic)
  }
  const wakeAll = () => {
    for (const key of topics.keys()) wake(key)
  }

  return {
    async start() {
      const hear = (payload: string) => {
        for (const key of source.topics(payload)) wake(key)
      }
      stops.push(await database.listen(source.channel, hear))
      stops.push(database.listenState.onListening(wakeAll))
      const refreshing = setInterval(wakeAll, REFRESH_MS).unref()
      stops.push(() => clearInterval(refreshing))
      wakeAll()
    },
    async stop() {
      topics.clear()
      for (const retry of retries) clearTimeout(retry)
      for (const stop of stops.splice(0)) await stop()
    },
    follow(key, show) {
      const topic = topics.get(key) ?? { followers: new Set(), changed: false, reading: false }
      topics.set(key, topic)
      topic.followers.add(show)
      wake(key)
      return () => {
        topic.followers.delete(show)
        if (topic.followers.size === 0 && topics.get(key) === topic) topics.delete(key)
      }
    },
  }
}
