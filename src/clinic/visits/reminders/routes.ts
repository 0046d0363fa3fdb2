import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { ids } from '../../fields.ts'
import { remindNow } from './service.ts'

/** The route by which people send themselves the reminder of a visit. */
export function reminderRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'POST',
    paths: ['/patient/appointments/{id}/send-reminder'],
    operationId: 'remindMeOfAppointment',
    permission: 'signed-in',
    summary: 'Send the reminder of one of your visits now, once an hour',
    tag: 'Clinic appointments',
    schema: {
      params: ids('id'),
      response: { 200: Answer(Type.Object({ success: Type.Literal(true), detail: Type.String() })) },
    },
    handler: async (request) => {
      await remindNow(kernel, callerOf(request), request.params.id)
      return answer({ success: true as const, detail: '就诊提醒已发送' })
    },
  })
}
