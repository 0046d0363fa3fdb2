import type { Kernel } from '../kernel.ts'
import type { RoleDefinition } from '../product.ts'
import { Invalid } from '../http/errors.ts'

/** The role over all products. */
export const ADMIN = 'admin'

/** Every role somebody can have: the administrator's, which holds every permission, and those of the products that are switched on. */
export function rolesOf(kernel: Pick<Kernel, 'products'>): readonly RoleDefinition[] {
  const everything = kernel.products.flatMap((product) => Object.keys(product.permissions))
  return [{ name: ADMIN, title: '系统管理员', permissions: everything }, ...kernel.products.flatMap((product) => product.roles)]
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
    throw new Invalid('unknown_role', `There is no role ${JSON.stringify(unknown.slice(0, 100))}.`, { facts: { known_roles: known } })
  }
  return [...new Set(names)].sort()
}
