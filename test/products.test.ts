import { describe, expect, it } from 'vitest'
import { clinic } from '../src/clinic/product.ts'
import { room } from '../src/room/product.ts'
import { venue } from '../src/venue/product.ts'
import { openWorld } from './support/world.ts'

/** The products named by the kernel's own routes and by the parts that every product has. */
const shared: unknown[] = [undefined, 'site', 'support']

describe.each([
  {
    on: room,
    off: venue,
    own: '/portal/facility/notice/list',
    others: ['/api/v1/venues', '/api/v1/reservations', '/api/v1/stats/venue-usage', '/patient/hospitals'],
    forbidden: '/manage/facility/booking/audit/list',
  },
  {
    on: venue,
    off: room,
    own: '/api/v1/notifications',
    others: ['/getInfo', '/prod-api/getInfo', '/captchaImage', '/portal/facility/notice/list', '/admin/doctors'],
    forbidden: '/api/admin/users',
  },
  {
    on: clinic,
    off: room,
    own: '/auth/me',
    others: ['/getInfo', '/captchaImage', '/api/v1/venues', '/api/v1/reservations'],
    forbidden: '/admin/patients',
  },
])('With only the product $on.name', ({ on, off, own, others, forbidden }) => {
  it('there are no paths and jobs of the other product', async () => {
    const world = await openWorld({ PRODUCTS: on.name })
    const as = await world.person(on.roles[0]?.name)
    expect((await world.call('GET', own, { as })).status).toBe(200)
    for (const path of others) {
      expect([path, await world.call('GET', path, { as })]).toMatchObject([path, { status: 404 }])
    }
    for (const { name } of off.jobs) expect(() => world.system.jobs.runNow(name)).toThrow('no job')
    for (const { name, cron } of on.jobs) if (cron !== undefined) await world.system.jobs.runNow(name)
    expect((await world.verify()).length).toBe(0)
    await world.close()
  })

  it('the API reference shows only this product and uses its log-in', async () => {
    const world = await openWorld({ PRODUCTS: on.name })
    expect((await world.call('GET', `/openapi/${off.name}.json`)).status).toBe(404)
    for (const path of ['/openapi.json', `/openapi/${on.name}.json`]) {
      const { body } = await world.call('GET', path)
      expect(body.components.securitySchemes.password.flows.password.tokenUrl).toBe(on.tokenUrl)
      const tags = Object.values(body.paths).flatMap((methods) => Object.values(Object(methods)))
      const products = new Set(tags.map((operation) => Object(operation)['x-product']))
      expect([...products].filter((product) => !shared.includes(product))).toEqual([on.name])
    }
    await world.close()
  })

  it('an administrator of the other product has no permission', async () => {
    const world = await openWorld({ PRODUCTS: on.name })
    const admin = off.roles.at(-1)?.name
    const as = await world.person(admin)
    const { status, body } = await world.call('GET', forbidden, { as })
    expect(on.name === 'room' ? body.code : status).toBe(403)
    await world.close()
  })
})

it('With all products, each API reference uses the log-in of its product', async () => {
  const world = await openWorld()
  for (const { name, tokenUrl } of [room, venue, clinic]) {
    const { body } = await world.call('GET', `/openapi/${name}.json`)
    expect(body.components.securitySchemes.password.flows.password.tokenUrl).toBe(tokenUrl)
  }
  await world.close()
})
