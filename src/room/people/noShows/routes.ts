import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import { IdParams } from '../../../kernel/http/schemas.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Done, done } from '../../contract.ts'
import { NO_SHOW_DAYS, NO_SHOWS } from '../../core/bans/rules.ts'
import { MANAGE } from '../../fields.ts'
import { NOTE_DAYS } from './rules.ts'
import { noteNoShow, undoNoShow } from './service.ts'

const tag = 'Room bookings (desk)'
const permission = 'manage:facility:booking:all'
const paths = [`${MANAGE}/booking/{id}/no-show`] as const
const schema = { params: IdParams, response: { 200: Done } }

/** Noting that nobody came. */
export function noShowRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths,
    operationId: 'noteNoShow',
    permission,
    summary: 'Note that nobody came',
    description:
      `From the start of a booking until ${NOTE_DAYS} days after its end; again is fine. ${NO_SHOWS} of an applicant within ` +
      `${NO_SHOW_DAYS} days make a proposed ban (\`ban/list?status=2\`).`,
    tag,
    schema,
    handler: async (request) => {
      await noteNoShow(kernel, callerOf(request), request.params.id)
      return done
    },
  })
  route(app, {
    method: 'DELETE',
    paths,
    operationId: 'removeNoShow',
    permission,
    summary: 'Take the note back that nobody came',
    description: 'A proposed ban that rests on it is withdrawn; one in force stays until it is lifted.',
    tag,
    schema,
    handler: async (request) => {
      await undoNoShow(kernel, callerOf(request), request.params.id)
      return done
    },
  })
}
