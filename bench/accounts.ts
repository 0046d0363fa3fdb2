import type pg from 'pg'
import { hashCost, hashPassword } from '../src/kernel/identity/accounts/passwords.ts'
import type { Ask } from './load.ts'

/** Who may ask for statistics; index of the token. */
export const ADMINISTRATOR = 0
/** Has a password. */
const LOGGING_IN = 1
const PASSWORD = 'a password of the bench'

/** Logging in, with a password that costs what it costs in production. */
export const LOG_IN: Ask = {
  token: LOGGING_IN,
  line: 'POST /api/v1/users/login',
  body: JSON.stringify({ username: `employee${LOGGING_IN + 1}`, password: PASSWORD }),
}

/** One of the people becomes an administrator, another gets a password. */
export async function addAccounts(pool: pg.Pool): Promise<void> {
  const hash = await hashPassword(PASSWORD, hashCost({ nodeEnv: 'production' }))
  await pool.query('UPDATE users SET password_hash = $1, password_changed_at = created_at WHERE id = $2', [
    hash,
    LOGGING_IN + 1,
  ])
  await pool.query(`UPDATE user_roles SET role = 'venue:admin' WHERE user_id = $1`, [ADMINISTRATOR + 1])
}
