import { createHash } from 'node:crypto'
import type pg from 'pg'
import { databaseAway, isConnectionFailure } from './constraints.ts'

/** Largest number of prepared texts. The server keeps a plan for each of them, per connection. */
const mostNames = 500
/** Largest number of texts that were seen once. The set is emptied when full: a hot query is soon seen again. */
const mostCandidates = 2000
/**
 * Longest prepared text, in characters. Longer ones are generated (inserts of many rows); preparing them costs more
 * than it saves.
 */
const longestText = 8000

/** Decides which SQL texts are sent as named prepared statements. */
export interface StatementNames {
  /** The name of a text; undefined when it is to be sent unnamed. */
  nameOf(text: string): string | undefined
  /** Never names this text again. */
  forget(text: string): void
  /** Never names anything again. */
  stop(): void
  /** Number of texts with a name. */
  readonly size: number
}

/**
 * Names texts when they are seen the second time, at most `limit` texts. A text has the same name on all connections.
 */
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

/** Whether a table was changed under a prepared `select *` (0A000). The text works again when it is sent unnamed. */
export function isStalePlan(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '0A000' && error.message.startsWith('cached plan')
}

/** Whether the connection does not know our statement (26000), because a pooler uses several server connections. */
export function isLostStatement(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '26000'
}

/**
 * Makes a pool prepare its hot queries. PostgreSQL parses and plans a named statement once per connection, but an
 * unnamed one every time, and Kysely never names statements.
 *
 * It wraps `query` of every client of the pool, which covers transactions (they check a client out) and single
 * statements. Only texts with parameters are named: others may contain several statements (migrations, job
 * maintenance), which can't be prepared, and BEGIN and COMMIT would gain nothing.
 *
 * Two events can break a name. A migration by another process can change the columns of a prepared `select *` (0A000),
 * and a pooler in transaction mode without support for prepared statements can lose it (26000). The query fails, the
 * text (or any text) is not named again, and `transaction` and `withRetries` try once more.
 *
 * A lost connection becomes Unavailable `database_unavailable`.
 */
export function prepareHotQueries(pool: pg.Pool, names: StatementNames = statementNames()): StatementNames {
  pool.on('connect', (client) => {
    const send = client.query.bind(client) as (...args: unknown[]) => unknown
    /** Reacts to an error. Returns the error for the caller. */
    const observe = (text: string, error: unknown): unknown => {
      if (isStalePlan(error)) names.forget(text)
      else if (isLostStatement(error)) names.stop()
      if (!isConnectionFailure(error)) return error
      // The socket may still be open. Without this, the pool would hand the client out once more.
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
      // Uses a callback, because with pg's own promises rows outlive the young generation, and memory grows until a
      // full collection (measured: a million rows, read one thousand at a time: 210 MB instead of 125).
      return new Promise((resolve, reject) => {
        send(question, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result)))
      }).catch((error: unknown) => {
        const thrown = observe(first, error)
        // The stack should lead to the caller, not to the socket.
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
 * The settings of every session.
 *
 * Generic plans: a prepared statement is planned once. Planning at every call costs more than running the short
 * statements of this program (measured: the two statements of a booking take 0.6 and 1.5 ms instead of 1.4 and 5.8).
 * The planner then does not see the parameters, so constants that choose a partial index must be literals in the
 * statement (`among`).
 *
 * No JIT: compiled code is not kept with the plan. Statements over JSON, for which the planner expects many rows, would
 * be compiled at every call (measured: 42 of the 58 ms of handing on 500 messages).
 */
export const SESSION_SETTINGS = `SET TIME ZONE 'UTC'; SET plan_cache_mode = force_generic_plan; SET jit = off`
