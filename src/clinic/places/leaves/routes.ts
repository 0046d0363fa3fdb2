import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { openStored } from '../../../kernel/files/service.ts'
import type { App } from '../../../kernel/http/app.ts'
import { type Caller, callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import * as decisions from '../../core/decisions/fields.ts'
import { presentStops, StopPreviews } from '../../core/stopPreviews.ts'
import { admin, ids, limits, paged } from '../../fields.ts'
import { doctorLeaveRoutes } from './doctorRoutes.ts'
import * as schemas from './schemas.ts'
import * as service from './service.ts'

const tag = 'Clinic audits'
const Params = ids('audit_id')

/** Routes of leaves and their attachments (seed 3.5–3.9). */
export function leaveRoutes(app: App, kernel: Kernel): void {
  reading(app, kernel)
  ofDepartment(app, kernel)
  deciding(app, kernel)
  attachments(app, kernel)
  doctorLeaveRoutes(app, kernel)
}

function reading(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: admin('/audit/leave'),
    operationId: 'listLeaveAudits',
    permission: 'clinic:audit',
    summary: 'List requests for leave, the newest first',
    tag,
    schema: {
      querystring: decisions.StatusQuery,
      response: { 200: Answer(Type.Object({ audits: Type.Array(schemas.LeaveRow) })) },
    },
    handler: async (request) => {
      const audits = await service.listAll(kernel, request.query.status)
      return answer({ audits: audits.map((leave) => schemas.presentLeave(leave, zone)) })
    },
  })
  route(app, {
    method: 'GET',
    paths: admin('/audit/leave/{audit_id}'),
    operationId: 'getLeaveAudit',
    permission: 'clinic:audit',
    summary: 'Read a request for leave',
    tag,
    schema: { params: Params, response: { 200: Answer(schemas.LeaveRow) } },
    handler: async ({ params }) => answer(schemas.presentLeave(await service.getLeave(kernel, params.audit_id), zone)),
  })
  route(app, {
    method: 'GET',
    paths: admin('/audit/leave/{audit_id}/preview'),
    operationId: 'previewLeaveAudit',
    permission: 'clinic:audit',
    summary: 'See what approving a leave would do; nothing is changed',
    tag,
    schema: { params: Params, response: { 200: Answer(StopPreviews) } },
    handler: async ({ params }) => answer(presentStops(await service.previewLeave(kernel, params.audit_id))),
  })
}

function ofDepartment(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone
  route(app, {
    method: 'GET',
    paths: ['/doctor/leave/audit'],
    operationId: 'listDepartmentLeaves',
    permission: 'clinic:treat',
    summary: 'List requests for leave in your department, for its head',
    tag,
    schema: {
      querystring: paged(decisions.StatusQuery.properties),
      response: { 200: Answer(Type.Object({ total: Type.Integer(), audits: Type.Array(schemas.LeaveRow) })) },
    },
    handler: async (request) => {
      const query = { status: request.query.status, ...limits(request.query) }
      const { items, total } = await service.listOfDepartment(kernel, callerOf(request), query)
      return answer({ total, audits: items.map((leave) => schemas.presentLeave(leave, zone)) })
    },
  })
  route(app, {
    method: 'GET',
    paths: ['/doctor/leave/audit/{audit_id}'],
    operationId: 'getDepartmentLeave',
    permission: 'clinic:treat',
    summary: 'Read a request for leave in your department, for its head',
    tag,
    schema: { params: Params, response: { 200: Answer(schemas.LeaveRow) } },
    handler: async (request) => {
      const leave = await service.getOfDepartment(kernel, callerOf(request), request.params.audit_id)
      return answer(schemas.presentLeave(leave, zone))
    },
  })
}

function deciding(app: App, kernel: Kernel): void {
  for (const verb of ['approve', 'reject'] as const) {
    const description = verb === 'approve' ? 'Stops the doctor’s sessions: orders are refunded and told.' : undefined
    const decide = (
      as: 'administrator' | 'head',
      paths: [string, ...string[]],
      permission: 'clinic:audit' | 'clinic:treat',
    ) =>
      route(app, {
        method: 'POST',
        paths,
        operationId: as === 'head' ? `${verb}DepartmentLeave` : `${verb}LeaveAudit`,
        permission,
        summary: verb === 'approve' ? `Approve a leave as ${as}` : `Reject a leave as ${as}`,
        ...(description !== undefined && { description }),
        tag,
        schema: { params: Params, body: decisions.DecisionBody, response: { 200: Answer(decisions.Decision) } },
        handler: async (request) => {
          const caller = callerOf(request)
          const { audit_id: id } = request.params
          const comment = request.body?.comment ?? ''
          const verdict = { approves: verb === 'approve', comment, by: caller.userId, now: kernel.clock.now() }
          await service.decide(kernel, caller, id, verdict, as)
          return answer(decisions.presentDecision(id, verdict, kernel.config.timeZone))
        },
      })
    decide('administrator', admin(`/audit/leave/{audit_id}/${verb}`), 'clinic:audit')
    decide('head', [`/doctor/leave/audit/{audit_id}/${verb}`], 'clinic:treat')
  }
}

function attachments(app: App, kernel: Kernel): void {
  const File = {
    description: 'The file.',
    content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } },
  }
  const send = async (reply: FastifyReply, caller: Caller, path: string) => {
    const file = await service.attachmentFile(kernel, caller, path)
    reply
      .type(file.content_type)
      .header('content-length', file.bytes)
      .header('cache-control', 'private, no-store')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', "default-src 'none'; sandbox")
    return reply.send(await openStored(kernel, file.name))
  }
  const whom = 'for the person who uploaded it, administrators and heads of departments'
  route(app, {
    method: 'GET',
    paths: admin('/audit/attachment/raw'),
    operationId: 'getAuditAttachment',
    permission: 'signed-in',
    summary: `Read an attachment, ${whom}`,
    tag,
    schema: {
      querystring: Type.Object({ path: Type.String({ minLength: 1, maxLength: 500 }) }),
      response: { 200: File },
    },
    handler: (request, reply) => send(reply, callerOf(request), request.query.path),
  })
  route(app, {
    method: 'GET',
    paths: ['/static/audit/{name}'],
    operationId: 'getAuditAttachmentByPath',
    permission: 'signed-in',
    summary: `Read an attachment by its path, ${whom}`,
    tag,
    schema: {
      params: Type.Object({ name: Type.String({ maxLength: 300, examples: ['12_病假条.pdf'] }) }),
      response: { 200: File },
    },
    handler: (request, reply) => send(reply, callerOf(request), `/static/audit/${request.params.name}`),
  })
}
