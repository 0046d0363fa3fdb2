import { Forbidden, Invalid } from '../errors.ts'
import type { Actor } from './actor.ts'

/** A role that a part offers: `venue:employee`. People see `title`; the permissions are what its holders may do. */
export interface RoleDefinition {
  readonly name: string
  readonly title: string
  readonly permissions: readonly string[]
}

/** The member of the kernel that lists every role. */
interface Roles {
  readonly roles: readonly RoleDefinition[]
}

/** The role over all parts. */
export const ADMIN = 'admin'

/** What holders of these roles may do. Roles of parts that are switched off permit nothing. */
export function permissionsOf(definitions: readonly RoleDefinition[], roles: Iterable<string>): ReadonlySet<string> {
  const held = new Set(roles)
  return new Set(definitions.filter((role) => held.has(role.name)).flatMap((role) => role.permissions))
}

/** The roles, each once and sorted. @throws Invalid `unknown_role` for one that no part offers. */
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
 * Refuses to let somebody grant, revoke or act upon roles that permit more than their own: a product's administrator makes nobody, and
 * touches no, administrator over all products. @throws Forbidden `beyond_own_rights`.
 */
export function requireRightsOver(kernel: Roles, actor: Actor, roles: Iterable<string>): void {
  const names = [...roles]
  const beyond = [...permissionsOf(kernel.roles, names)].some((permission) => !actor.permissions.has(permission))
  if (actor.isAdmin || (!beyond && !names.includes(ADMIN))) return
  throw new Forbidden('beyond_own_rights', 'This is about roles that permit more than yours.')
}
