import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'
import type { Feed, Follower } from './feed.ts'

/** The followers that are served by the same queries. */
export interface Group<Row, By extends Follower<Row>> {
  /** There are new rows: up to an id, or nobody knows how far. */
  wake(upTo?: number): void
  /** Everything up to an id needs no reading any more. */
  startAt(id: number): void
  /** Sends a follower what is there after an id, then each row as it comes. Answers how to stop. */
  follow(follower: By, after: number): () => void
  followersOf(key: number): readonly By[]
  isEmpty(): boolean
  stop(): Promise<void>
}

interface Following<Row, By extends Follower<Row>> {
  readonly follower: By
  /** The last id that was sent. */
  position: number
  /** False while it is sent what was there before. */
  live: boolean
  /** There may be new rows since it began to read. */
  missed: boolean
  gone: boolean
  retry?: NodeJS.Timeout
}

const LIVE_PAGE = 500
const REPLAY_PAGE = 100
const RETRY_MS = 1000
/** The rows may go on for ever. */
const NO_END = Number.POSITIVE_INFINITY

/** Builds a group. It keeps one number, up to which everything was handed out, and reads on from there whenever it is woken. */
export function createGroup<Row extends { readonly id: number }, By extends Follower<Row>>(
  feed: Feed<Row>,
  log: Pick<Logger, 'error'>,
): Group<Row, By> {
  const followings = new Map<number, Set<Following<Row, By>>>()
  /** Undefined until a following is live: those who are not live read for themselves. */
  let cursor: number | undefined
  /** How far to read; undefined when nothing new was announced. */
  let wanted: number | undefined
  let reading: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let stopped = false

  const all = () => [...followings.values()].flatMap((some) => [...some])
  const want = (upTo: number) => {
    wanted = Math.max(wanted ?? 0, upTo)
  }
  const sayUnlessAway = (err: unknown) => {
    // That the database is away is said once elsewhere.
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
        sayUnlessAway(err)
        if (!stopped) retry = setTimeout(again, RETRY_MS)
      },
    )
  }
  /** More may have been announced after the loop had looked, or before it failed. */
  const again = () => {
    if (wanted !== undefined && !stopped) wake(wanted)
  }

  const catchUp = (following: Following<Row, By>) => {
    const goLive = () => {
      following.live = true
      // Where one query serves all, the cursor never goes back. Else a following may have begun beyond the newest row.
      if (!feed.newest) cursor = Math.min(cursor ?? NO_END, following.position)
    }
    replay(feed, following, goLive).catch((err: unknown) => {
      if (following.gone) return
      if (following.follower.failed) return following.follower.failed(err)
      sayUnlessAway(err)
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

/** Gives a row to those who are live; the others find it when they read on. */
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

/** Sends a following what is there, then lets it go live. */
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
    // What was committed after the query is either still to be handed out, or was just now and is marked.
    if (rows.length < REPLAY_PAGE && !following.missed) return goLive()
    await follower.flushed()
  }
}
