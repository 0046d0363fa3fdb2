import type pg from 'pg'
import type { Db } from 'pg-boss'

/**
 * The `db` of pg-boss over our own pool: on the embedded database everything has to use its one connection.
 *
 * pg-boss sends blocks of several statements (`BEGIN; …; COMMIT`) as one text. If one fails in the middle, the session
 * is left in an aborted transaction, and the next user of the connection would get 25P02. So a client is checked out
 * for the block, and rolled back before it is released. The results of a block are joined to one list of rows, as in
 * pg-boss's own PGlite adapter.
 */
export function bossDatabase(pool: pg.Pool, listen: NonNullable<Db['listen']>): Db {
  return {
    async executeSql(text, values) {
      const client = await pool.connect()
      let broken = false
      try {
        const answer: pg.QueryResult | pg.QueryResult[] = await client.query(text, values)
        return Array.isArray(answer) ? { rows: answer.flatMap((result) => result.rows ?? []) } : answer
      } catch (error) {
        // A ROLLBACK outside a transaction only causes a warning.
        await client.query('rollback').catch(() => {
          broken = true
        })
        throw error
      } finally {
        client.release(broken)
      }
    },
    listen,
  }
}
