import { Forbidden, Invalid } from '../errors.ts'
import type { Kernel } from '../kernel.ts'
import type { RoleDefinition } from '../product.ts'
import type { Actor } from './actor.ts'

/** The role over all products. */
export const ADMIN = 'admin'

/** Every role somebody can have: the administrator's, which holds every permission, and those of the products that are switched on. */
export function rolesOf(kernel: Pick<Kernel, 'products'>): readonly RoleDefinition[] {
  const everything = kernel.products.flatMap((product) => Object.keys(product.permissions))
  return [
    { name: ADMIN, title: '系统管理员', permissions: everything },
    ...kernel.products.flatMap((product) => product.roles),
  ]
}

/** What holders of these roles may do. Roles of products that are switched off permit nothing. */
export function permissionsOf(definitions: readonly RoleDefinition[], roles: Iterable<string>): ReadonlySet<string> {
  const held = new Set(roles)
  return new Set(definitions.filter((role) => held.has(role.name)).flatMap((role) => role.permissions))
}

/** The roles, each once and sorted. @throws Invalid `unknown_role` for one that no product offers. */
export function knownRoles(kernel: Pick<Kernel, 'products'>, names: readonly string[]): string[] {
  const known = rolesOf(kernel).map((role) => role.name)
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
export function requireRightsOver(kernel: Pick<Kernel, 'products'>, actor: Actor, roles: Iterable<string>): void {
  const names = [...roles]
  const beyond = [...permissionsOf(rolesOf(kernel), names)].some((permission) => !actor.permissions.has(permission))
  if (actor.isAdmin || (!beyond && !names.includes(ADMIN))) return
  throw new Forbidden('beyond_own_rights', 'This is about roles that permit more than yours.')
}
