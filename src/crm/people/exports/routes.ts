import { Type } from 'typebox'
import { originOf } from '../../../kernel/audit/origin.ts'
import { CONTENT_TYPES, sendExport, WorkbookAnswer } from '../../../kernel/exports/exports.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { record } from '../../../kernel/outbox/outbox.ts'
import { zoneOf } from '../../core/days.ts'
import { members } from './sources.ts'

const contents = {
  'text/csv': { schema: Type.String() },
  [CONTENT_TYPES.xlsx]: WorkbookAnswer.content[CONTENT_TYPES.xlsx],
}

/** The route that answers the members as a file. */
export function memberExportRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/v1/members/export'],
    operationId: 'exportCrmMembers',
    permission: members.permission,
    summary: 'Export members as a file',
    description:
      'Takes the filters of the list, and a segment, and answers all members that they find, in the order of their ' +
      'ids. Id numbers are masked. Cells that a spreadsheet would run as formulas get an apostrophe in front. Each ' +
      'export is recorded with its number of rows.',
    tag: 'CRM members',
    schema: {
      querystring: Type.Object({
        ...members.filters.properties,
        format: Type.Enum(['csv', 'xlsx'], { default: 'csv' }),
      }),
      response: { 200: { description: 'The file, as an attachment.', content: contents } },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const { format, ...filters } = request.query
      const { rows, count } = members.open(kernel, filters, caller.permissions)
      const total = await count(Number.MAX_SAFE_INTEGER)
      await record(kernel.db, kernel.clock.now(), {
        ...originOf(caller),
        action: 'member.export',
        resource: members.resource,
        changes: { rows: [null, total], filters: [null, filters] },
      })
      kernel.nudge()
      return sendExport(reply, {
        name: members.name,
        format,
        zone: zoneOf(kernel),
        columns: members.columns,
        rows,
      })
    },
  })
}
