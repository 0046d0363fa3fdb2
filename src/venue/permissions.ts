import type { RoleDefinition } from '../kernel/product.ts'

/** What a venue route may ask for. `public` and `signed-in` routes ask for none of these. */
export const permissions = {
  'venue:reservations.book': 'Book, change and cancel one’s own reservations, wait for places, rate',
  'venue:reservations.priority': 'Displace ordinary reservations of a full slot',
  'venue:reservations.manage': 'See and change everybody’s reservations, approve, check in, send notices',
  'venue:catalogue.write': 'Change sport venues, venues, facilities, opening hours, slots, rules and closures',
  'venue:members.manage': 'Grant points, adjust credit',
  'venue:ratings.moderate': 'Hide ratings',
  'venue:statistics.read': 'Read statistics',
  'venue:users.read': 'See everybody’s account',
  'venue:users.write': 'Change and delete accounts',
  'venue:roles.write': 'Grant and revoke roles',
  'venue:legal.write': 'Publish the privacy policy and the terms',
  'venue:logs.read': 'Read everybody’s operation log and the log-in log',
  'venue:support.manage': 'Answer feedback and tickets, keep the frequent questions',
  'venue:support.agent': 'Read chats with support and answer in them',
  'venue:notifications.manage': 'Change notification types, templates and controls; send to people and audiences',
  'venue:notifications.read': 'Read what was sent to everybody, and the figures',
  'venue:contacts.read': 'See addresses and numbers unmasked in lists and exports',
  'venue:jobs.manage': 'Look at failed background work, retry it or drop it',
} as const

export type VenuePermission = keyof typeof permissions

const book: readonly VenuePermission[] = ['venue:reservations.book']

/** The administrator (`admin`, over all products) holds every permission. */
export const roles: readonly RoleDefinition[] = [
  { name: 'venue:visitor', title: '访客', permissions: [] },
  { name: 'venue:employee', title: '员工', permissions: book },
  { name: 'venue:leader', title: '领导', permissions: [...book, 'venue:reservations.priority'] },
  { name: 'venue:support', title: '客服', permissions: ['venue:support.manage', 'venue:support.agent'] },
  { name: 'venue:admin', title: '场馆管理员', permissions: Object.keys(permissions) },
]
