import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, LocalDate, Nullable, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, PageAnswer } from '../../contract.ts'
import { MemberBrief, presentBrief } from '../../core/memberBriefs.ts'
import { IdPath, pages } from '../../fields.ts'
import { MERGED_FIELDS } from './rules.ts'
import * as service from './service.ts'
import { findDuplicates } from './store.ts'

const tag = 'CRM members'

const Side = Type.Enum(['target', 'source'])
const Value = Nullable(Type.Unsafe<string | boolean>({ type: ['string', 'boolean'] }))

const Prefer = Type.Partial(
  Type.Object({
    last_name: Side,
    first_name: Side,
    gender: Side,
    birthday: Side,
    email: Side,
    phone: Side,
    id_number: Side,
    line_uid: Side,
    accept_marketing: Side,
    notes: Side,
  }),
)

const Count = Type.Integer({ minimum: 0 })
const MergePreview = Type.Object({
  target: MemberBrief,
  source: MemberBrief,
  fields: Type.Array(
    Type.Object({
      field: Type.Enum([...MERGED_FIELDS]),
      target: Value,
      source: Value,
      taken: Type.Enum(['target', 'source', 'both']),
      result: Value,
      conflict: Type.Boolean({ description: 'Both have a value, and they differ.' }),
      needs_choice: Type.Boolean({ description: 'The merge is refused until `prefer` names a side.' }),
    }),
  ),
  moves: Type.Object({
    tags: Count,
    messages: Count,
    consumption_records: Count,
    campaigns: Count,
    clicks: Count,
    tag_triggers: Count,
    pms_guests: Count,
  }),
})

const SENTENCES = {
  name_and_birthday: 'The same name and birthday.',
  name_and_display_name: 'The same name and LINE display name.',
} as const

const DuplicateMember = Type.Object({ ...MemberBrief.properties, birthday: Nullable(LocalDate) })
const DuplicatesOf = Type.Object({
  reason: Type.Enum(['name_and_birthday', 'name_and_display_name']),
  explanation: Type.String(),
  members: Type.Array(DuplicateMember),
})

/** Routes for finding members who are one person, and for merging them. */
export function mergingRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/members/duplicates'],
    operationId: 'listCrmDuplicateMembers',
    permission: 'crm:members.read',
    summary: 'List members who are probably the same person',
    description:
      'Groups of members with the same name (in either order, without spaces) and the same birthday or the same LINE ' +
      'display name. Phone numbers, e-mail addresses, id numbers and LINE accounts belong to one member only.',
    tag,
    schema: { querystring: pages(20, {}), response: { 200: PageAnswer(DuplicatesOf) } },
    handler: async ({ query }) => {
      const { groups, total } = await findDuplicates(kernel.db, { limit: query.page_size, offset: pageOffset(query) })
      const items = groups.map(({ reason, members }) => ({
        reason,
        explanation: SENTENCES[reason],
        members: members.map((member) => ({ ...presentBrief(member), birthday: member.birthday })),
      }))
      return answer(pageAnswer(items, total, query))
    },
  })

  route(app, {
    method: 'GET',
    paths: ['/api/v1/members/{id}/merge/{from_id}'],
    operationId: 'previewCrmMemberMerge',
    permission: 'crm:members.write',
    summary: 'Show what a merge would do',
    description: 'The member `from_id` (source) would be merged into `id` (target).',
    tag,
    schema: { params: Type.Object({ id: Id, from_id: Id }), response: { 200: Answer(MergePreview) } },
    handler: async ({ params }) => {
      const { target, source, ...rest } = await service.previewMerge(kernel, params.id, params.from_id)
      return answer({
        target: presentBrief(target),
        source: presentBrief(source),
        fields: [...rest.fields],
        moves: rest.moves,
      })
    },
  })

  route(app, {
    method: 'POST',
    paths: ['/api/v1/members/{id}/merge'],
    operationId: 'mergeCrmMembers',
    permission: 'crm:members.write',
    summary: 'Merge another member into this one',
    description:
      'Tags, messages, consumption, campaigns, clicks and everything else of `from_id` go to this member. Empty fields ' +
      'are filled; where both have a value, this member’s is kept unless `prefer` says `source`. Notes are joined. ' +
      'Marketing is accepted only if both do. Different LINE accounts or id numbers must be decided by `prefer` (409 ' +
      '`needs_choice`). The other member is deleted, and asking for it answers 404 `merged`. This can’t be undone: ' +
      'look at the preview first.',
    tag,
    schema: {
      params: IdPath,
      body: Type.Object({ from_id: Id, prefer: Type.Optional(Prefer) }),
      response: { 200: Answer(MemberBrief) },
    },
    handler: async (request) => {
      const { id } = request.params
      const { from_id: fromId, prefer = {} } = request.body
      await service.mergeMembers(kernel, callerOf(request), id, { fromId, prefer })
      return answer(presentBrief(await service.briefOf(kernel.db, id)), 'Members merged successfully')
    },
  })
}
