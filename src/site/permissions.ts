import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** Every permission that a route of the site may require. */
export const permissions = {
  'site:users.read': 'See everybody’s account',
  'site:users.write': 'Change and delete accounts',
  'site:roles.write': 'Grant and revoke roles',
  'site:legal.write': 'Publish the privacy policy and the terms',
  'site:logs.read': 'Read everybody’s operation log and the log-in log',
  'site:notifications.manage': 'Change notification types, templates and controls; send to people and audiences',
  'site:notifications.read': 'Read what was sent to everybody, and the statistics',
  'site:contacts.read': 'See addresses and numbers unmasked in lists and exports',
  'site:jobs.manage': 'Look at failed background work, retry it or drop it',
} as const

export type SitePermission = keyof typeof permissions

/** A role for sites where no product's administrator has all of these permissions. */
export const roles: readonly RoleDefinition[] = [
  { name: 'site:admin', title: '站点管理员', permissions: Object.keys(permissions) },
]
