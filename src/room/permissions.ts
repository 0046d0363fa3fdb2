import type { RoleDefinition } from '../kernel/identity/roles.ts'

/** The permissions of this product: the document's names (seed 权限与鉴权), and those of the additions on the page. */
export const permissions = {
  'manage:facility:building:list': 'List buildings',
  'manage:facility:building:get': 'Read a building',
  'manage:facility:building:add': 'Add buildings',
  'manage:facility:building:edit': 'Change buildings',
  'manage:facility:building:remove': 'Delete buildings',
  'manage:facility:building:gantt': 'See all bookings of a building over time',
  'manage:facility:room:list': 'List rooms',
  'manage:facility:room:get': 'Read a room',
  'manage:facility:room:timeline': 'See the bookings of a room over time',
  'manage:facility:room:add': 'Add rooms',
  'manage:facility:room:edit': 'Change rooms',
  'manage:facility:room:enable': 'Take rooms into and out of use',
  'manage:facility:room:remove': 'Delete rooms',
  'manage:facility:room:import': 'Import rooms from a workbook',
  'manage:facility:room:export': 'Export rooms to a workbook',
  'manage:facility:booking:add': 'Book rooms in the administration',
  'manage:facility:booking:list': 'List your own bookings in the administration',
  'manage:facility:booking:all': 'List and export everybody’s bookings, note no-shows',
  'manage:facility:booking:edit': 'Change your own bookings in the administration, end them early',
  'manage:facility:booking:cancel': 'Cancel bookings, other people’s too',
  'manage:facility:booking:get': 'Read any booking',
  'manage:facility:booking:audit:list': 'List bookings that wait for a decision',
  'manage:facility:booking:audit:approve': 'Approve bookings',
  'manage:facility:booking:audit:reject': 'Reject bookings',
  'manage:facility:approver:list': 'See which buildings approvers decide about',
  'manage:facility:approver:edit': 'Set which buildings approvers decide about',
  'manage:facility:staff:edit': 'Make people administrators or student workers',
  'manage:facility:setting:get': 'Read the rules of booking',
  'manage:facility:setting:edit': 'Change the rules of booking',
  'manage:facility:ban:list': 'List bans',
  'manage:facility:ban:add': 'Ban people, confirm proposed bans',
  'manage:facility:ban:remove': 'Lift bans',
  'manage:facility:closure:list': 'List closures',
  'manage:facility:closure:add': 'Close rooms and buildings for a time',
  'manage:facility:closure:edit': 'Change closures',
  'manage:facility:closure:remove': 'Delete closures',
  'manage:facility:top:room': 'See which rooms are used most',
  'manage:facility:top:user': 'See who books most',
  'manage:facility:statistics:usage': 'See how much rooms are used',
} as const

export type RoomPermission = keyof typeof permissions

/** Student workers read, book, decide and note no-shows. Buildings, rooms, rules and bans are for administrators. */
const studentWorker: readonly RoomPermission[] = [
  'manage:facility:building:list',
  'manage:facility:building:get',
  'manage:facility:building:gantt',
  'manage:facility:room:list',
  'manage:facility:room:get',
  'manage:facility:room:timeline',
  'manage:facility:booking:add',
  'manage:facility:booking:list',
  'manage:facility:booking:all',
  'manage:facility:booking:edit',
  'manage:facility:booking:cancel',
  'manage:facility:booking:get',
  'manage:facility:booking:audit:list',
  'manage:facility:booking:audit:approve',
  'manage:facility:booking:audit:reject',
  'manage:facility:setting:get',
  'manage:facility:ban:list',
  'manage:facility:closure:list',
  'manage:facility:top:room',
]

/** The role of people who register at this product. They book in the portal, which requires no permission. */
export const PORTAL_ROLE = 'room:user'
export const STUDENT_WORKER = 'room:student_worker'
export const ROOM_ADMIN = 'room:admin'

export const roles: readonly RoleDefinition[] = [
  { name: PORTAL_ROLE, title: '师生用户', permissions: [] },
  { name: STUDENT_WORKER, title: '学生工作者', permissions: studentWorker },
  { name: ROOM_ADMIN, title: '功能房管理员', permissions: Object.keys(permissions) },
]
