import { type TSchema, Type } from 'typebox'
import type { App } from '../kernel/http/app.ts'
import { type Caller, callerOf } from '../kernel/http/request/caller.ts'
import { idempotent } from '../kernel/http/request/idempotency.ts'
import { route } from '../kernel/http/route.ts'
import { IdParams, type Of, Text } from '../kernel/http/schemas.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { MESSAGE_LENGTH } from './rules.ts'

// Common routes of feedback and tickets. Both are threads: a person begins one, both sides write to it, and it has a
// state.

/** Paths, permission and documentation of one operation. */
interface Place {
  readonly paths: readonly [string, ...string[]]
  readonly operationId?: string
  readonly permission: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
}

/** Registers a route that answers one thread with its messages. */
export function readRoute<W extends TSchema>(
  app: App,
  place: Place,
  whole: W,
  read: (caller: Caller, id: number) => Promise<Of<W>>,
): void {
  route(app, {
    ...place,
    method: 'GET',
    schema: { params: IdParams, response: { 200: whole } },
    handler: (request) => read(callerOf(request), request.params.id),
  })
}

/** Registers a route that adds a message to a thread and returns the whole thread. */
export function messageRoute<W extends TSchema>(
  app: App,
  kernel: Kernel,
  place: Place,
  whole: W,
  say: (kernel: Kernel, caller: Caller, id: number, content: string) => Promise<Of<W>>,
): void {
  route(app, {
    ...place,
    method: 'POST',
    limit: 'message',
    idempotent: true,
    schema: { params: IdParams, body: Type.Object({ content: Text(MESSAGE_LENGTH) }), response: { 201: whole } },
    handler: (request, reply) =>
      idempotent(kernel, request, reply, (joined) =>
        say(joined, callerOf(request), request.params.id, request.body.content),
      ),
  })
}

/** Registers a route that moves a thread into another state and returns the whole thread. */
export function moveRoute<W extends TSchema>(
  app: App,
  place: Place,
  whole: W,
  move: (caller: Caller, id: number) => Promise<Of<W>>,
): void {
  route(app, {
    ...place,
    method: 'POST',
    schema: { params: IdParams, response: { 200: whole } },
    handler: (request) => move(callerOf(request), request.params.id),
  })
}
