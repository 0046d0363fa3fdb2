import type { Person, World } from '../support/world.ts'
import { envelopeOf } from './envelopes.ts'
import { codeOf, type Operation } from './operations.ts'

/** Roles from least to most privileged, each with the operations that it may call and the one before may not. */
export interface Ladder<Role extends string> {
  readonly roles: readonly Role[]
  readonly leastRole: Readonly<Record<Role, readonly string[]>>
  /** The user of each role; `nobody` is not signed in. */
  readonly cast: readonly { readonly role: Role; readonly person: Person | undefined }[]
}

/**
 * An operation as the tables write it: `/x` stands for `/api/v1/x` and `/api/x`, `{}` for any parameter, and
 * `/time-slots` for `/reservation-time-slots` too.
 */
export function tableName({ method, path }: Operation): string {
  const short = path
    .replace(/^\/api\/(?:v1\/)?/, '/')
    .replace('/reservation-time-slots', '/time-slots')
    .replaceAll(/\{\w+\}/g, '{}')
  return `${method} ${short}`
}

const ENDS_THE_ACCESS = /\/logout$|^DELETE .*\/users\/me$/

/** Calls that do not match the table: allowed by mistake, refused by mistake, or refused for a wrong reason. */
export async function misjudged<Role extends string>(
  world: World,
  operations: readonly Operation[],
  { roles, leastRole, cast }: Ladder<Role>,
): Promise<string[]> {
  const least = new Map(roles.flatMap((role) => leastRole[role].map((name) => [name, role] as const)))
  const wrong: string[] = []
  for (const operation of operations) {
    const needed = least.get(tableName(operation))
    if (needed === undefined) throw new Error(`${operation.name} is not written down`)
    for (const { role, person } of cast) {
      // No object has this id, and there is no body: a caller with permission is refused for that.
      const url = operation.path.replaceAll(/\{\w+\}/g, '999999')
      // These calls end the access of a user, so each gets a new one.
      const as = person && ENDS_THE_ACCESS.test(operation.name) ? await world.person('venue:visitor') : person
      const headers = as && { authorization: `Bearer ${as.token}` }
      const answer = await world.app.inject({ method: operation.method, url, ...(headers && { headers }) })
      const code = codeOf(operation, answer)
      const isIn = code !== 401 && code !== 403
      const expected = roles.indexOf(role) >= roles.indexOf(needed)
      const rightRefusal = isIn || code === (person ? 403 : 401)
      const namesPermission =
        code !== 403 || !envelopeOf(operation).namesPermissions || answer.body.includes(operation.permission)
      if (isIn !== expected || !rightRefusal || !namesPermission)
        wrong.push(`${operation.name} to ${role}: ${answer.body}`)
    }
  }
  return wrong
}
