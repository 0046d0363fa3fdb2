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

const tag = 'Room bookings (staff)'
const permission = 'manage:facility:booking:all'
const paths = [`${MANAGE}/booking/{id}/no-show`] as const
const schema = { params: IdParams, response: { 200: Done } }

/** Routes for noting no-shows. */
export function noShowRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'PUT',
    paths,
    operationId: 'noteNoShow',
    permission,
    summary: 'Note a no-show',
    description:
      `From the start of a booking until ${NOTE_DAYS} days after its end. Repeating it changes nothing. ${NO_SHOWS} ` +
      `no-shows of an applicant within ${NO_SHOW_DAYS} days lead to a proposed ban (\`ban/list?status=2\`).`,
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
    summary: 'Take back a no-show',
    description: 'Withdraws a proposed ban that depends on it. A ban in force stays until it is lifted.',
    tag,
    schema,
    handler: async (request) => {
      await undoNoShow(kernel, callerOf(request), request.params.id)
      return done
    },
  })
}
