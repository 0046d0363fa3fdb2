import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** Answers feedback and tickets, keeps the frequent questions. */
export const MANAGE = 'support:manage'
/** Talks to people in the chat. */
export const AGENT = 'support:agent'

/** Every permission that a route of support may ask for. */
export const permissions = {
  [MANAGE]: 'Answer feedback and tickets, keep the frequent questions',
  [AGENT]: 'Read chats with support and answer in them',
} as const

export const roles: readonly RoleDefinition[] = [
  { name: 'support:agent', title: '客服', permissions: Object.keys(permissions) },
]
