import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Text } from '../../../kernel/http/schemas.ts'
import { rolesWith } from '../../../kernel/identity/staff.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Done, done, Rows, rowsOf } from '../../contract.ts'
import { Id, listQuery, MANAGE, pageOf } from '../../fields.ts'
import { APPROVE, limitApprover } from './service.ts'
import { listApprovers } from './store.ts'

const tag = 'Room approval'

const ApproverAnswer = Type.Object(
  {
    userId: Id,
    username: Type.String(),
    nickname: Type.String(),
    allBuildings: Type.Boolean(),
    buildings: Type.Array(Type.Object({ id: Id, buildingName: Type.String() })),
  },
  { title: 'RoomApprover' },
)

/** Routes for approvers and the buildings whose bookings they decide about. */
export function approverRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: [`${MANAGE}/approver/list`, `${MANAGE}/approver`],
    permission: 'manage:facility:approver:list',
    summary: 'List approvers and their buildings',
    description: 'Everybody whose roles permit approving. `allBuildings` is true if the approver has no limit.',
    tag,
    schema: {
      querystring: listQuery(['userId', 'username'], { username: Type.Optional(Text(100)) }),
      response: { 200: Rows(ApproverAnswer) },
    },
    handler: async ({ query }) => {
      const page = pageOf(query, { sort: 'userId', descending: false })
      const found = await listApprovers(kernel.db, rolesWith(kernel, APPROVE), query, page)
      return rowsOf(found, (approver) => ({ ...approver, buildings: [...approver.buildings] }))
    },
  })
  route(app, {
    method: 'PUT',
    paths: [`${MANAGE}/approver/{userId}`],
    operationId: 'setApproverBuildings',
    permission: 'manage:facility:approver:edit',
    summary: 'Limit an approver to buildings',
    description:
      'Replaces the approver’s buildings; an empty list lifts the limit. The approver neither sees nor decides ' +
      'about bookings elsewhere.',
    tag,
    schema: {
      params: Type.Object({ userId: Id }),
      body: Type.Object({ buildingIds: Type.Array(Id, { maxItems: 500 }) }),
      response: { 200: Done },
    },
    handler: async (request) => {
      await limitApprover(kernel, callerOf(request), request.params.userId, [...new Set(request.body.buildingIds)])
      return done
    },
  })
}
