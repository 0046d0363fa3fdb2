import { Type } from 'typebox'
import type { App } from '../../kernel/http/app.ts'
import { callerOf } from '../../kernel/http/request/caller.ts'
import { idempotent } from '../../kernel/http/request/idempotency.ts'
import { route } from '../../kernel/http/route.ts'
import {
  Id,
  IdParams,
  Instant,
  Nullable,
  type Of,
  pageAnswer,
  pageAsked,
  pageOf,
  pageQuery,
  Text,
} from '../../kernel/http/schemas.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { localTimestamp } from '../../kernel/time.ts'
import { v1 } from '../../site/paths.ts'
import { MANAGE } from '../permissions.ts'
import { presentReply, presentThread, ReplySchema, threadFields } from '../schemas.ts'
import { messageRoute, moveRoute, readRoute } from '../threadRoutes.ts'
import { PRIORITIES, TICKET_STATUSES } from './rules.ts'
import * as service from './service.ts'
import type { Ticket } from './store.ts'

const tag = 'Support tickets'
const Status = Type.Enum([...TICKET_STATUSES])
const Urgency = Type.Enum([...PRIORITIES])
const Category = Text(50, { examples: ['账号'] })

const summary = {
  ...threadFields,
  subject: Type.String(),
  description: Type.String(),
  category: Nullable(Type.String()),
  priority: Urgency,
  status: Status,
  assignee: Nullable(Id),
  assignee_name: Nullable(Type.String()),
  ended_at: Nullable(Instant),
}
const Summary = Type.Object(summary, { title: 'TicketSummary' })
const Whole = Type.Object({ ...summary, messages: Type.Array(ReplySchema) }, { title: 'Ticket' })

const RequestBody = Type.Object({
  subject: Text(120, { examples: ['无法登录'] }),
  description: Text(5000),
  priority: Type.Optional(Type.Enum([...PRIORITIES], { description: 'Default: `normal`.' })),
  category: Type.Optional(Category),
})

const sorts = ['created_at', 'updated_at', 'priority', 'id'] as const
const filters = {
  status: Type.Optional(Status),
  priority: Type.Optional(Urgency),
  category: Type.Optional(Category),
}
const MyQuery = pageQuery(sorts, filters, '-created_at')
const AllQuery = pageQuery(
  sorts,
  {
    ...filters,
    user_id: Type.Optional(Id),
    assignee: Type.Optional(Id),
    q: Type.Optional(Text(100, { description: 'Text to search for in subject and description.' })),
  },
  '-created_at',
)

function presentSummary(ticket: Ticket, zone: string): Of<typeof Summary> {
  return {
    ...presentThread(ticket, zone),
    subject: ticket.subject,
    description: ticket.description,
    category: ticket.category,
    priority: ticket.priority,
    status: ticket.status,
    assignee: ticket.assigneeId,
    assignee_name: ticket.assigneeName,
    ended_at: ticket.endedAt && localTimestamp(ticket.endedAt, zone),
  }
}

function presentWhole(ticket: service.WholeTicket, zone: string): Of<typeof Whole> {
  const messages = ticket.messages.map((message) => presentReply(message, zone))
  return { ...presentSummary(ticket, zone), messages }
}

/** Routes for requests for help and their handling. */
export function ticketRoutes(app: App, kernel: Kernel): void {
  const zone = kernel.config.timeZone

  route(app, {
    method: 'POST',
    paths: v1('/support/tickets'),
    permission: 'signed-in',
    summary: 'Ask support for help',
    tag,
    limit: 'message',
    idempotent: true,
    schema: { body: RequestBody, response: { 201: Whole } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, async (kernel) =>
        presentWhole(await service.openTicket(kernel, callerOf(request), request.body), zone),
      ),
  })
  route(app, {
    method: 'GET',
    paths: v1('/support/tickets'),
    operationId: 'listMyTickets',
    permission: 'signed-in',
    summary: 'List your own tickets',
    tag,
    schema: { querystring: MyQuery, response: { 200: pageOf(Summary) } },
    handler: (request) => list(kernel, { ...request.query, user_id: callerOf(request).userId }),
  })
  readRoute(
    app,
    {
      paths: v1('/support/tickets/{id}'),
      permission: 'signed-in',
      summary: 'Read a ticket with its messages',
      description: 'For its owner and for support; 404 for others.',
      tag,
    },
    Whole,
    async (caller, id) => presentWhole(await service.getTicket(kernel, caller, id), zone),
  )
  messageRoute(
    app,
    kernel,
    {
      paths: v1('/support/tickets/{id}/messages'),
      permission: 'signed-in',
      summary: 'Write to a ticket',
      description:
        'Its owner and support may write; the other side is told. A message of support takes an open ticket into ' +
        'work, a message of the owner ends `waiting`. A ticket that is resolved or closed can’t be written to ' +
        '(`bad_state`): open it again first.',
      tag,
    },
    Whole,
    async (kernel, caller, id, content) => presentWhole(await service.reply(kernel, caller, id, content), zone),
  )
  moveRoute(
    app,
    {
      paths: v1('/support/tickets/{id}/close'),
      permission: 'signed-in',
      summary: 'Close your own ticket',
      tag,
    },
    Whole,
    async (caller, id) => presentWhole(await service.closeOwn(kernel, caller, id), zone),
  )
  moveRoute(
    app,
    {
      paths: v1('/support/tickets/{id}/reopen'),
      permission: 'signed-in',
      summary: 'Open your own ticket again',
      description: 'Within 14 days after it was resolved or closed (later: `too_late_to_reopen`).',
      tag,
    },
    Whole,
    async (caller, id) => presentWhole(await service.reopenOwn(kernel, caller, id), zone),
  )
  work(app, kernel)
}

async function list(kernel: Kernel, query: Of<typeof AllQuery>) {
  const page = pageAsked(query)
  const { status, priority, category, q } = query
  const filter = { status, priority, category, q, userId: query.user_id, assigneeId: query.assignee }
  const { items, total } = await service.listTickets(kernel, filter, page)
  const shown = items.map((ticket) => presentSummary(ticket, kernel.config.timeZone))
  return pageAnswer(shown, total, query)
}

function work(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: ['/api/admin/support/tickets'],
    operationId: 'listAllTickets',
    permission: MANAGE,
    summary: 'List everybody’s tickets',
    tag,
    schema: { querystring: AllQuery, response: { 200: pageOf(Summary) } },
    handler: ({ query }) => list(kernel, query),
  })
  route(app, {
    method: 'PUT',
    paths: ['/api/admin/support/tickets/{id}'],
    permission: MANAGE,
    summary: 'Change state, priority or assignee of a ticket',
    description:
      'open → in_progress, waiting, resolved, closed; in_progress → open, waiting, resolved, closed; waiting → ' +
      'open, in_progress, resolved, closed; resolved → open, in_progress, closed; closed → open, in_progress. Other ' +
      'moves are `bad_state`. The assignee must be in support (`assignee_not_staff`); null means nobody. The owner ' +
      'is told.',
    tag,
    schema: {
      params: IdParams,
      body: Type.Object(
        {
          status: Type.Optional(Status),
          priority: Type.Optional(Urgency),
          assignee: Type.Optional(Nullable(Id)),
        },
        { minProperties: 1 },
      ),
      response: { 200: Whole },
    },
    handler: async (request) => {
      const ticket = await service.changeTicket(kernel, callerOf(request), request.params.id, request.body)
      return presentWhole(ticket, kernel.config.timeZone)
    },
  })
}
