import { Type } from 'typebox'
import { CONTENT_TYPES, sendExport, WorkbookAnswer } from '../../../kernel/exports/exports.ts'
import { fromMemory } from '../../../kernel/exports/rows.ts'
import { acceptUploads, uploadedNamedFile } from '../../../kernel/files/upload.ts'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { Id, Instant, Nullable, type Of, pageAnswer, pageOffset } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, PageAnswer } from '../../contract.ts'
import { zoneOf } from '../../core/days.ts'
import { COLUMN_HEADINGS } from '../../core/memberColumns.ts'
import { IdPath, pages } from '../../fields.ts'
import { previewImport } from './preview.ts'
import * as service from './service.ts'
import { MOST_ROWS } from './sheet.ts'
import { type Import, listImports } from './store.ts'

const shared = { tag: 'CRM members', permission: 'crm:members.write' } as const
const PATH = '/api/v1/members/import'

const OnExisting = Type.Enum(['skip', 'fill', 'overwrite'])
const RowStates = Type.Enum(['valid', 'invalid', 'created', 'updated', 'skipped', 'failed'])
const States = Type.Enum(['previewed', 'queued', 'running', 'done', 'cancelled', 'expired'])
const Count = Type.Integer({ minimum: 0 })

const ImportRow = Type.Object({
  line: Type.Integer({ description: 'The line in the file; the headings are line 1.' }),
  state: RowStates,
  action: Nullable(Type.Enum(['create', 'update', 'skip'])),
  member_id: Nullable(Id),
  member: Nullable(
    Type.Record(Type.String(), Type.Unknown(), {
      description: 'What was read, with a masked id number. Null once the row is imported.',
    }),
  ),
  errors: Type.Array(Type.Object({ field: Type.String(), message: Type.String() })),
})

const fields = {
  id: Id,
  file_name: Type.String(),
  state: States,
  on_existing: OnExisting,
  create_tags: Type.Boolean(),
  total: Count,
  valid: Count,
  created: Count,
  updated: Count,
  skipped: Count,
  failed: Count,
  created_by: Nullable(Type.Object({ id: Id, name: Type.String() })),
  created_at: Instant,
  finished_at: Nullable(Instant),
}
const ImportBrief = Type.Object(fields)
const detail = {
  ...fields,
  invalid: Count,
  columns: Type.Array(Type.Object({ heading: Type.String(), field: Type.String() })),
  ignored_columns: Type.Array(Type.String()),
  plan: Type.Object({ create: Count, update: Count, skip: Count }, { description: 'What the valid rows would do.' }),
}
const ImportDetail = Type.Object({
  ...detail,
  failures: Type.Array(ImportRow, { description: 'The first 100 rows that are invalid or have failed.' }),
})
const ImportPreview = Type.Object({ ...detail, rows: Type.Array(ImportRow, { description: 'The first 20.' }) })

function present(one: Import): Of<typeof ImportBrief> {
  const { id, state, total, valid, created, updated, skipped, failed, createdBy } = one
  return {
    ...{ id, state, total, valid, created, updated, skipped, failed },
    file_name: one.fileName,
    on_existing: one.onExisting,
    create_tags: one.createTags,
    created_by: createdBy === null ? null : { id: createdBy, name: one.createdByName ?? '' },
    created_at: one.createdAt.toISOString(),
    finished_at: one.finishedAt?.toISOString() ?? null,
  }
}

async function detailOf(kernel: Kernel, id: number) {
  const { found, actions } = await service.getImport(kernel, id)
  const of = (action: 'create' | 'update' | 'skip') => actions.get(action) ?? 0
  return {
    ...present(found),
    invalid: found.total - found.valid,
    columns: found.columns.map((column) => ({ ...column })),
    ignored_columns: [...found.ignored],
    plan: { create: of('create'), update: of('update'), skip: of('skip') },
  }
}

function presentRow({ memberId, member, errors, ...row }: service.ShownRow): Of<typeof ImportRow> {
  return {
    ...row,
    member_id: memberId,
    member: member && { ...member.fields, ...(member.tags.length > 0 && { tags: member.tags }) },
    errors: errors.map((error) => ({ ...error })),
  }
}

const SHOWN_ROWS = 20
const SHOWN_FAILURES = 100

/** Routes for importing members from files: first a preview, then a job. */
export function memberImportRoutes(app: App, kernel: Kernel): void {
  uploading(app, kernel)
  reading(app, kernel)
  deciding(app, kernel)
}

function uploading(app: App, kernel: Kernel): void {
  acceptUploads(app, (uploads) =>
    route(uploads, {
      ...shared,
      method: 'POST',
      paths: [PATH],
      operationId: 'previewCrmMemberImport',
      summary: 'Upload a file with members, and see what it would do',
      description:
        `A form with one file: CSV (UTF-8, UTF-16 or Big5) or the first sheet of a workbook (.xlsx), at most 10 MB and ` +
        `${MOST_ROWS} rows. The first row has the headings, in Chinese or English and in any order. Nothing is changed ` +
        'until the import is committed. A row about a known member (same id number, phone number or e-mail address) ' +
        'fills empty fields, is skipped or overwrites fields, as `on_existing` says. A row that fits several members ' +
        'is refused. Rows are kept encrypted, and deleted after the import or after 7 days.',
      schema: {
        querystring: Type.Object({
          on_existing: Type.Enum(['skip', 'fill', 'overwrite'], { default: 'fill' }),
          create_tags: Type.Boolean({ default: false, description: 'Add tags that don’t exist yet.' }),
        }),
        response: { 200: Answer(ImportPreview) },
      },
      handler: async (request) => {
        const { bytes, name } = await uploadedNamedFile(request)
        const { on_existing: onExisting, create_tags: createTags } = request.query
        const fileName = name.toWellFormed().replaceAll('\0', '')
        const id = await previewImport(kernel, callerOf(request), bytes, { fileName, onExisting, createTags })
        const { items } = await service.getRows(kernel, id, { limit: SHOWN_ROWS, offset: 0 })
        return answer({ ...(await detailOf(kernel, id)), rows: items.map(presentRow) })
      },
    }),
  )

  route(app, {
    ...shared,
    method: 'GET',
    paths: [`${PATH}/template`],
    operationId: 'downloadCrmImportTemplate',
    summary: 'Download an empty file for the import',
    schema: {
      querystring: Type.Object({ format: Type.Enum(['csv', 'xlsx'], { default: 'xlsx' }) }),
      response: {
        200: {
          description: 'The file, as an attachment.',
          content: {
            'text/csv': { schema: Type.String() },
            [CONTENT_TYPES.xlsx]: WorkbookAnswer.content[CONTENT_TYPES.xlsx],
          },
        },
      },
    },
    handler: ({ query }, reply) =>
      sendExport(reply, {
        name: '會員匯入範本',
        format: query.format,
        zone: zoneOf(kernel),
        columns: Object.values(COLUMN_HEADINGS),
        rows: fromMemory([]),
      }),
  })
}

function reading(app: App, kernel: Kernel): void {
  route(app, {
    ...shared,
    method: 'GET',
    paths: [PATH],
    operationId: 'listCrmMemberImports',
    summary: 'List the imports of members, the latest first',
    schema: { querystring: pages(20, { state: Type.Optional(States) }), response: { 200: PageAnswer(ImportBrief) } },
    handler: async ({ query }) => {
      const page = { state: query.state, limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await listImports(kernel.db, page)
      return answer(pageAnswer(items.map(present), total, query))
    },
  })

  route(app, {
    ...shared,
    method: 'GET',
    paths: [`${PATH}/{id}`],
    operationId: 'getCrmMemberImport',
    summary: 'See how far an import is, and which rows failed',
    schema: { params: IdPath, response: { 200: Answer(ImportDetail) } },
    handler: async ({ params }) => {
      const shown = await detailOf(kernel, params.id)
      const page = { states: ['invalid', 'failed'] as const, limit: SHOWN_FAILURES, offset: 0 }
      const { items } = await service.getRows(kernel, params.id, page)
      return answer({ ...shown, failures: items.map(presentRow) })
    },
  })

  route(app, {
    ...shared,
    method: 'GET',
    paths: [`${PATH}/{id}/rows`],
    operationId: 'listCrmMemberImportRows',
    summary: 'List the rows of an import, by line',
    schema: {
      params: IdPath,
      querystring: pages(50, { state: Type.Optional(RowStates) }),
      response: { 200: PageAnswer(ImportRow) },
    },
    handler: async ({ params, query }) => {
      const { state } = query
      const page = { ...(state && { states: [state] }), limit: query.page_size, offset: pageOffset(query) }
      const { items, total } = await service.getRows(kernel, params.id, page)
      return answer(pageAnswer(items.map(presentRow), total, query))
    },
  })
}

function deciding(app: App, kernel: Kernel): void {
  const decisions = [
    {
      what: 'commit',
      operationId: 'commitCrmMemberImport',
      summary: 'Import the valid rows of a preview',
      description: 'The rows are imported in the background, each once. What the preview decided is judged again.',
      decide: service.commitImport,
      sentence: 'Import started',
    },
    {
      what: 'cancel',
      operationId: 'cancelCrmMemberImport',
      summary: 'Stop an import',
      description: 'Rows that were imported already stay.',
      decide: service.cancelImport,
      sentence: 'Import cancelled',
    },
  ] as const
  for (const { what, decide, sentence, ...described } of decisions)
    route(app, {
      ...shared,
      ...described,
      method: 'POST',
      paths: [`${PATH}/{id}/${what}`],
      schema: { params: IdPath, response: { 200: Answer(ImportBrief) } },
      handler: async (request) => {
        const { id } = request.params
        await decide(kernel, callerOf(request), id)
        return answer(present((await service.getImport(kernel, id)).found), sentence)
      },
    })
}
