import type { Database } from '../../kernel/database/database.ts'
import { rolesOf } from '../../kernel/identity/roles.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { holdersOf } from './store.ts'

/** Answers feedback and tickets, keeps the frequent questions. */
export const MANAGE = 'venue:support.manage'
/** Talks to people in the chat. */
export const AGENT = 'venue:support.agent'

/** Everybody who may do what a permission says. */
export function staffWith(
  db: Database,
  kernel: Pick<Kernel, 'products'>,
  permission: string,
): Promise<readonly number[]> {
  const roles = rolesOf(kernel).filter((role) => role.permissions.includes(permission))
  return holdersOf(
    db,
    roles.map(({ name }) => name),
  )
}
