import type { RoleDefinition } from '../kernel/identity/roles.ts'
import { permissions as sitePermissions } from '../site/permissions.ts'
import { permissions as supportPermissions } from '../support/permissions.ts'

/** Permissions that venue routes ask for. `public` and `signed-in` routes ask for none of these. */
export const permissions = {
  'venue:reservations.book': 'Book, change and cancel own reservations, join waiting lists, rate visits',
  'venue:reservations.priority': 'Displace ordinary reservations of a full slot',
  'venue:reservations.manage': 'See and change all reservations, approve, check in, send messages about them',
  'venue:catalogue.write': 'Change sport venues, venues, facilities, opening hours, slots, rules and closures',
  'venue:members.manage': 'Grant points, adjust credit',
  'venue:ratings.moderate': 'Hide ratings',
  'venue:statistics.read': 'Read statistics',
} as const

export type VenuePermission = keyof typeof permissions

const book: readonly VenuePermission[] = ['venue:reservations.book']

/** Role of people who register when the venue product is switched on. */
export const EMPLOYEE = 'venue:employee'

/** The administrator (`admin`, over all parts) holds every permission. */
export const roles: readonly RoleDefinition[] = [
  { name: 'venue:visitor', title: '访客', permissions: [] },
  { name: EMPLOYEE, title: '员工', permissions: book },
  { name: 'venue:leader', title: '领导', permissions: [...book, 'venue:reservations.priority'] },
  { name: 'venue:support', title: '客服', permissions: Object.keys(supportPermissions) },
  {
    name: 'venue:admin',
    title: '场馆管理员',
    permissions: Object.keys({ ...permissions, ...sitePermissions, ...supportPermissions }),
  },
]
