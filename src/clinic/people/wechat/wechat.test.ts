import { afterAll, expect, it } from 'vitest'
import { patient } from '../../../../test/support/clinic.ts'
import { type Method, openWorld } from '../../../../test/support/world.ts'

const world = await openWorld({ PRODUCTS: 'clinic' })
afterAll(() => world.close())
const person = await patient(world)

it.each<[Method, string, object | undefined]>([
  ['GET', 'bindinfo', undefined],
  ['GET', 'authorized?templateId=abc', undefined],
  ['POST', 'subscribe-auth', { scene: 'booking', result: { abc: 'accept' } }],
  ['POST', 'subscribe-auth', undefined],
])('%s %s answers that nobody is bound', async (method, path, payload) => {
  const answer = await world.call(method, `/patient/wechat/${path}`, { as: person, ...(payload && { payload }) })
  expect(answer.body).toMatchObject({
    code: 0,
    message: { bound: false, maskedOpenid: null, authorizedTemplates: [], allTemplateStatuses: [] },
  })
  expect((await world.call(method, `/patient/wechat/${path}`, payload ? { payload } : {})).status).toBe(401)
})

it('refuses to bind, and says how messages come', async () => {
  const answer = await world.call('POST', '/patient/wechat/bind-by-code', { as: person, payload: { code: 'x' } })
  expect(answer).toMatchObject({ status: 200, body: { code: 99, message: { msg: expect.stringContaining('短信') } } })
})
