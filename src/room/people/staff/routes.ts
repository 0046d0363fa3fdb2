import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Nullable } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Done, done } from '../../contract.ts'
import { Id, MANAGE } from '../../fields.ts'
import { appoint } from './service.ts'

/** Routes for staff. The list of approvers shows them. */
export function staffRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/staff/{userId}`],
    operationId: 'setStaffRole',
    permission: 'manage:facility:staff:edit',
    summary: 'Make a person an administrator or a student worker',
    description: 'Null removes both roles. In force from the person’s next request; roles in other products stay.',
    tag: 'Room rules',
    schema: {
      params: Type.Object({ userId: Id }),
      body: Type.Object({ role: Nullable(Type.Enum(['admin', 'student_worker'])) }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await appoint(kernel, callerOf(request), request.params.userId, request.body.role)
      return done
    },
  })
}
