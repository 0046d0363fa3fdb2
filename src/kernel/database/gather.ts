import { errorCode } from './constraints.ts'
import type { Database } from './database.ts'

/** One statement for several items. Returns one result per item, in their order. An error applies to all of them. */
export type Together<Item, Result> = (db: Database, items: readonly Item[]) => Promise<readonly Result[]>

export interface Gathering {
  /** Largest number of items in one statement. Default 64. */
  readonly most?: number
  /** Largest number of statements at the same time on one handle. Default 4. */
  readonly atOnce?: number
  /**
   * New items wait for a running statement, as fewer statements are less work; but at most this many milliseconds.
   * Default 25.
   */
  readonly patienceMs?: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Builds a function for one item from a statement for several. Items that arrive while a statement runs are gathered,
 * in order of arrival, and share the next statement. That saves work, as starting, sending and committing a statement
 * cost more than the work of most items. Without a running statement, the items of this turn of the event loop are sent
 * at once. A statement that waits for a lock does not hold up later items: after `patienceMs` they get a statement of
 * their own.
 *
 * If the database refuses the values of an item (a constraint, a value that doesn't fit), the statement is repeated in
 * halves until that item is alone. It gets its error, the others their results. So items must be independent of each
 * other, and the statement all or nothing. Inside a transaction each item is a statement of its own, sent at once.
 */
export function gathered<Item, Result>(
  together: Together<Item, Result>,
  { most = 64, atOnce = 4, patienceMs = 25 }: Gathering = {},
): (db: Database, item: Item) => Promise<Result> {
  const queues = new WeakMap<Database, (waiting: Waiting<Item, Result>) => void>()
  return (db, item) =>
    new Promise((resolve, reject) => {
      const waiting = { item, resolve, reject }
      if (db.isTransaction) return void answer(db, [waiting])
      let join = queues.get(db)
      if (!join) {
        join = queue(db)
        queues.set(db, join)
      }
      join(waiting)
    })

  function queue(db: Database): (one: Waiting<Item, Result>) => void {
    let waiting: Waiting<Item, Result>[] = []
    let running = 0
    let called = false
    let lastLeft = 0

    const call = () => {
      if (called || waiting.length === 0 || running >= atOnce) return
      if (running > 0 && performance.now() - lastLeft < patienceMs) return
      called = true
      // Later in this turn of the event loop, so that items of callers that just got their result can join.
      setImmediate(leave)
    }
    const leave = () => {
      called = false
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      running += 1
      lastLeft = performance.now()
      void answer(db, batch).then(() => {
        running -= 1
        call()
      })
      call()
    }
    return (one) => {
      waiting.push(one)
      call()
    }
  }

  async function answer(db: Database, batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await together(
        db,
        batch.map(({ item }) => item),
      )
      if (results.length !== batch.length) throw new Error('a statement for several items did not answer each of them')
      for (const [n, result] of results.entries()) batch[n]?.resolve(result)
    } catch (error) {
      if (batch.length > 1 && isAboutAnItem(error)) {
        const half = Math.ceil(batch.length / 2)
        await answer(db, batch.slice(0, half))
        await answer(db, batch.slice(half))
      } else for (const { reject } of batch) reject(error)
    }
  }
}

/** Sorts the rows of a statement for several items by item. `nth`: the index of the item that a row belongs to. */
export function inOrderOf<Row extends { readonly nth: number }>(
  items: readonly unknown[],
  rows: readonly Row[],
): readonly (Row | undefined)[] {
  const found = new Map(rows.map((row) => [row.nth, row]))
  return items.map((_, n) => found.get(n))
}

/**
 * Whether the database refused the values of an item: data_exception, integrity_constraint_violation, our own `refuse`.
 */
function isAboutAnItem(error: unknown): boolean {
  return /^(22|23|YY)/.test(errorCode(error))
}
