import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** Permission to answer feedback and tickets, and to edit the frequent questions. */
export const MANAGE = 'support:manage'
/** Permission to serve people in the chat. */
export const AGENT = 'support:agent'

/** Every permission that a route of support may require. */
export const permissions = {
  [MANAGE]: 'Answer feedback and tickets, edit the frequent questions',
  [AGENT]: 'Read chats with support and answer in them',
} as const

export const roles: readonly RoleDefinition[] = [
  { name: 'support:agent', title: '客服', permissions: Object.keys(permissions) },
]
