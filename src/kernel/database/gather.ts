import { errorCode } from './constraints.ts'
import type { Database } from './database.ts'

/** One statement for several items: answers one result for each, in their order. What it throws is thrown to all of them. */
export type Together<Item, Result> = (db: Database, items: readonly Item[]) => Promise<readonly Result[]>

export interface Gathering {
  /** Items of one statement. */
  readonly most?: number
  /** Statements in flight at a time over one handle. */
  readonly atOnce?: number
  /** While the last statement has run no longer than this, what comes waits for its end: the fewer statements, the less work. */
  readonly patienceMs?: number
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Makes a function for one item out of a statement for several: what is asked for while such a statement runs goes into the next one
 * together, in the order it came. Starting a statement, sending it and committing cost more than the work of most items; this shares
 * them. Nobody waits for company: with nothing in flight a statement leaves with whatever this turn of the event loop has brought. And
 * one that waits for somebody's lock doesn't hold up all that comes after it: the next to come leaves past it.
 *
 * Where values of one item are refused by the database (a constraint, a value that doesn't fit), the statement is done again in halves
 * until it stands alone: it gets its error, the others their results. So an item must be a unit by itself, and the statement all or nothing.
 * Inside a transaction each item is a statement of its own, at once.
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
      // Not now: others of this turn, such as those whom the last statement has just answered, come along.
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

/** The rows of a statement for several items in the order of the items: `nth` says which one a row answers. */
export function inOrderOf<Row extends { readonly nth: number }>(
  items: readonly unknown[],
  rows: readonly Row[],
): readonly (Row | undefined)[] {
  const found = new Map(rows.map((row) => [row.nth, row]))
  return items.map((_, n) => found.get(n))
}

/** Whether the database refuses the values of some item: data_exception, integrity_constraint_violation, our own `refuse`. */
function isAboutAnItem(error: unknown): boolean {
  return /^(22|23|YY)/.test(errorCode(error))
}
