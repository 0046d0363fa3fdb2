import type pg from 'pg'
import type { Db } from 'pg-boss'

/**
 * The database as pg-boss wants it, over our own pool: on the embedded database everything has to pass through its one connection.
 *
 * pg-boss sends blocks of several statements (`BEGIN; …; COMMIT`) as one text. When one fails in the middle, the session is left inside an
 * aborted transaction, and whoever got the connection next would see 25P02. So the client is checked out for the block, and rolled back
 * before it goes back. The answers of a block's statements are handed over as one list, as pg-boss's own PGlite adapter does.
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
        // A ROLLBACK outside of a transaction is a warning, no more.
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
