import { Type } from 'typebox'
import type { App } from '../../../kernel/http/app.ts'
import { callerOf } from '../../../kernel/http/request/caller.ts'
import { route } from '../../../kernel/http/route.ts'
import type { Kernel } from '../../../kernel/kernel.ts'
import { Answer, answer, Detail, detail } from '../../contract.ts'
import { HIGHEST_PRICE } from '../../core/money/rules.ts'
import { priceFields, priceMembers, pricesFrom } from '../../core/prices/fields.ts'
import { admin } from '../../fields.ts'
import * as service from './service.ts'

const tag = 'Clinic prices'

const Price = Type.Optional(Type.Number({ minimum: 0, maximum: HIGHEST_PRICE, description: 'In yuan.' }))

/** Routes of the prices of the whole hospital. */
export function priceRoutes(app: App, kernel: Kernel): void {
  route(app, {
    method: 'GET',
    paths: admin('/global-prices'),
    permission: 'clinic:manage',
    summary: 'Read the prices of the whole hospital',
    tag,
    schema: { response: { 200: Answer(Type.Object(priceFields)) } },
    handler: async () => answer(priceMembers(await service.globalPrices(kernel))),
  })
  route(app, {
    method: 'PUT',
    paths: admin('/global-prices'),
    permission: 'clinic:manage',
    summary: 'Set prices of the whole hospital',
    description: 'At least one. They count where doctor, clinic and department have no price of their own.',
    tag,
    schema: {
      querystring: Type.Object({
        default_price_normal: Price,
        default_price_expert: Price,
        default_price_special: Price,
      }),
      response: { 200: Detail },
    },
    handler: async (request) => {
      await service.setGlobalPrices(kernel, callerOf(request), pricesFrom(request.query))
      return detail('全局价格配置更新成功')
    },
  })
}
