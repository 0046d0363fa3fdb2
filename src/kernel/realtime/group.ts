import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'
import type { Feed, Follower } from './feed.ts'

/** A group of followers that are served by the same queries. */
export interface Group<Row, By extends Follower<Row>> {
  /** Announces new rows, up to an id or (undefined) up to an unknown one. */
  wake(upTo?: number): void
  /** Sets the cursor: live followers get the rows after this id. */
  startAt(id: number): void
  /** Sends a follower the existing rows after an id, then each new row. Returns a function that stops it. */
  follow(follower: By, after: number): () => void
  followersOf(key: number): readonly By[]
  isEmpty(): boolean
  stop(): Promise<void>
}

interface Following<Row, By extends Follower<Row>> {
  readonly follower: By
  /** The last id that was sent. */
  position: number
  /** False while existing rows are being sent. */
  live: boolean
  /** New rows may have appeared since its last read began. */
  missed: boolean
  gone: boolean
  retry?: NodeJS.Timeout
}

const LIVE_PAGE = 500
const REPLAY_PAGE = 100
const RETRY_MS = 1000
/** An upper bound that is unknown. */
const NO_END = Number.POSITIVE_INFINITY

/** Builds a group. Its cursor is the id up to which all rows were handed out; when woken, it reads on from there. */
export function createGroup<Row extends { readonly id: number }, By extends Follower<Row>>(
  feed: Feed<Row>,
  log: Pick<Logger, 'error'>,
): Group<Row, By> {
  const followings = new Map<number, Set<Following<Row, By>>>()
  /** Undefined until a following is live. Until then each following reads for itself. */
  let cursor: number | undefined
  /** The id up to which to read; undefined when no new rows were announced. */
  let wanted: number | undefined
  let reading: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let stopped = false

  const all = () => [...followings.values()].flatMap((some) => [...some])
  const want = (upTo: number) => {
    wanted = Math.max(wanted ?? 0, upTo)
  }
  const logUnlessAway = (err: unknown) => {
    // The loss of the database is logged once elsewhere.
    if (!isDatabaseAway(err)) log.error({ err }, `${feed.name} could not be read`)
  }

  const readPage = async (target: number) => {
    if (cursor === undefined) {
      for (const following of all()) following.missed = true
      return
    }
    if (target <= cursor) return
    const keys = [...followings.keys()]
    const upTo = target === NO_END ? undefined : target
    const rows = keys.length > 0 ? await feed.rowsAfter(keys, cursor, LIVE_PAGE, upTo) : []
    for (const row of rows) handOut(followings.get(feed.keyOf(row)) ?? [], row)
    const isFull = rows.length === LIVE_PAGE
    cursor = isFull || upTo === undefined ? (rows.at(-1)?.id ?? cursor) : upTo
    if (isFull) want(target)
  }

  const readOn = async () => {
    while (wanted !== undefined && !stopped) {
      const target = wanted
      wanted = undefined
      try {
        await readPage(target)
      } catch (error) {
        want(target)
        throw error
      }
    }
  }

  const wake = (upTo = NO_END) => {
    want(upTo)
    reading ??= readOn().then(
      () => {
        reading = undefined
        again()
      },
      (err: unknown) => {
        reading = undefined
        logUnlessAway(err)
        if (!stopped) retry = setTimeout(again, RETRY_MS)
      },
    )
  }
  /** New rows may have been announced after the last check of the loop, or before it failed. */
  const again = () => {
    if (wanted !== undefined && !stopped) wake(wanted)
  }

  const catchUp = (following: Following<Row, By>) => {
    const goLive = () => {
      following.live = true
      // With `newest` the cursor never goes back. Without it, the first following may have started beyond the newest
      // row.
      if (!feed.newest) cursor = Math.min(cursor ?? NO_END, following.position)
    }
    replay(feed, following, goLive).catch((err: unknown) => {
      if (following.gone) return
      if (following.follower.failed) return following.follower.failed(err)
      logUnlessAway(err)
      following.retry = setTimeout(() => catchUp(following), RETRY_MS)
    })
  }

  const leave = (following: Following<Row, By>) => {
    following.gone = true
    clearTimeout(following.retry)
    const others = followings.get(following.follower.key)
    others?.delete(following)
    if (others?.size === 0) followings.delete(following.follower.key)
  }

  return {
    wake,
    startAt(id) {
      cursor = id
    },
    follow(follower, after) {
      const following: Following<Row, By> = { follower, position: after, live: false, missed: false, gone: false }
      const others = followings.get(follower.key)
      if (others) others.add(following)
      else followings.set(follower.key, new Set([following]))
      catchUp(following)
      return () => leave(following)
    },
    followersOf: (key) => [...(followings.get(key) ?? [])].map(({ follower }) => follower),
    isEmpty: () => followings.size === 0,
    async stop() {
      stopped = true
      clearTimeout(retry)
      for (const following of all()) leave(following)
      await reading
    },
  }
}

/** Delivers a row to the live followings. The others find it when they read on. */
function handOut<Row extends { readonly id: number }, By extends Follower<Row>>(
  followings: Iterable<Following<Row, By>>,
  row: Row,
): void {
  for (const following of followings) {
    if (!following.live) following.missed = true
    else if (row.id > following.position) {
      following.position = row.id
      following.follower.deliver(row)
    }
  }
}

/** Sends a following the existing rows, then makes it live. */
async function replay<Row extends { readonly id: number }, By extends Follower<Row>>(
  feed: Feed<Row>,
  following: Following<Row, By>,
  goLive: () => void,
): Promise<void> {
  const { follower } = following
  while (!following.gone) {
    following.missed = false
    const rows = await feed.rowsAfter([follower.key], following.position, REPLAY_PAGE)
    for (const row of rows) {
      if (following.gone) return
      following.position = row.id
      follower.deliver(row)
    }
    // Rows committed after the query are either still to be handed out, or were just now, which has set `missed`.
    if (rows.length < REPLAY_PAGE && !following.missed) return goLive()
    await follower.flushed()
  }
}
