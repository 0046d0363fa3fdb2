import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { memberFilters } from '../../core/memberFilters.ts'
import { changeTags, MOST_MEMBERS } from './service.ts'

const Ids = (most: number) => Type.Array(Id, { minItems: 1, maxItems: most, uniqueItems: true })
/** Tags of one request: the number of rows to write is this times the number of members. */
const MOST_TAGS = 10

/** The route that tags many members. */
export function bulkTagRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/api/v1/members/bulk-tags'],
    operationId: 'changeTagsOfCrmMembers',
    permission: 'crm:members.write',
    summary: 'Put tags on many members, or take them off',
    description:
      'Exactly one of `member_ids`, `segment_id` and `filter` (as in the list of members) selects the members, at most ' +
      `${MOST_MEMBERS}. All or nothing. An interaction tag that is put on counts as a trigger by hand.`,
    tag: 'CRM members',
    schema: {
      body: Type.Object({
        // uniqueItems would compare every id with every other one.
        member_ids: Type.Optional(Type.Array(Id, { minItems: 1, maxItems: MOST_MEMBERS })),
        segment_id: Type.Optional(Id),
        filter: Type.Optional(
          Type.Object(memberFilters, { minProperties: 1, description: 'The filters of the list of members.' }),
        ),
        add: Type.Optional(Ids(MOST_TAGS)),
        remove: Type.Optional(Ids(MOST_TAGS)),
      }),
      response: {
        200: Answer(
          Type.Object({
            members: Type.Integer({ description: 'Members that were selected.' }),
            added: Type.Integer({ description: 'Tags that were put on; members who had them already don’t count.' }),
            removed: Type.Integer({ description: 'Tags that were taken off.' }),
          }),
        ),
      },
    },
    handler: async (request) =>
      answer({ ...(await changeTags(kernel, callerOf(request), request.body)) }, 'Tags changed successfully'),
  })
}
