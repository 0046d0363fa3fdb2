import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { App } from '../kernel/http/app.ts'
import { absentWhenEmpty } from '../kernel/http/request/inspection.ts'

/** Declares routes that accept their query as a form too: the published client POSTs the filters of an export. */
export function acceptFilterForms(app: App, register: (app: App) => void): void {
  void app.register(async (scope) => {
    const inside = scope.withTypeProvider<TypeBoxTypeProvider>()
    inside.addHook('preValidation', async (request) => {
      if (typeof request.body !== 'object' || request.body === null) return
      request.query = { ...Object(request.query), ...request.body }
      await absentWhenEmpty(request)
    })
    register(inside)
  })
}
