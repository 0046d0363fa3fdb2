import type pg from 'pg'
import type { ReadinessCheck } from '../http/health.ts'
import { MIGRATIONS, migrationNames, pendingMigrations } from './migrate.ts'

/** The checks of `/readyz`: the database answers, job queues exist, and no migration of this program is missing. */
export async function readinessChecks(pool: pg.Pool): Promise<readonly ReadinessCheck[]> {
  const migrations = await migrationNames(MIGRATIONS)
  return [
    { name: 'database', check: async () => void (await pool.query('SELECT 1')) },
    { name: 'jobs', check: async () => void (await pool.query('SELECT 1 FROM pgboss.queue LIMIT 1')) },
    {
      name: 'migrations',
      check: async () => {
        const pending = await pendingMigrations(pool, migrations)
        if (pending.length > 0) throw new Error(`pending: ${pending.join(', ')}`)
      },
    },
  ]
}
