import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** The permissions of the CRM product. */
export const permissions = {
  'crm:members.read': 'Read members, their consumption and their timeline',
  'crm:members.write': 'Add, change, tag, merge, import and delete members',
  'crm:members.export': 'Export members as files',
  'crm:segments.read': 'Read segments, and count their members',
  'crm:segments.write': 'Add, change and delete segments',
  'crm:tags.read': 'Read tags',
  'crm:tags.write': 'Add, change and delete tags',
  'crm:templates': 'Read and change message templates',
  'crm:campaigns': 'Read, change and send campaigns',
  'crm:auto-responses': 'Read and change auto-responses',
  'crm:messages': 'Read and send messages, assign conversations',
  'crm:analytics': 'Read and export the analytics',
  'crm:upload': 'Upload pictures',
  'crm:pms': 'Start the synchronisation with the PMS, and decide its conflicts',
  'crm:settings': 'Change the LINE channel',
  'crm:system-users': 'Add, change and delete system users',
} as const

export type CrmPermission = keyof typeof permissions

/** The role of people who register by themselves: an administrator gives them another one. */
export const GUEST_ROLE = 'crm:guest'
export const MARKETING_ROLE = 'crm:marketing'
export const SERVICE_ROLE = 'crm:customer_service'
export const ADMIN_ROLE = 'crm:admin'

const marketing: readonly CrmPermission[] = [
  'crm:members.read',
  'crm:segments.read',
  'crm:segments.write',
  'crm:tags.read',
  'crm:tags.write',
  'crm:templates',
  'crm:campaigns',
  'crm:auto-responses',
  'crm:analytics',
  'crm:upload',
]

const service: readonly CrmPermission[] = [
  'crm:members.read',
  'crm:members.write',
  'crm:members.export',
  'crm:segments.read',
  'crm:tags.read',
  'crm:messages',
  'crm:upload',
]

export const roles: readonly RoleDefinition[] = [
  { name: GUEST_ROLE, title: '訪客', permissions: [] },
  { name: MARKETING_ROLE, title: '行銷人員', permissions: marketing },
  { name: SERVICE_ROLE, title: '客服人員', permissions: service },
  { name: ADMIN_ROLE, title: 'CRM 管理員', permissions: Object.keys(permissions) },
]

/** A role of the published document (`users.role`). */
export type SystemRole = 'admin' | 'marketing' | 'customer_service'

/** The roles of the document, with the house's role for each. */
export const SYSTEM_ROLES: Readonly<Record<SystemRole, string>> = {
  admin: ADMIN_ROLE,
  marketing: MARKETING_ROLE,
  customer_service: SERVICE_ROLE,
}

/** The document's role of somebody who holds these roles of the house; undefined without a role of the CRM. */
export function systemRoleOf(held: ReadonlySet<string>): SystemRole | undefined {
  if (held.has(ADMIN_ROLE) || held.has('admin')) return 'admin'
  if (held.has(MARKETING_ROLE)) return 'marketing'
  return held.has(SERVICE_ROLE) ? 'customer_service' : undefined
}
