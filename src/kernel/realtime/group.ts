import type { Logger } from 'pino'
import { isDatabaseAway } from '../database/constraints.ts'
import type { Feed, Reader } from './feed.ts'

/** The readers that are served by the same queries. */
export interface Group<Row, By extends Reader<Row>> {
  /** There are new rows: up to an id, or nobody knows how far. */
  wake(upTo?: number): void
  /** Everything up to an id needs no reading any more. */
  startAt(id: number): void
  /** Sends a reader what is there after an id, then each row as it comes. Answers how to stop. */
  follow(reader: By, after: number): () => void
  readersOf(key: number): readonly By[]
  isEmpty(): boolean
  stop(): Promise<void>
}

interface Follower<Row, By extends Reader<Row>> {
  readonly reader: By
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
export function createGroup<Row extends { readonly id: number }, By extends Reader<Row>>(
  feed: Feed<Row>,
  log: Pick<Logger, 'error'>,
): Group<Row, By> {
  const followers = new Map<number, Set<Follower<Row, By>>>()
  /** Undefined until a follower is live: those who are not live read for themselves. */
  let cursor: number | undefined
  /** How far to read; undefined when nothing new was announced. */
  let wanted: number | undefined
  let reading: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let stopped = false

  const all = () => [...followers.values()].flatMap((some) => [...some])
  const want = (upTo: number) => {
    wanted = Math.max(wanted ?? 0, upTo)
  }
  const sayUnlessAway = (err: unknown) => {
    // That the database is away is said once elsewhere.
    if (!isDatabaseAway(err)) log.error({ err }, `${feed.name} could not be read`)
  }

  const readPage = async (target: number) => {
    if (cursor === undefined) {
      for (const follower of all()) follower.missed = true
      return
    }
    if (target <= cursor) return
    const keys = [...followers.keys()]
    const upTo = target === NO_END ? undefined : target
    const rows = keys.length > 0 ? await feed.rowsAfter(keys, cursor, LIVE_PAGE, upTo) : []
    for (const row of rows) handOut(followers.get(feed.keyOf(row)) ?? [], row)
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

  const catchUp = (follower: Follower<Row, By>) => {
    const goLive = () => {
      follower.live = true
      // Where one query serves all, the cursor never goes back. Else a follower may have begun beyond the newest row.
      if (!feed.newest) cursor = Math.min(cursor ?? NO_END, follower.position)
    }
    replay(feed, follower, goLive).catch((err: unknown) => {
      if (follower.gone) return
      if (follower.reader.failed) return follower.reader.failed(err)
      sayUnlessAway(err)
      follower.retry = setTimeout(() => catchUp(follower), RETRY_MS)
    })
  }

  const leave = (follower: Follower<Row, By>) => {
    follower.gone = true
    clearTimeout(follower.retry)
    const others = followers.get(follower.reader.key)
    others?.delete(follower)
    if (others?.size === 0) followers.delete(follower.reader.key)
  }

  return {
    wake,
    startAt(id) {
      cursor = id
    },
    follow(reader, after) {
      const follower: Follower<Row, By> = { reader, position: after, live: false, missed: false, gone: false }
      const others = followers.get(reader.key)
      if (others) others.add(follower)
      else followers.set(reader.key, new Set([follower]))
      catchUp(follower)
      return () => leave(follower)
    },
    readersOf: (key) => [...(followers.get(key) ?? [])].map(({ reader }) => reader),
    isEmpty: () => followers.size === 0,
    async stop() {
      stopped = true
      clearTimeout(retry)
      for (const follower of all()) leave(follower)
      await reading
    },
  }
}

/** Gives a row to those who are live; the others find it when they read on. */
function handOut<Row extends { readonly id: number }, By extends Reader<Row>>(
  followers: Iterable<Follower<Row, By>>,
  row: Row,
): void {
  for (const follower of followers) {
    if (!follower.live) follower.missed = true
    else if (row.id > follower.position) {
      follower.position = row.id
      follower.reader.deliver(row)
    }
  }
}

/** Sends a follower what is there, then lets it go live. */
async function replay<Row extends { readonly id: number }, By extends Reader<Row>>(
  feed: Feed<Row>,
  follower: Follower<Row, By>,
  goLive: () => void,
): Promise<void> {
  const { reader } = follower
  while (!follower.gone) {
    follower.missed = false
    const rows = await feed.rowsAfter([reader.key], follower.position, REPLAY_PAGE)
    for (const row of rows) {
      if (follower.gone) return
      follower.position = row.id
      reader.deliver(row)
    }
    // What was committed after the query is either still to be handed out, or was just now and is marked.
    if (rows.length < REPLAY_PAGE && !follower.missed) return goLive()
    await reader.flushed()
  }
}
