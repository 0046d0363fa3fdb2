import { ADMIN } from './identity/roles.ts'
import type { Collected } from './kernel.ts'
import { kernelConditions } from './notifications/people/conditions.ts'
import type { Part } from './product.ts'

/**
 * Collects the contributions of the parts that are switched on.
 * @throws Error if none of them has a role for people who register.
 */
export function collect(parts: readonly Part[]): Collected {
  const permissions = permissionsOfParts(parts)
  const known = new Set(permissions)
  const registerRole = parts.find((part) => part.registerRole !== undefined)?.registerRole
  if (registerRole === undefined) throw new Error('No part that is switched on names a role for people who register.')
  return {
    roles: [
      { name: ADMIN, title: '系统管理员', permissions },
      ...parts
        .flatMap((part) => part.roles)
        .map((role) => ({ ...role, permissions: role.permissions.filter((permission) => known.has(permission)) })),
    ],
    registerRole,
    beforeUserLeaves: parts.flatMap(({ beforeUserLeaves }) => beforeUserLeaves ?? []),
    beforeLogIn: parts.flatMap(({ beforeLogIn }) => beforeLogIn ?? []),
    afterContactChange: parts.flatMap(({ afterContactChange }) => afterContactChange ?? []),
    afterRightsChange: parts.flatMap(({ afterRightsChange }) => afterRightsChange ?? []),
    trackedLinks: parts.flatMap(({ trackedLinks }) => trackedLinks ?? []),
    exportSources: parts.flatMap((part) => part.exports ?? []),
    audienceConditions: [...kernelConditions, ...parts.flatMap((part) => part.audienceConditions ?? [])],
    personalRecords: parts.flatMap(({ name, personalRecords }) =>
      personalRecords ? [{ part: name, find: personalRecords }] : [],
    ),
  }
}

/** Every permission that a route of these parts may declare. */
export function permissionsOfParts(parts: readonly Part[]): readonly string[] {
  return parts.flatMap((part) => Object.keys(part.permissions))
}
