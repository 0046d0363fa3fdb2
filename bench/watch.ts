import pg from 'pg'

/** One statement that this process sent to the database. */
export interface Sent {
  readonly text: string
  readonly values: readonly unknown[]
  /** Milliseconds from sending to the answer. */
  readonly ms: number
}

/** Records every statement of this process from now on. Call it before connections are opened. */
export function watchStatements(): { readonly sent: Sent[]; stop(): void } {
  const sent: Sent[] = []
  const original = pg.Client.prototype.query
  const watched = function (this: pg.Client, ...args: unknown[]): unknown {
    const begin = performance.now()
    const { text, values } = questionOf(args)
    const note = () => {
      if (text !== undefined) sent.push({ text, values, ms: performance.now() - begin })
    }
    const told = args.at(-1)
    // The program calls with a callback, its libraries use promises.
    if (typeof told === 'function') {
      const noting = (error: unknown, result: unknown) => {
        if (!error) note()
        told(error, result)
      }
      return Reflect.apply(original, this, [...args.slice(0, -1), noting])
    }
    const answer: unknown = Reflect.apply(original, this, args)
    if (answer instanceof Promise) answer.then(note, () => undefined)
    return answer
  }
  // pg's `query` has too many overloads for one function type.
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
