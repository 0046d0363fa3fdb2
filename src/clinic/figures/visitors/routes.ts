import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer } from '../../contract.ts'
import { clinicSettings } from '../../settings.ts'
import { countVisitors, MOST_DAYS, visitStatistics } from './service.ts'

/** Counts the visitors of all routes of this scope that are declared after it, and shows how many there were. */
export function visitorRoutes(app: App, kernel: Kernel): void {
  const counter = countVisitors(app, kernel)
  route(app, {
    method: 'GET',
    paths: ['/statistics/visits'],
    operationId: 'countClinicVisits',
    permission: 'signed-in',
    summary: 'Page views, and their growth',
    description: 'Of the last `compare_days` days with today, against as many days before.',
    tag: 'Clinic statistics',
    schema: {
      querystring: Type.Object({
        compare_days: Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_DAYS })),
      }),
      response: {
        200: Answer(
          Type.Object({
            total_visits: Type.Integer(),
            total_visitors: Type.Integer({ description: 'Distinct clients of each day.' }),
            growth_percent: Type.Number(),
            compare_days: Type.Integer(),
          }),
        ),
      },
    },
    handler: async ({ query }) => {
      const days = query.compare_days ?? clinicSettings.of(kernel.config).compareDays
      const { views, visitors, growth } = await visitStatistics(kernel, counter, days)
      return answer({ total_visits: views, total_visitors: visitors, growth_percent: growth, compare_days: days })
    },
  })
}
