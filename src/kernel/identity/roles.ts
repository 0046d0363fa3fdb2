import { Forbidden, Invalid } from '../errors.ts'
import type { Actor } from './actor.ts'

/**
 * A role that a part offers: `venue:employee`. `title` is shown to people; `permissions` are granted to its holders.
 */
export interface RoleDefinition {
  readonly name: string
  readonly title: string
  readonly permissions: readonly string[]
}

/** The kernel's list of all roles. */
interface Roles {
  readonly roles: readonly RoleDefinition[]
}

/** The role of administrators of all parts. */
export const ADMIN = 'admin'

/** The permissions of some roles. Roles of parts that are switched off hold none. */
export function permissionsOf(definitions: readonly RoleDefinition[], roles: Iterable<string>): ReadonlySet<string> {
  const held = new Set(roles)
  return new Set(definitions.filter((role) => held.has(role.name)).flatMap((role) => role.permissions))
}

/** The roles, sorted and without duplicates. @throws Invalid `unknown_role` for a role that no part offers. */
export function knownRoles({ roles }: Roles, names: readonly string[]): string[] {
  const known = roles.map((role) => role.name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new Invalid('unknown_role', `There is no role ${JSON.stringify(unknown.slice(0, 100))}.`, {
      facts: { known_roles: known },
    })
  }
  return [...new Set(names)].sort()
}

/**
 * Refuses to let a person grant, revoke or change holders of roles that hold more permissions than their own: a
 * product's administrator can neither appoint nor change an administrator of all parts.
 * @throws Forbidden `beyond_own_rights`.
 */
export function requireRightsOver(kernel: Roles, actor: Actor, roles: Iterable<string>): void {
  const names = [...roles]
  const beyond = [...permissionsOf(kernel.roles, names)].some((permission) => !actor.permissions.has(permission))
  if (actor.isAdmin || (!beyond && !names.includes(ADMIN))) return
  throw new Forbidden('beyond_own_rights', 'These roles have more permissions than your own.')
}
