import { maskEmail, maskPhone } from './phones.ts'
import type { User } from './users.ts'

type Show = (user: User) => unknown

/** Fields of a person in the operation log. Contact data is masked, because the log outlives the person. */
const shown: readonly { readonly field: string; readonly value: Show; readonly show?: Show }[] = [
  { field: 'username', value: (user) => user.username },
  { field: 'email', value: (user) => user.email, show: (user) => user.email && maskEmail(user.email) },
  { field: 'phone', value: (user) => user.phone, show: (user) => user.phone && maskPhone(user.phone) },
  { field: 'display_name', value: (user) => user.displayName },
  { field: 'department', value: (user) => user.department },
  { field: 'status', value: (user) => user.status },
  { field: 'locale', value: (user) => user.locale },
  { field: 'roles', value: (user) => user.roles.join(' ') },
]

/** `{field: [before, after]}` for each field that differs. */
export function changesOf(before: User, after: User): Record<string, readonly [unknown, unknown]> {
  const changed = shown.filter(({ value }) => value(before) !== value(after))
  return Object.fromEntries(changed.map(({ field, value, show = value }) => [field, [show(before), show(after)]]))
}
