import type pg from 'pg'
import { hashCost, hashPassword } from '../src/kernel/identity/accounts/passwords.ts'
import type { Ask } from './load.ts'

/** Index of the token of a person who may read statistics. */
export const ADMINISTRATOR = 0
/** Index of a person with a password. */
const LOGGING_IN = 1
const PASSWORD = 'a password of the bench'

/** A log-in, with a password hash that costs as much as in production. */
export const LOG_IN: Ask = {
  token: LOGGING_IN,
  line: 'POST /api/v1/users/login',
  body: JSON.stringify({ username: `employee${LOGGING_IN + 1}`, password: PASSWORD }),
}

/** Makes one person an administrator and gives another a password. */
export async function addAccounts(pool: pg.Pool): Promise<void> {
  const hash = await hashPassword(PASSWORD, hashCost({ nodeEnv: 'production' }))
  await pool.query('UPDATE users SET password_hash = $1, password_changed_at = created_at WHERE id = $2', [
    hash,
    LOGGING_IN + 1,
  ])
  await pool.query(`UPDATE user_roles SET role = 'venue:admin' WHERE user_id = $1`, [ADMINISTRATOR + 1])
}
