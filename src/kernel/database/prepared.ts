import { createHash } from 'node:crypto'
import type pg from 'pg'
import { databaseAway, isConnectionFailure } from './constraints.ts'

/** How many texts are kept prepared on each connection. The server keeps a plan for each of them, per connection. */
const mostNames = 500
/** Texts that were seen once and wait for the second time. Emptied when full: a hot query is soon seen again. */
const mostCandidates = 2000
/** Longer texts are generated ones (inserts of many rows): preparing them costs more than it saves. */
const longestText = 8000

/** Decides which SQL texts are sent as named prepared statements. */
export interface StatementNames {
  /** The name for a text, or undefined when it is to be sent unnamed. */
  nameOf(text: string): string | undefined
  /** Never names this text again. */
  forget(text: string): void
  /** Never names anything again. */
  stop(): void
  /** How many texts have a name. */
  readonly size: number
}

/** Gives a text a name when it is seen the second time, for at most `limit` texts. The same text has the same name everywhere. */
export function statementNames(limit = mostNames): StatementNames {
  const names = new Map<string, string | undefined>()
  const candidates = new Set<string>()
  let stopped = false
  return {
    nameOf(text) {
      if (stopped || text.length > longestText) return undefined
      if (names.has(text)) return names.get(text)
      if (names.size >= limit) return undefined
      if (!candidates.delete(text)) {
        if (candidates.size >= mostCandidates) candidates.clear()
        candidates.add(text)
        return undefined
      }
      const name = `y_${createHash('sha256').update(text).digest('base64url').slice(0, 24)}`
      names.set(text, name)
      return name
    },
    forget(text) {
      // The entry stays, so that it does not become a candidate again.
      if (names.has(text)) names.set(text, undefined)
    },
    stop() {
      stopped = true
      names.clear()
      candidates.clear()
    },
    get size() {
      return names.size
    },
  }
}

/** A table changed its shape under a prepared `select *` (0A000): the text works again when it is sent unnamed. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '0A000' && error.message.startsWith('cached plan')
}

/** The connection does not know our statement (26000): a pooler in between hands out other server connections. */
export function isLostStatement(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '26000'
}

/**
 * Makes a pool prepare its hot queries by itself: PostgreSQL parses and plans a named statement once per connection, an unnamed one
 * every time, and Kysely never names any.
 *
 * It wraps `query` of every client of the pool, so that transactions (which check a client out) are covered as well as single
 * statements. Only texts with parameters are named: the others may hold several statements (migrations, job maintenance), which can't
 * be prepared, and BEGIN/COMMIT gain nothing. PostgreSQL itself decides after five executions whether a generic plan is as good as one for the
 * values at hand, so a skewed column does not suffer.
 *
 * Two things can break a name. A migration by another process can change what a prepared `select *` answers (0A000), and a
 * pooler in transaction mode without support for prepared statements can lose it (26000). The query fails, the text (or the whole
 * pool) is not named again, and `transaction`/`withRetries` try once more.
 *
 * A lost connection is Unavailable `database_unavailable` to whoever asked.
 */
export function prepareHotQueries(pool: pg.Pool, names: StatementNames = statementNames()): StatementNames {
  pool.on('connect', (client) => {
    const send = client.query.bind(client) as (...args: unknown[]) => unknown
    /** Draws the conclusions from an error, and answers what the caller gets. */
    const observe = (text: string, error: unknown): unknown => {
      if (isStalePlan(error)) names.forget(text)
      else if (isLostStatement(error)) names.stop()
      if (!isConnectionFailure(error)) return error
      // The server has said goodbye, or does not answer, but the socket is still open: the pool would hand the client out once more.
      void client.end()
      return databaseAway(error)
    }
    const query = (first: unknown, values?: unknown, callback?: unknown): unknown => {
      if (typeof first !== 'string' || !Array.isArray(values)) return send(first, values, callback)
      const name = values.length > 0 ? names.nameOf(first) : undefined
      const question = name === undefined ? { text: first, values } : { name, text: first, values }
      if (typeof callback === 'function') {
        return send(question, (error: unknown, result: unknown) => {
          callback(error && observe(first, error), result)
        })
      }
      // A callback, because with pg's own promises every row outlives the young generation: memory then grows until a full collection
      // (measured: a million rows read one thousand at a time, 210 MB instead of 125).
      return new Promise((resolve, reject) => {
        send(question, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result)))
      }).catch((error: unknown) => {
        const thrown = observe(first, error)
        // The stack leads to whoever asked, not to the socket.
        if (thrown instanceof Error) Error.captureStackTrace(thrown)
        throw thrown
      })
    }
    // The many overloads of pg's `query` can't be written as one function.
    client.query = query as typeof client.query
  })
  return names
}

/**
 * What every session starts with. Generic plans: a prepared statement is planned once, not at every call, which costs more than running the
 * short statements of this program (measured: a booking's two statements 0.6 and 1.5 ms instead of 1.4 and 5.8). The price: the planner doesn't
 * see the parameters, so constants that choose a partial index stand in the statement itself (`among`). No JIT: what is compiled is not kept with the plan, and a
 * statement over JSON, whose rows the planner guesses to be many, is compiled at every call (measured: 42 of the 58 ms of handing on 500 messages).
 */
export const SESSION_SETTINGS = `SET TIME ZONE 'UTC'; SET plan_cache_mode = force_generic_plan; SET jit = off`
