import { Type } from 'typebox'
import { originOf } from '../../kernel/audit/origin.ts'
import { ExportAnswer, ExportFormatSchema, sendExport } from '../../kernel/exports/exports.ts'
import type { ExportSource } from '../../kernel/exports/sources.ts'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { route } from '../../kernel/http/route.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { record } from '../../kernel/outbox/outbox.ts'

const Format = Type.Object({ format: Type.Enum([...ExportFormatSchema.enum], { default: 'csv' }) })

/** Paths and documentation of an export. */
interface Place {
  readonly paths: readonly [string, ...string[]]
  readonly operationId?: string
  readonly summary: string
  readonly order?: string
  readonly tag: string
}

/** Registers a route that answers a list as a file. Each export is recorded, because it holds data of many people. */
export function exportRoute(
  app: App,
  kernel: Kernel,
  source: ExportSource,
  { paths, operationId, summary, order, tag }: Place,
): void {
  route(app, {
    method: 'GET',
    paths,
    operationId,
    permission: source.permission,
    summary,
    description:
      'Takes the filters of the list and returns all rows they find, as CSV (UTF-8 with a byte order mark), Excel ' +
      `workbook or PDF (at most 20,000 rows). ${order === undefined ? '' : `${order} `}` +
      'The answer is streamed and may be long. Each export is recorded with the person who made it.',
    tag,
    schema: {
      querystring: Type.Object({ ...source.filters.properties, ...Format.properties }),
      response: { 200: ExportAnswer },
    },
    handler: async (request, reply) => {
      const at = kernel.clock.now()
      const caller = callerOf(request)
      const { format, ...filters } = request.query
      const { rows, count } = source.open(kernel, filters, caller.permissions)
      const { name, columns, resource } = source
      await record(kernel.db, at, { ...originOf(caller), action: `${resource}.export`, resource })
      kernel.nudge()
      return sendExport(reply, { name, format, zone: kernel.config.timeZone, at, columns, rows, count })
    },
  })
}
