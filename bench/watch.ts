import pg from 'pg'

/** One statement that this process sent to the database. */
export interface Sent {
  readonly text: string
  readonly values: readonly unknown[]
  /** From sending to the answer, in milliseconds. */
  readonly ms: number
}

/** Records every statement of this process from now on. Start it before the connections are opened. */
export function watchStatements(): { readonly sent: Sent[]; stop(): void } {
  const sent: Sent[] = []
  const original = pg.Client.prototype.query
  const watched = function (this: pg.Client, ...args: unknown[]): unknown {
    const begin = performance.now()
    const answer: unknown = Reflect.apply(original, this, args)
    const { text, values } = questionOf(args)
    if (text !== undefined && answer instanceof Promise) {
      answer.then(
        () => sent.push({ text, values, ms: performance.now() - begin }),
        () => undefined,
      )
    }
    return answer
  }
  // The many overloads of pg's `query` can't be written as one function.
  pg.Client.prototype.query = watched as typeof original
  return {
    sent,
    stop() {
      pg.Client.prototype.query = original
    },
  }
}

function questionOf([first, second]: readonly unknown[]): { text: string | undefined; values: readonly unknown[] } {
  if (typeof first === 'string') return { text: first, values: Array.isArray(second) ? second : [] }
  if (typeof first !== 'object' || first === null || !('text' in first) || typeof first.text !== 'string')
    return { text: undefined, values: [] }
  return { text: first.text, values: 'values' in first && Array.isArray(first.values) ? first.values : [] }
}
