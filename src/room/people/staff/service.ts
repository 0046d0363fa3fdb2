import { Conflict, Forbidden, NotFound } from '../../../kernel/errors.ts'
import type { Caller } from '../../../kernel/http/request/caller.ts'
import { changeRoles } from '../../../kernel/identity/accounts/administration.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { ROOM_ADMIN, STUDENT_WORKER } from '../../permissions.ts'

/** The roles of staff, in the words of the published client. */
export const STAFF_ROLES = { admin: ROOM_ADMIN, student_worker: STUDENT_WORKER } as const

/**
 * Makes a person an administrator of this product, a student worker or (null) neither, from the next request. Their
 * roles in other products stay.
 * @throws NotFound, Conflict `own_role`, Forbidden `beyond_own_rights` if the role permits more than the caller may do.
 */
export async function appoint(
  kernel: Kernel,
  caller: Caller,
  userId: number,
  role: keyof typeof STAFF_ROLES | null,
): Promise<void> {
  if (userId === caller.userId) throw new Conflict('own_role', '不能更改自己的角色')
  const staff: readonly string[] = Object.values(STAFF_ROLES)
  try {
    await changeRoles(kernel, caller, userId, (roles) => [
      ...roles.filter((name) => !staff.includes(name)),
      ...(role === null ? [] : [STAFF_ROLES[role]]),
    ])
  } catch (error) {
    if (error instanceof NotFound) throw new NotFound(error.code, '用户不存在')
    if (error instanceof Forbidden) throw new Forbidden(error.code, '不能授予或撤销超出自己权限的角色')
    throw error
  }
}
